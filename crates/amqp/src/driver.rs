//! Drives one connection over a byte stream: reads, writes, deadlines, the jobs of its conversation.
//!
//! Called by `server` once per connection, plain, over TLS or inside a WebSocket. One task, no buffers while idle: bytes are
//! read on the stack, and output exists only while it is written.

mod wire;

use std::sync::Arc;

use iolite_kernel::Ground;
use iolite_messaging::{Arrival, DeviceDoor, ServiceDoor};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep_until, timeout};

use crate::codec::{AmqpError, condition};
use crate::engine::Settings;
use crate::limits::Limits;
use crate::service::{Conversation, Surroundings};
use wire::{Turn, Wire};

/// What a connection needs from the house.
pub struct Context {
    /// How it came in.
    pub arrival: Arrival,
    /// Lets devices and modules in.
    pub devices: Arc<dyn DeviceDoor>,
    /// Lets back ends in.
    pub services: Arc<dyn ServiceDoor>,
    /// The clock and the entropy.
    pub ground: Ground,
    /// Turns true when the process drains: the connection is closed then.
    pub draining: watch::Receiver<bool>,
    /// Deadlines.
    pub limits: Limits,
}

/// Serves a connection until it is over. Nothing is returned: what went wrong was told to the peer.
pub async fn serve<S>(stream: S, context: Context)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Context { arrival, devices, services, ground, mut draining, limits } = context;
    let surroundings = Surroundings { devices, services, ground };
    let mut conversation = Box::new(Conversation::new(surroundings, arrival, Settings::default()));
    let mut wire = Wire::new(stream);
    let mut pace = Pace::new(limits);
    let mut told = false;
    loop {
        // Whoever reads that the connection is closed can rely on what was said before.
        if conversation.engine.is_closed() {
            conclude(&mut conversation, limits).await;
        }
        if wire.is_idle() && conversation.engine.has_output() {
            wire.write(conversation.engine.take_output());
            // What waited for room may go on.
            conversation.obey();
            pace.wrote();
        }
        if conversation.engine.is_closed() && wire.is_idle() {
            break;
        }
        let deadline = pace.next(&conversation, &wire);
        let may_read = conversation.engine.has_room();
        tokio::select! {
            turn = wire.turn(may_read) => match turn {
                Ok(Turn::Read) => {
                    pace.heard();
                    wire.read_into(|bytes| conversation.receive(bytes));
                }
                Ok(Turn::Written) => {}
                Ok(Turn::Ended) | Err(_) => break,
            },
            then = conversation.jobs.next() => conversation.go_on(then),
            () = sleep_until(deadline) => {
                if pace.act(&mut conversation, &wire) == Verdict::HangUp {
                    break;
                }
            }
            () = drained(&mut draining), if !told => {
                told = true;
                conversation.drain();
            }
        }
    }
    conclude(&mut conversation, limits).await;
    drop(conversation);
    wire.shut(limits.linger).await;
}

/// Ends the sessions, and what was begun in them.
async fn conclude(conversation: &mut Conversation, limits: Limits) {
    conversation.end_sessions(false);
    drop(timeout(limits.linger, conversation.finish()).await);
}

/// Until the process drains; for ever where nobody could say so any more.
async fn drained(draining: &mut watch::Receiver<bool>) {
    if draining.wait_for(|draining| *draining).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    GoOn,
    HangUp,
}

/// When something is due: each moment is real time.
struct Pace {
    limits: Limits,
    began: Instant,
    heard_at: Instant,
    wrote_at: Instant,
    ending_since: Option<Instant>,
}

/// We announce a silence and tolerate a bit more, as the standard advises (part 2, section 2.4.5).
const IDLE_GRACE: u32 = 2;
/// However short a silence the peer tolerates, no life is shown more often.
const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(500);
/// A moment that never comes.
const FAR: Duration = Duration::from_hours(24);

impl Pace {
    fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Self { limits, began: now, heard_at: now, wrote_at: now, ending_since: None }
    }

    fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    fn wrote(&mut self) {
        self.wrote_at = Instant::now();
    }

    fn heartbeat_every(conversation: &Conversation) -> Duration {
        let tolerated = conversation.engine.peer_idle_time_out().map(|time_out| Duration::from_millis(time_out.into()));
        tolerated.map_or(FAR, |tolerated| (tolerated / 2).max(SHORTEST_HEARTBEAT))
    }

    fn silence_until(&self, conversation: &Conversation) -> Instant {
        self.heard_at + Duration::from_millis(conversation.engine.idle_time_out().into()) * IDLE_GRACE
    }

    /// Until when the peer must have come further.
    fn sign_in_until(&self, conversation: &Conversation) -> Option<Instant> {
        let engine = &conversation.engine;
        if engine.is_trusted() {
            return None;
        }
        Some(self.began + if engine.is_open() { self.limits.until_trusted } else { self.limits.until_open })
    }

    /// The next moment at which something may be due.
    fn next<S>(&mut self, conversation: &Conversation, wire: &Wire<S>) -> Instant {
        let stuck = wire.stuck_since().map(|since| since + self.limits.write);
        if conversation.engine.is_ending() {
            let since = *self.ending_since.get_or_insert_with(Instant::now);
            let linger = since + self.limits.linger;
            return stuck.map_or(linger, |stuck| stuck.min(linger));
        }
        let alive = self.silence_until(conversation).min(self.wrote_at + Self::heartbeat_every(conversation));
        [stuck, self.sign_in_until(conversation)].into_iter().flatten().fold(alive, Instant::min)
    }

    /// Does what is due.
    fn act<S>(&mut self, conversation: &mut Conversation, wire: &Wire<S>) -> Verdict {
        let now = Instant::now();
        if self.ending_since.is_some_and(|since| now >= since + self.limits.linger)
            || wire.stuck_since().is_some_and(|since| now >= since + self.limits.write)
        {
            return Verdict::HangUp;
        }
        if self.ending_since.is_some() {
            return Verdict::GoOn;
        }
        if self.sign_in_until(conversation).is_some_and(|until| now >= until) {
            return give_up(conversation, "No credential was shown in time.");
        }
        if now >= self.silence_until(conversation) {
            return give_up(conversation, "The peer was silent for too long.");
        }
        if now >= self.wrote_at + Self::heartbeat_every(conversation) {
            self.wrote_at = now;
            conversation.engine.heartbeat();
        }
        Verdict::GoOn
    }
}

/// Closes the connection where there is one, and hangs up where there is none.
fn give_up(conversation: &mut Conversation, why: &str) -> Verdict {
    if !conversation.engine.is_open() {
        return Verdict::HangUp;
    }
    conversation.engine.close(Some(AmqpError::new(condition::CONNECTION_FORCED, why)));
    conversation.obey();
    Verdict::GoOn
}
