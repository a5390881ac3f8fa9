//! Clients of the lasting doors: as much of MQTT and AMQP as it takes to be let in, and to be thrown out.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use iolite_amqp::codec::{
    Attach, Begin, Body, Flow, Map, Open, Performative, Properties, Reader, Role, SaslFrame, SaslInit, Transfer, Value,
    WireMessage,
};
use iolite_amqp::frame::{
    AMQP_FRAME, AMQP_HEADER, MAXIMUM_FRAME_SIZE, SASL_FRAME, SASL_HEADER, next_frame, write_frame,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long an answer may take on a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(20);

async fn dial(tls: Arc<ClientConfig>, address: &str) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(tls).connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
}

/// A device over MQTT.
pub(crate) struct Mqtt(TlsStream<TcpStream>);

impl Mqtt {
    /// Signs in by a signature, else by the certificate of the handshake; nothing where that is refused.
    pub(crate) async fn connect(tls: Arc<ClientConfig>, address: &str, id: &str, sas: Option<&str>) -> Option<Self> {
        let mut stream = dial(tls, address).await;
        let user = format!("localhost/{id}/?api-version=2021-04-12");
        let flags = if sas.is_some() { 0xc2 } else { 0x82 };
        let mut packet = [&b"\x00\x04MQTT\x04"[..], &[flags, 0, 60]].concat();
        for text in [Some(id), Some(&user), sas].into_iter().flatten() {
            packet.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
            packet.extend_from_slice(text.as_bytes());
        }
        // A length in two bytes of seven bits.
        let length = u16::try_from(packet.len()).unwrap();
        assert!(length < 1 << 14);
        let [low, high] = [length & 0x7f | 0x80, length >> 7].map(|bits| bits.to_le_bytes()[0]);
        stream.write_all(&[&[0x10, low, high][..], &packet].concat()).await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.ok()?;
        (answer == [0x20, 2, 0, 0]).then_some(Self(stream))
    }

    /// A PINGREQ is answered.
    pub(crate) async fn is_answered(&mut self) {
        self.0.write_all(&[0xc0, 0]).await.unwrap();
        let mut answer = [0; 2];
        tokio::time::timeout(PATIENCE, self.0.read_exact(&mut answer)).await.expect("no answer").unwrap();
        assert_eq!(answer, [0xd0, 0]);
    }

    /// The hub ends the connection.
    pub(crate) async fn ends_within(mut self, patience: Duration) {
        let ended = tokio::time::timeout(patience, self.0.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "the connection is open after {patience:?}");
    }
}

/// A connection over AMQP with a session and a link.
pub(crate) struct Amqp {
    stream: TlsStream<TcpStream>,
    read: BytesMut,
}

impl Amqp {
    /// Signs in as `user` by a signature, and attaches a link that sends to `address`; the condition where that is refused.
    pub(crate) async fn connect(
        tls: Arc<ClientConfig>,
        port: &str,
        user: &str,
        sas: &str,
        address: &str,
    ) -> Result<Self, String> {
        let secret = Bytes::from(format!("\0{user}\0{sas}"));
        let mut client = Self::open(tls, port, "PLAIN", Some(secret)).await?;
        client.attach(0, Role::Sender, address).await?;
        Ok(client)
    }

    /// Puts a signature for `audience` on the connection, and attaches a link that reads from `address`; the condition where
    /// that is refused.
    pub(crate) async fn read(
        tls: Arc<ClientConfig>,
        port: &str,
        audience: &str,
        sas: &str,
        address: &str,
    ) -> Result<Self, String> {
        let mut client = Self::open(tls, port, "ANONYMOUS", None).await?;
        client.attach(0, Role::Sender, "$cbs").await?;
        client.attach(1, Role::Receiver, "$cbs").await?;
        let flow = Flow {
            next_incoming_id: Some(0),
            incoming_window: 100,
            outgoing_window: 100,
            handle: Some(1),
            delivery_count: Some(0),
            link_credit: Some(10),
            ..Flow::default()
        };
        client.say(&Performative::Flow(flow)).await;
        client.send(&put_token(audience, sas)).await;
        // The answer; whether it is a yes shows when the link is attached.
        while !matches!(client.hear().await.ok_or("hung up")?, Performative::Transfer(_)) {}
        client.attach(2, Role::Receiver, address).await?;
        Ok(client)
    }

