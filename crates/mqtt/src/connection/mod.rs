//! One connection: a stream in, a door to knock at, and everything a session asks for carried out.
//!
//! Called by `server`, once for each accepted stream. One task, one timer. Polled by hand so that what is read lies on the
//! stack while it is looked at and an idle device holds no buffer at all; acknowledgements gather until what was read is
//! used up and go out in one write.

mod acknowledgements;
mod end;
mod errands;
mod input;
mod opened;
mod output;
#[cfg(test)]
mod tests;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};

use iolite_kernel::Ground;
use iolite_messaging::{Arrival, DeviceDoor, Doing, SignInError, SignedIn, UNFINISHED};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Limits;
use crate::codec::{self, Packet};
use crate::session::{Opening, Session, TurnedAway, Violation, refusal_code};

use end::End;
use input::Input;
use opened::Opened;
use output::Output;

/// What a connection needs of the house.
#[derive(Clone)]
pub struct Context {
    /// How it came in.
    pub arrival: Arrival,
    /// Who lets devices in.
    pub door: Arc<dyn DeviceDoor>,
    /// The clock and the entropy, for the errors that a device reads.
    pub ground: Ground,
    /// Turns true when the process drains: the connection ends.
    pub draining: watch::Receiver<bool>,
    /// Its bounds.
    pub limits: Arc<Limits>,
}

/// Serves one client until it leaves, breaks the rules, is told to go, or the process drains.
pub fn serve<S>(stream: S, context: Context) -> impl Future<Output = ()> + Send
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut draining = context.draining.clone();
    let mut connection = Connection::new(stream, context);
    // The parts stay where the future captured them: an async function would hold its arguments twice.
    async move {
        let end = {
            let mut timer = pin!(sleep_until(connection.deadline()));
            let mut drained = pin!(async {
                if draining.wait_for(|draining| *draining).await.is_err() {
                    std::future::pending::<()>().await;
                }
            });
            std::future::poll_fn(|context| {
                if drained.as_mut().poll(context).is_ready() {
                    return Poll::Ready(End::Draining);
                }
                connection.poll(context, timer.as_mut())
            })
            .await
        };
        Box::pin(connection.finish(end)).await;
    }
}

struct Connection<S> {
    stream: S,
    input: Input,
    output: Output,
    phase: Phase,
    ground: Ground,
    limits: Arc<Limits>,
}

#[expect(clippy::large_enum_variant, reason = "nearly every connection is open nearly all the time")]
enum Phase {
    /// CONNECT has not come.
    Waiting { since: Instant, threshold: Box<Threshold> },
    /// The door looks at the claim.
    SigningIn { since: Instant, knocking: Box<Knocking> },
    /// The device is signed in.
    Open(Opened),
    /// Nothing more is read.
    Over,
}

/// What is needed until the device is in.
struct Threshold {
    arrival: Arrival,
    door: Arc<dyn DeviceDoor>,
}

struct Knocking {
    answer: Doing<'static, Result<SignedIn, SignInError>>,
    session: Session,
    clean: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    fn new(stream: S, context: Context) -> Self {
        let Context { arrival, door, ground, limits, .. } = context;
        let threshold = Box::new(Threshold { arrival, door });
        Self {
            stream,
            input: Input::new(&UNFINISHED),
            output: Output::default(),
            phase: Phase::Waiting { since: Instant::now(), threshold },
            ground,
            limits,
        }
    }

    /// Does all that can be done now.
    fn poll(&mut self, context: &mut task::Context<'_>, timer: Pin<&mut Sleep>) -> Poll<End> {
        match self.work(context) {
            Ok(()) => self.poll_deadline(context, timer),
            Err(end) => Poll::Ready(end),
        }
    }

    fn work(&mut self, context: &mut task::Context<'_>) -> Result<(), End> {
        loop {
            let mut moved = self.poll_sign_in(context)?;
            if let Phase::Open(opened) = &mut self.phase {
                moved |= opened.poll(context, &self.ground, &mut self.output, &self.limits)?;
            }
            moved |= self.poll_input(context)?;
            moved |= self.output.poll(context, &mut self.stream)?;
            if !moved {
                return Ok(());
            }
        }
    }

