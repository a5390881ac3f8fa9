//! Every performative in every state has an answer, and no bytes break the engine.

use proptest::prelude::*;

use super::testing::Peer;
use super::{Acceptance, Engine, Event, Settings};
use crate::codec::{AmqpError, Close, Detach, Disposition, End, Flow, Performative, Role};
use crate::frame::{AMQP_HEADER, SASL_HEADER};
use crate::sasl::SaslCode;

fn performatives() -> [(&'static str, Performative); 9] {
    [
        ("open", Peer::an_open()),
        ("begin", Peer::a_begin()),
        ("attach", Peer::an_attach(Role::Sender)),
        (
            "flow",
            Performative::Flow(Flow { handle: Some(0), link_credit: Some(1), echo: Some(true), ..Flow::default() }),
        ),
        ("transfer", Performative::Transfer(Peer::a_transfer(0))),
        ("disposition", Performative::Disposition(Disposition { role: Role::Receiver, ..Disposition::default() })),
        ("detach", Performative::Detach(Detach { closed: Some(true), ..Detach::default() })),
        ("end", Performative::End(End::default())),
        ("close", Performative::Close(Close::default())),
    ]
}

fn refused() -> AmqpError {
    AmqpError::new("amqp:not-found", "no")
}

fn asked() -> Peer {
    let mut peer = Peer::begun();
    peer.send(0, Peer::an_attach(Role::Sender));
    peer.clear();
    peer
}

fn detaching() -> Peer {
    let (mut peer, link) = Peer::attached(Role::Sender);
    peer.engine.detach(link, Some(refused()));
    peer.clear();
    peer
}

fn ended() -> Peer {
    let (mut peer, _) = Peer::attached(Role::Sender);
    peer.send(0, Peer::an_attach(Role::Sender));
    assert_eq!(peer.answer(), "end(amqp:session:handle-in-use)");
    peer.clear();
    peer
}

fn close_sent() -> Peer {
    let mut peer = Peer::begun();
    peer.engine.close(Some(refused()));
    peer.clear();
    peer
}

type State = (&'static str, fn() -> Peer);

fn states() -> [State; 9] {
    [
        ("greeted", Peer::greeted),
        ("open", Peer::open),
        ("begun", Peer::begun),
        ("asked", asked),
        ("receiving", || Peer::attached(Role::Sender).0),
        ("sending", || Peer::attached(Role::Receiver).0),
        ("detaching", detaching),
        ("ended", ended),
        ("close-sent", close_sent),
    ]
}

/// State, performative, and what is written; nothing means that it is taken without a word.
const ANSWERS: &str = "
greeted      open         open
greeted      begin        open close(amqp:illegal-state)
greeted      attach       open close(amqp:illegal-state)
greeted      flow         open close(amqp:illegal-state)
greeted      transfer     open close(amqp:illegal-state)
greeted      disposition  open close(amqp:illegal-state)
greeted      detach       open close(amqp:illegal-state)
greeted      end          open close(amqp:illegal-state)
greeted      close        open close
open         open         close(amqp:illegal-state)
open         begin        begin
open         attach       close(amqp:illegal-state)
open         flow         close(amqp:illegal-state)
open         transfer     close(amqp:illegal-state)
open         disposition  close(amqp:illegal-state)
open         detach       close(amqp:illegal-state)
open         end          close(amqp:illegal-state)
open         close        close
begun        open         close(amqp:illegal-state)
begun        begin        close(amqp:illegal-state)
begun        attach
begun        flow         end(amqp:session:unattached-handle)
begun        transfer     end(amqp:session:unattached-handle)
begun        disposition
begun        detach       end(amqp:session:unattached-handle)
begun        end          end
begun        close        close
asked        open         close(amqp:illegal-state)
asked        begin        close(amqp:illegal-state)
asked        attach       end(amqp:session:handle-in-use)
asked        flow
asked        transfer     attach-to-nothing detach(amqp:link:transfer-limit-exceeded)
asked        disposition
asked        detach       attach-to-nothing detach
asked        end          end
asked        close        close
receiving    open         close(amqp:illegal-state)
receiving    begin        close(amqp:illegal-state)
receiving    attach       end(amqp:session:handle-in-use)
receiving    flow         flow
receiving    transfer
receiving    disposition
receiving    detach       detach
receiving    end          end
receiving    close        close
sending      open         close(amqp:illegal-state)
sending      begin        close(amqp:illegal-state)
sending      attach       end(amqp:session:handle-in-use)
sending      flow         flow
sending      transfer     detach(amqp:not-allowed)
sending      disposition
sending      detach       detach
sending      end          end
sending      close        close
detaching    open         close(amqp:illegal-state)
detaching    begin        close(amqp:illegal-state)
detaching    attach       end(amqp:session:handle-in-use)
detaching    flow
detaching    transfer
detaching    disposition
detaching    detach
detaching    end          end
detaching    close        close
ended        open         close(amqp:illegal-state)
ended        begin        close(amqp:illegal-state)
ended        attach
ended        flow
ended        transfer
ended        disposition
ended        detach
ended        end
ended        close        close
close-sent   open
close-sent   begin
close-sent   attach
close-sent   flow
close-sent   transfer
close-sent   disposition
close-sent   detach
close-sent   end
close-sent   close
";

#[test]
fn every_performative_in_every_state_is_answered() {
    let mut found = String::from("\n");
    for (state, make) in states() {
        for (name, performative) in performatives() {
            let mut peer = make();
            peer.answer();
            peer.send(0, performative);
            let line = format!("{state:<12} {name:<12} {}", peer.answer());
            found.push_str(line.trim_end());
            found.push('\n');
        }
    }
    assert_eq!(found, ANSWERS, "{found}");
}

/// What a hostile peer does next: frames that are well formed, on few channels and handles.
#[derive(Debug, Clone)]
enum Step {
    Say(u16, usize, u32),
    Accept,
    Refuse,
    Settle,
    Bytes(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3_u16, 0..9_usize, any::<u32>()).prop_map(|(channel, which, number)| Step::Say(channel, which, number)),
        2 => Just(Step::Accept),
        1 => Just(Step::Refuse),
        1 => Just(Step::Settle),
        1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(Step::Bytes),
    ]
}

fn vary(performative: &mut Performative, number: u32) {
    let handle = number % 3;
    match performative {
        Performative::Attach(attach) => {
            attach.handle = handle;
            attach.role = if number & 8 == 0 { Role::Sender } else { Role::Receiver };
        }
        Performative::Flow(flow) => {
            flow.handle = (number & 16 == 0).then_some(handle);
            flow.link_credit = Some(number);
            flow.incoming_window = number;
            flow.delivery_count = Some(number / 7);
            flow.drain = Some(number & 32 == 0);
        }
        Performative::Transfer(transfer) => {
            transfer.handle = handle;
            transfer.more = Some(number & 8 == 0);
            transfer.aborted = Some(number & 0x30 == 0);
            transfer.settled = Some(number & 64 == 0);
        }
        Performative::Disposition(disposition) => {
            disposition.first = number;
            disposition.last = Some(number.wrapping_mul(7));
        }
        Performative::Detach(detach) => detach.handle = handle,
        _ => {}
    }
}

fn take(engine: &mut Engine, tickets: &mut Vec<super::Ticket>, links: &mut Vec<super::LinkId>) {
    while let Some(event) = engine.next_event() {
        match event {
            Event::Attached { link, .. } => links.push(link),
            Event::Delivery { ticket, .. } => tickets.push(ticket),
            Event::Sasl(_) => engine.sasl_outcome(SaslCode::Ok),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn no_sequence_of_performatives_breaks_the_engine(steps in prop::collection::vec(step(), 0..40), trusted in any::<bool>()) {
        let mut peer = Peer::greeted();
        peer.send(0, Peer::an_open());
        if trusted {
            peer.engine.trust();
        }
        let (mut tickets, mut links) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Say(channel, which, number) => {
                    let mut performative = performatives()[which].1.clone();
                    // Open and close end all; let the others be tried for longer.
                    if (which == 0 || which == 8) && number % 8 != 0 {
                        performative = Peer::a_begin();
                    }
                    vary(&mut performative, number);
                    let payload: &[u8] = if matches!(performative, Performative::Transfer(_)) { b"payload" } else { &[] };
                    peer.send_with(channel, performative, payload);
                }
                Step::Accept => if let Some(link) = links.pop() {
                    peer.engine.accept(link, Acceptance { window: 5, max_message_size: 100, ..Acceptance::default() });
                },
                Step::Refuse => if let Some(link) = links.pop() {
                    peer.engine.refuse(link, refused());
                },
                Step::Settle => if let Some(ticket) = tickets.pop() {
                    peer.engine.settle(ticket, crate::codec::Outcome::Accepted);
                },
                Step::Bytes(bytes) => peer.engine.receive(&bytes),
            }
            take(&mut peer.engine, &mut tickets, &mut links);
            // All that is written can be read.
            peer.frames();
        }
    }

    #[test]
    fn no_bytes_break_the_engine(
        sasl in any::<bool>(),
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8),
    ) {
        let mut engine = Engine::new(Settings::default());
        engine.receive(if sasl { &SASL_HEADER } else { &AMQP_HEADER });
        for chunk in chunks {
            engine.receive(&chunk);
            take(&mut engine, &mut Vec::new(), &mut Vec::new());
            engine.take_output();
        }
    }
}