    /// A connection with a session.
    async fn open(
        tls: Arc<ClientConfig>,
        port: &str,
        mechanism: &str,
        initial_response: Option<Bytes>,
    ) -> Result<Self, String> {
        let mut client = Self { stream: dial(tls, port).await, read: BytesMut::new() };
        client.sign_in(mechanism, initial_response).await?;
        client.stream.write_all(&AMQP_HEADER).await.unwrap();
        let open = Open { container_id: "test".into(), hostname: Some("localhost".into()), ..Open::default() };
        client.say(&Performative::Open(Box::new(open))).await;
        let begin = Begin { incoming_window: 100, outgoing_window: 100, ..Begin::default() };
        client.say(&Performative::Begin(Box::new(begin))).await;
        client.header(AMQP_HEADER).await;
        Ok(client)
    }

    async fn attach(&mut self, handle: u32, role: Role, address: &str) -> Result<(), String> {
        self.say(&Performative::Attach(Box::new(Attach::to(handle, role, address)))).await;
        loop {
            match self.hear().await.ok_or("hung up")? {
                // A link that is refused is attached to nothing first.
                Performative::Attach(answer) => {
                    let far_end = if role == Role::Sender { answer.target } else { answer.source };
                    if far_end != Value::Null {
                        return Ok(());
                    }
                }
                Performative::Detach(detach) => return Err(detach.error.unwrap().condition.0.into()),
                Performative::Close(close) => return Err(close.error.unwrap().condition.0.into()),
                _ => {}
            }
        }
    }

    async fn sign_in(&mut self, mechanism: &str, initial_response: Option<Bytes>) -> Result<(), String> {
        let init = SaslInit { mechanism: mechanism.into(), initial_response, hostname: Some("localhost".into()) };
        let mut out = BytesMut::from(&SASL_HEADER[..]);
        write_frame(&mut out, SASL_FRAME, 0, |out| init.write(out));
        self.stream.write_all(&out).await.unwrap();
        self.header(SASL_HEADER).await;
        loop {
            match SaslFrame::read(self.frame().await.ok_or("hung up")?).unwrap() {
                SaslFrame::Outcome(outcome) if outcome.code == 0 => return Ok(()),
                SaslFrame::Outcome(outcome) => return Err(format!("SASL {}", outcome.code)),
                _ => {}
            }
        }
    }

    /// Sends a message over the link; the hub has said what it makes of it when this returns.
    pub(crate) async fn send(&mut self, message: &WireMessage) {
        let transfer = Transfer {
            delivery_id: Some(0),
            delivery_tag: Some(Bytes::from_static(b"1")),
            message_format: Some(0),
            ..Transfer::default()
        };
        let mut out = BytesMut::new();
        write_frame(&mut out, AMQP_FRAME, 0, |out| {
            Performative::Transfer(transfer).write(out);
            message.write(out);
        });
        self.stream.write_all(&out).await.unwrap();
        let said =
            async { while !matches!(self.hear().await.expect("the hub hangs up"), Performative::Disposition(_)) {} };
        tokio::time::timeout(PATIENCE, said).await.expect("the hub says nothing of a message");
    }

    /// The link, its session or the connection ends.
    pub(crate) async fn ends_within(mut self, patience: Duration) {
        let ends = async {
            while let Some(heard) = self.hear().await {
                if matches!(heard, Performative::Detach(_) | Performative::End(_) | Performative::Close(_)) {
                    return;
                }
            }
        };
        assert!(tokio::time::timeout(patience, ends).await.is_ok(), "the link is attached after {patience:?}");
    }

    async fn say(&mut self, performative: &Performative) {
        let mut out = BytesMut::new();
        write_frame(&mut out, AMQP_FRAME, 0, |out| performative.write(out));
        self.stream.write_all(&out).await.unwrap();
    }

    async fn hear(&mut self) -> Option<Performative> {
        loop {
            let body = self.frame().await?;
            if !body.is_empty() {
                return Some(Performative::read(&mut Reader::new(body)).unwrap());
            }
        }
    }

    async fn frame(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = next_frame(&mut self.read, MAXIMUM_FRAME_SIZE).unwrap() {
                return Some(frame.body);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn header(&mut self, header: [u8; 8]) {
        while self.read.len() < header.len() {
            assert!(self.more().await, "the hub hung up");
        }
        assert_eq!(self.read[..header.len()], header);
        self.read.advance(header.len());
    }

    async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.read).await.is_ok_and(|read| read > 0)
    }
}

/// What a token is put on a connection with.
fn put_token(audience: &str, sas: &str) -> WireMessage {
    let pairs = [("operation", "put-token"), ("type", "servicebus.windows.net:sastoken"), ("name", audience)];
    WireMessage {
        properties: Some(Properties { message_id: Value::Ulong(1), ..Properties::default() }),
        application_properties: Map(pairs.map(|(name, value)| (Value::string(name), Value::string(value))).into()),
        body: Body::Value(Value::string(sas)),
        ..WireMessage::default()
    }
}