    /// Reads until nothing more comes, or enough waits to be written.
    fn poll_input(&mut self, context: &mut task::Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        while self.reads() && self.output.len() < output::BATCH {
            if self.input.is_unread() {
                self.input.use_kept(|bytes| take(&mut self.phase, &mut self.output, &self.limits, bytes))?;
            } else {
                let taking = |bytes: &[u8]| take(&mut self.phase, &mut self.output, &self.limits, bytes);
                if !self.input.poll(context, &mut self.stream, taking)? {
                    break;
                }
            }
            moved = true;
        }
        Ok(moved)
    }

    /// Whether more packets may come in now.
    fn reads(&self) -> bool {
        let room = match &self.phase {
            Phase::Waiting { .. } => true,
            Phase::SigningIn { .. } | Phase::Over => false,
            Phase::Open(opened) => opened.has_room(&self.limits),
        };
        room && self.output.len() < self.limits.output
    }

    fn poll_sign_in(&mut self, context: &mut task::Context<'_>) -> Result<bool, End> {
        let Phase::SigningIn { knocking, .. } = &mut self.phase else { return Ok(false) };
        let Poll::Ready(answer) = knocking.answer.as_mut().poll(context) else { return Ok(false) };
        match answer {
            Ok(signed_in) => {
                let Phase::SigningIn { knocking, .. } = std::mem::replace(&mut self.phase, Phase::Over) else {
                    return Ok(false);
                };
                let Knocking { session, clean, .. } = *knocking;
                self.phase = Phase::Open(Opened::begin(signed_in, session, clean, self.output.buffer()));
                self.input.heard();
                Ok(true)
            }
            Err(error) => {
                codec::connack(self.output.buffer(), false, refusal_code(&error));
                Err(End::Refused(error.error().to_string()))
            }
        }
    }

    /// When the connection ends if nothing happens before.
    fn deadline(&self) -> Instant {
        let silence = match &self.phase {
            Phase::Waiting { since, .. } | Phase::SigningIn { since, .. } => *since + self.limits.sign_in,
            Phase::Open(opened) => self.input.last_heard() + opened.silence(),
            Phase::Over => self.input.last_heard() + self.limits.linger,
        };
        self.output.stuck_since().map_or(silence, |since| silence.min(since + self.limits.write))
    }

    /// The timer is set anew only when it goes off, or when the deadline came nearer: packets move nothing but a field.
    fn poll_deadline(&self, context: &mut task::Context<'_>, mut timer: Pin<&mut Sleep>) -> Poll<End> {
        let deadline = self.deadline();
        if deadline < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(context).is_ready() {
            if deadline <= Instant::now() {
                return Poll::Ready(if self.output.stuck_since().is_some() { End::Stuck } else { End::Silent });
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// Takes whole packets off the front of `bytes`; how many bytes those were.
fn take(phase: &mut Phase, output: &mut Output, limits: &Limits, bytes: &[u8]) -> Result<usize, End> {
    let mut taken = 0;
    loop {
        let limit = match phase {
            Phase::Waiting { .. } => limits.packet_before_sign_in,
            Phase::Open(_) => limits.packet,
            Phase::SigningIn { .. } | Phase::Over => return Ok(taken),
        };
        let Some(frame) = codec::frame(&bytes[taken..], limit).map_err(Violation::from)? else { return Ok(taken) };
        let packet = codec::decode(frame).map_err(Violation::from)?;
        taken += frame.length;
        match phase {
            Phase::Open(opened) => opened.on_packet(packet, output.buffer())?,
            _ => knock(phase, packet, limits, output)?,
        }
    }
}

/// Takes a first packet to the door.
fn knock(phase: &mut Phase, packet: Packet<'_>, limits: &Limits, output: &mut Output) -> Result<(), End> {
    let Opening { claim, session, clean } = match Opening::read(packet, limits) {
        Ok(opening) => opening,
        Err(TurnedAway::Broken(violation)) => return Err(violation.into()),
        Err(TurnedAway::Refused(code, why)) => {
            codec::connack(output.buffer(), false, code);
            return Err(End::Refused(why));
        }
    };
    let Phase::Waiting { since, threshold } = std::mem::replace(phase, Phase::Over) else { return Ok(()) };
    let Threshold { arrival, door } = *threshold;
    let answer = Box::pin(async move { door.sign_in(arrival, claim).await });
    *phase = Phase::SigningIn { since, knocking: Box::new(Knocking { answer, session, clean }) };
    Ok(())
}
