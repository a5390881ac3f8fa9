//! A client for tests: it speaks AMQP through a stream in memory to a served connection.

#![allow(dead_code, reason = "shared by tests, each uses a part")]

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use iolite_amqp::codec::{
    Attach, Begin, Body, Disposition, Flow, Open, Outcome, Performative, Properties, Reader, Role, SaslFrame, SaslInit,
    Transfer, Value, WireMessage,
};
use iolite_amqp::frame::{AMQP_FRAME, AMQP_HEADER, SASL_FRAME, SASL_HEADER, next_frame, write_frame};
use iolite_amqp::{Context, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::doors::World;

/// What the server sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heard {
    pub(crate) channel: u16,
    pub(crate) performative: Performative,
    pub(crate) payload: Bytes,
}

/// A client on a connection.
pub(crate) struct Client {
    stream: DuplexStream,
    read: BytesMut,
    pub(crate) drain: watch::Sender<bool>,
    pub(crate) server: JoinHandle<()>,
    next_delivery: u32,
}

impl Client {
    pub(crate) fn connect(world: &Arc<World>) -> Self {
        Self::connect_with(world, |_| ())
    }

    pub(crate) fn connect_with(world: &Arc<World>, change: impl FnOnce(&mut Context)) -> Self {
        let (stream, served) = tokio::io::duplex(1 << 20);
        let (drain, draining) = watch::channel(false);
        let mut context = world.context(draining);
        change(&mut context);
        let server = tokio::spawn(serve(served, context));
        Self { stream, read: BytesMut::new(), drain, server, next_delivery: 0 }
    }

    /// Opens a connection without SASL and begins a session on channel 0.
    pub(crate) async fn begin(world: &Arc<World>) -> Self {
        let mut client = Self::connect(world);
        client.open().await;
        client
    }

    pub(crate) async fn open(&mut self) {
        self.write(&AMQP_HEADER).await;
        self.say(0, Performative::Open(Box::new(open()))).await;
        self.say(0, begin()).await;
        self.expect_header(AMQP_HEADER).await;
        assert!(matches!(self.hear().await.performative, Performative::Open(_)));
        assert!(matches!(self.hear().await.performative, Performative::Begin(_)));
    }

    /// SASL by one mechanism; the code of its outcome.
    pub(crate) async fn sasl(&mut self, mechanism: &str, response: &str) -> u8 {
        self.write(&SASL_HEADER).await;
        let init = SaslInit {
            mechanism: mechanism.into(),
            initial_response: Some(Bytes::copy_from_slice(response.as_bytes())),
            hostname: None,
        };
        let mut out = BytesMut::new();
        write_frame(&mut out, SASL_FRAME, 0, |out| init.write(out));
        self.write(&out).await;
        self.expect_header(SASL_HEADER).await;
        let mechanisms = self.sasl_frame().await;
        assert!(matches!(mechanisms, SaslFrame::Mechanisms(_)), "{mechanisms:?}");
        match self.sasl_frame().await {
            SaslFrame::Outcome(outcome) => outcome.code,
            other => panic!("{other:?}"),
        }
    }

    async fn sasl_frame(&mut self) -> SaslFrame {
        loop {
            if let Some(frame) = next_frame(&mut self.read, 65_536).unwrap() {
                return SaslFrame::read(frame.body).unwrap();
            }
            assert!(self.more().await, "the server hung up");
        }
    }

    /// Puts a token; the status.
    pub(crate) async fn put_token(&mut self, name: &str, token: &str) -> i64 {
        self.attach_on(0, 100, Role::Sender, "$cbs", None).await.unwrap();
        self.attach_on(0, 101, Role::Receiver, "$cbs", None).await.unwrap();
        self.credit(101, 10).await;
        self.put_again(name, token).await
    }

    /// Puts a token on the links that are there.
    pub(crate) async fn put_again(&mut self, name: &str, token: &str) -> i64 {
        self.ask(100, &put_token("servicebus.windows.net:sastoken", name, token)).await;
        self.status().await
    }

    pub(crate) async fn ask(&mut self, handle: u32, message: &WireMessage) {
        self.transfer(handle, message).await;
    }

    /// The status of the next answer.
    pub(crate) async fn status(&mut self) -> i64 {
        let answer = self.message().await;
        assert_eq!(answer.properties.as_ref().unwrap().correlation_id, Value::Ulong(7), "echoed with its type");
        answer.application_properties.get("status-code").unwrap().as_i64().unwrap()
    }

    /// Attaches a link; the server's answer: its attach, or the condition with which it detached.
    pub(crate) async fn attach(&mut self, handle: u32, role: Role, address: &str) -> Result<Attach, String> {
        self.attach_on(0, handle, role, address, None).await
    }

