//! The AMQP decoders: frames, values, performatives, SASL and messages. What is read and written again is read again, and
//! written the same.

use bytes::{Bytes, BytesMut};
use iolite_amqp::codec::{Performative, Reader, SaslFrame, WireMessage, write_value};
use iolite_amqp::frame::next_frame;

/// Reads the bytes as everything that they could be.
pub fn try_on(bytes: &[u8]) {
    let all = Bytes::copy_from_slice(bytes);
    settles(&all, |bytes| {
        let value = Reader::new(bytes).value().ok()?;
        let mut out = BytesMut::new();
        write_value(&mut out, &value);
        Some(out.freeze())
    });
    settles(&all, |bytes| {
        let performative = Performative::read(&mut Reader::new(bytes)).ok()?;
        let mut out = BytesMut::new();
        performative.write(&mut out);
        Some(out.freeze())
    });
    settles(&all, |bytes| WireMessage::read(bytes).ok().map(|message| message.to_bytes()));
    let _ = SaslFrame::read(all);
    let mut rest = BytesMut::from(bytes);
    while let Ok(Some(frame)) = next_frame(&mut rest, 64 * 1024) {
        let mut reader = Reader::new(frame.body);
        let _ = Performative::read(&mut reader);
    }
}

/// What was written is read, and written as it is.
fn settles(bytes: &Bytes, again: impl Fn(Bytes) -> Option<Bytes>) {
    if let Some(once) = again(bytes.clone()) {
        let twice = again(once.clone());
        assert_eq!(twice.as_ref(), Some(&once), "read and written, it is another");
    }
}
