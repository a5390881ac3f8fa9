//! A good conversation, spoilt by a seed: bytes changed, dropped, doubled and split anywhere.

use bytes::{Bytes, BytesMut};
use iolite_amqp::codec::{
    Attach, Detach, Disposition, Flow, Outcome, Performative, Role, SaslInit, Transfer, WireMessage,
};
use iolite_amqp::frame::{AMQP_HEADER, SASL_FRAME, SASL_HEADER, write_frame};
use iolite_kernel::{Entropy, Ground, SeededEntropy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{self, data, put_token, token};
use super::doors::World;

fn frame(out: &mut BytesMut, performative: &Performative, payload: &[u8]) {
    write_frame(out, 0, 0, |out| {
        performative.write(out);
        out.extend_from_slice(payload);
    });
}

fn sent(handle: u32, id: u32) -> Performative {
    let delivery_tag = Some(Bytes::from_static(b"t"));
    Performative::Transfer(Transfer { handle, delivery_id: Some(id), delivery_tag, ..Transfer::default() })
}

/// Everything that a client of each kind says, in one go.
pub(crate) fn conversation() -> Vec<u8> {
    let far = token(4_000_000_000);
    let mut out = BytesMut::from(&SASL_HEADER[..]);
    let response = Some(Bytes::from(format!("\0service@sas.root.localhost\0{far}")));
    let init = SaslInit { mechanism: "PLAIN".into(), initial_response: response, hostname: None };
    write_frame(&mut out, SASL_FRAME, 0, |out| init.write(out));
    out.extend_from_slice(&AMQP_HEADER);
    frame(&mut out, &Performative::Open(Box::new(client::open())), &[]);
    frame(&mut out, &client::begin(), &[]);
    let links = [
        (Role::Sender, "$cbs"),
        (Role::Receiver, "$cbs"),
        (Role::Sender, "/devices/d1/messages/events"),
        (Role::Receiver, "/devices/d1/messages/devicebound"),
        (Role::Sender, "/devices/d1/twin"),
        (Role::Receiver, "/devices/d1/twin"),
        (Role::Sender, "/messages/devicebound"),
        (Role::Receiver, "/messages/serviceBound/feedback"),
        (Role::Receiver, "hub1/ConsumerGroups/$Default/Partitions/0"),
        (Role::Sender, "$management"),
        (Role::Receiver, "$management"),
    ];
    for (handle, (role, address)) in (0..).zip(links) {
        frame(&mut out, &Performative::Attach(Box::new(Attach::to(handle, role, address))), &[]);
        let flow = Flow { incoming_window: 100, handle: Some(handle), link_credit: Some(20), ..Flow::default() };
        frame(&mut out, &Performative::Flow(flow), &[]);
    }
    frame(&mut out, &sent(0, 0), &put_token("jwt", "localhost", &far).to_bytes());
    frame(&mut out, &sent(2, 1), &data("telemetry").to_bytes());
    frame(&mut out, &sent(4, 2), &data(" ").to_bytes());
    let mut command = WireMessage { properties: Some(iolite_amqp::codec::Properties::default()), ..data("hi") };
    command.properties.as_mut().unwrap().to = Some("/devices/d1/messages/devicebound".into());
    frame(&mut out, &sent(6, 3), &command.to_bytes());
    frame(&mut out, &sent(9, 4), &put_token("com.microsoft:eventhub", "hub1", "").to_bytes());
    let settled = Disposition {
        role: Role::Receiver,
        first: 1,
        last: Some(5),
        settled: Some(true),
        state: Some(Outcome::Accepted),
        batchable: None,
    };
    frame(&mut out, &Performative::Disposition(settled), &[]);
    frame(&mut out, &Performative::Detach(Detach { handle: 2, closed: Some(true), error: None }), &[]);
    out.to_vec()
}

fn draw(entropy: &SeededEntropy, below: usize) -> usize {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    usize::try_from(u64::from_be_bytes(bytes) % u64::try_from(below.max(1)).unwrap()).unwrap()
}

fn spoil(bytes: &mut Vec<u8>, entropy: &SeededEntropy) {
    for _ in 0..=draw(entropy, 3) {
        let at = draw(entropy, bytes.len());
        let end = (at + draw(entropy, 12)).min(bytes.len());
        match draw(entropy, 5) {
            0 => bytes[at] = bytes[at].wrapping_add(1),
            1 => bytes[at] ^= 1 << draw(entropy, 8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => bytes[at] = [0, 0x40, 0x45, 0x53, 0x70, 0xb0, 0xd0, 0xff][draw(entropy, 8)],
        }
        if bytes.is_empty() {
            return;
        }
    }
}

/// Has a conversation, spoilt unless `seed` is 0, and waits for its end. How many bytes were answered, and how many events
/// were taken; or that the server panicked.
pub(crate) async fn have(seed: u64) -> Result<(usize, usize), tokio::task::JoinError> {
    let entropy = SeededEntropy::new(seed);
    let mut bytes = conversation();
    if seed > 0 {
        spoil(&mut bytes, &entropy);
    }
    let world = World::new(Ground::system());
    let (mut stream, stream_served) = tokio::io::duplex(1 << 20);
    let (_drain, draining) = tokio::sync::watch::channel(false);
    let server = tokio::spawn(iolite_amqp::serve(stream_served, world.context(draining)));
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (now, later) = rest.split_at((1 + draw(&entropy, 300)).min(rest.len()));
        // The server may have hung up already.
        if stream.write_all(now).await.is_err() {
            break;
        }
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        rest = later;
    }
    let _ = stream.shutdown().await;
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    drop(stream);
    server.await?;
    let events = world.state.lock().unwrap().events.len();
    Ok((heard.len(), events))
}