    pub(crate) async fn attach_on(
        &mut self,
        channel: u16,
        handle: u32,
        role: Role,
        address: &str,
        change: Option<fn(&mut Attach)>,
    ) -> Result<Attach, String> {
        let mut attach = Attach::to(handle, role, address);
        if let Some(change) = change {
            change(&mut attach);
        }
        self.say(channel, Performative::Attach(Box::new(attach))).await;
        loop {
            let heard = self.hear().await;
            match heard.performative {
                Performative::Attach(attach) if attach.source == Value::Null => {}
                Performative::Attach(attach) => return Ok(*attach),
                Performative::Detach(detach) => return Err(detach.error.unwrap().condition.0.into()),
                Performative::Flow(_) | Performative::Disposition(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn credit(&mut self, handle: u32, credit: u32) {
        let flow = Flow {
            incoming_window: 2048,
            outgoing_window: 2048,
            handle: Some(handle),
            delivery_count: Some(0),
            link_credit: Some(credit),
            ..Flow::default()
        };
        self.say(0, Performative::Flow(flow)).await;
    }

    /// Sends a message; its delivery id.
    pub(crate) async fn transfer(&mut self, handle: u32, message: &WireMessage) -> u32 {
        let id = self.next_delivery;
        self.next_delivery += 1;
        let transfer = Transfer {
            handle,
            delivery_id: Some(id),
            delivery_tag: Some(Bytes::copy_from_slice(&id.to_be_bytes())),
            message_format: Some(0),
            ..Transfer::default()
        };
        self.say_with(0, Performative::Transfer(transfer), &message.to_bytes()).await;
        id
    }

    /// What the server says of a delivery.
    pub(crate) async fn outcome(&mut self) -> Outcome {
        loop {
            if let Performative::Disposition(disposition) = self.hear().await.performative {
                return disposition.state.unwrap();
            }
        }
    }

    /// The next message, whole.
    pub(crate) async fn message(&mut self) -> WireMessage {
        self.delivery().await.1
    }

    /// The next message with its first transfer.
    pub(crate) async fn delivery(&mut self) -> (Transfer, WireMessage) {
        let mut payload = BytesMut::new();
        let mut first = None;
        loop {
            let heard = self.hear().await;
            if let Performative::Transfer(transfer) = heard.performative {
                payload.extend_from_slice(&heard.payload);
                let more = transfer.more == Some(true);
                let first = first.get_or_insert(transfer);
                if !more {
                    return (first.clone(), WireMessage::read(payload.freeze()).unwrap());
                }
            }
        }
    }

    pub(crate) async fn settle(&mut self, id: u32, outcome: Outcome, settled: bool) {
        let disposition = Disposition {
            role: Role::Receiver,
            first: id,
            settled: Some(settled),
            state: Some(outcome),
            ..Disposition::default()
        };
        self.say(0, Performative::Disposition(disposition)).await;
    }

    /// The condition with which the next detach, end or close comes.
    pub(crate) async fn ended(&mut self) -> String {
        loop {
            let error = match self.hear().await.performative {
                Performative::Detach(detach) => detach.error,
                Performative::End(end) => end.error,
                Performative::Close(close) => close.error,
                _ => continue,
            };
            return error.map_or_else(|| "nothing".to_owned(), |error| error.condition.0.into());
        }
    }

    pub(crate) async fn say(&mut self, channel: u16, performative: Performative) {
        self.say_with(channel, performative, &[]).await;
    }

    pub(crate) async fn say_with(&mut self, channel: u16, performative: Performative, payload: &[u8]) {
        let mut out = BytesMut::new();
        write_frame(&mut out, AMQP_FRAME, channel, |out| {
            performative.write(out);
            out.extend_from_slice(payload);
        });
        self.write(&out).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn expect_header(&mut self, header: [u8; 8]) {
        while self.read.len() < 8 {
            assert!(self.more().await, "the server hung up");
        }
        assert_eq!(self.read[..8], header);
        self.read.advance(8);
    }

    /// The next performative.
    pub(crate) async fn hear(&mut self) -> Heard {
        self.hear_or_end().await.expect("the server hung up")
    }

    /// The next performative, or that the server hung up.
    pub(crate) async fn hear_or_end(&mut self) -> Option<Heard> {
        loop {
            if let Some(frame) = next_frame(&mut self.read, 65_536).unwrap() {
                if frame.body.is_empty() {
                    continue;
                }
                let mut reader = Reader::new(frame.body);
                let performative = Performative::read(&mut reader).unwrap();
                return Some(Heard { channel: frame.channel, performative, payload: reader.rest() });
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Attaches to `$cbs`, where nothing is answered.
    pub(crate) async fn put_again_unanswered(&mut self) {
        self.attach_on(0, 100, Role::Sender, "$cbs", None).await.unwrap();
    }

    /// When the next empty frame comes.
    pub(crate) async fn empty_frame(&mut self) -> tokio::time::Instant {
        loop {
            if let Some(frame) = next_frame(&mut self.read, 65_536).unwrap()
                && frame.body.is_empty()
            {
                return tokio::time::Instant::now();
            }
            assert!(self.more().await, "the server hung up");
        }
    }

    async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.read).await.is_ok_and(|read| read > 0)
    }

    /// Until the server is done with the connection.
    pub(crate) async fn gone(mut self) {
        while self.more().await {
            self.read.clear();
        }
        drop(self.stream);
        self.server.await.unwrap();
    }
}

pub(crate) fn open() -> Open {
    Open { container_id: "client".into(), hostname: Some("localhost".into()), ..Open::default() }
}

pub(crate) fn begin() -> Performative {
    Performative::Begin(Box::new(Begin { incoming_window: 2048, outgoing_window: 2048, ..Begin::default() }))
}

pub(crate) fn put_token(kind: &str, name: &str, token: &str) -> WireMessage {
    let mut message = WireMessage {
        properties: Some(Properties { message_id: Value::Ulong(7), ..Properties::default() }),
        body: Body::Value(Value::string(token)),
        ..WireMessage::default()
    };
    message.application_properties.put("operation", Value::string("put-token"));
    message.application_properties.put("type", Value::string(kind));
    message.application_properties.put("name", Value::string(name));
    message
}

/// A token that the hub in memory believes until `end`, in seconds since 1970.
pub(crate) fn token(end: i64) -> String {
    format!("SharedAccessSignature sr=x&sig=good&se={end}")
}

pub(crate) fn data(body: &'static str) -> WireMessage {
    WireMessage { body: Body::data(body), ..WireMessage::default() }
}
