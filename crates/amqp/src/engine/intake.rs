//! From bytes to performatives: protocol headers, SASL, frames, and which stage takes what.

use bytes::{Buf, Bytes};

use super::{Engine, Event, Stage};
use crate::codec::{AmqpError, Performative, Reader, SaslFrame, SaslOutcome, condition};
use crate::frame::{
    AMQP_FRAME, AMQP_HEADER, Frame, MAXIMUM_FRAME_SIZE, SASL_FRAME, SASL_HEADER, next_frame, write_frame,
};
use crate::sasl::{MECHANISMS, SaslCode};

impl Engine {
    /// Works the input off as far as the stage allows.
    pub(super) fn run(&mut self) {
        loop {
            let went_on = match self.stage {
                Stage::Header | Stage::HeaderAfterSasl => self.take_header(),
                Stage::SaslInit => self.take_sasl_frame(),
                Stage::SaslJudged => false,
                Stage::Opening | Stage::Open | Stage::CloseSent => self.take_frame(),
                Stage::Closed => {
                    self.input.clear();
                    false
                }
            };
            if !went_on {
                break;
            }
        }
        if self.input.is_empty() {
            // An idle connection keeps no buffer.
            self.input = bytes::BytesMut::new();
        }
    }

    /// Says how SASL ended; the connection is over where it did not end well.
    pub fn sasl_outcome(&mut self, code: SaslCode) {
        if self.stage != Stage::SaslJudged {
            return;
        }
        let outcome = SaslOutcome { code: code as u8, additional_data: None };
        write_frame(&mut self.output, SASL_FRAME, 0, |out| outcome.write(out));
        self.stage = if code == SaslCode::Ok { Stage::HeaderAfterSasl } else { Stage::Closed };
        self.run();
    }

    /// Ends without further words where nothing was opened, with a close where something was.
    pub(super) fn give_up(&mut self, why: &'static str) {
        if matches!(self.stage, Stage::Opening | Stage::Open) {
            self.shut(Some(AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, why)));
        }
        self.stage = Stage::Closed;
        self.input.clear();
    }

    fn take_header(&mut self) -> bool {
        let known = self.input.len().min(8);
        let header = &self.input[..known];
        let (sasl, amqp) = (SASL_HEADER.starts_with(header), AMQP_HEADER.starts_with(header));
        if self.stage == Stage::Header && known == 8 && sasl {
            self.input.advance(8);
            self.output.extend_from_slice(&SASL_HEADER);
            write_frame(&mut self.output, SASL_FRAME, 0, |out| crate::codec::write_mechanisms(out, &MECHANISMS));
            self.stage = Stage::SaslInit;
            return true;
        }
        if known == 8 && amqp {
            self.input.advance(8);
            self.output.extend_from_slice(&AMQP_HEADER);
            self.stage = Stage::Opening;
            return true;
        }
        if !(amqp || sasl && self.stage == Stage::Header) {
            // Part 2, section 2.2: a header that does not suit (TLS, another version, another protocol altogether) is
            // answered with one that would, and the connection is closed.
            let ours = if self.stage == Stage::Header { SASL_HEADER } else { AMQP_HEADER };
            self.output.extend_from_slice(&ours);
            self.stage = Stage::Closed;
        }
        false
    }

    fn take_sasl_frame(&mut self) -> bool {
        match next_frame(&mut self.input, MAXIMUM_FRAME_SIZE) {
            Ok(None) => false,
            Ok(Some(Frame { kind: SASL_FRAME, body, .. })) => match SaslFrame::read(body) {
                Ok(SaslFrame::Init(init)) => {
                    self.stage = Stage::SaslJudged;
                    self.events.push_back(Event::Sasl(init));
                    false
                }
                Ok(_) | Err(_) => self.hang_up(),
            },
            Ok(Some(_)) | Err(_) => self.hang_up(),
        }
    }

    /// Within SASL there is no way to say why.
    fn hang_up(&mut self) -> bool {
        self.stage = Stage::Closed;
        true
    }

    fn take_frame(&mut self) -> bool {
        match next_frame(&mut self.input, MAXIMUM_FRAME_SIZE) {
            Ok(None) => return false,
            Ok(Some(frame)) => self.on_frame(frame),
            Err(error) => {
                // Where the next frame begins is unknown from here on: nothing more is read.
                self.shut(Some(AmqpError::new(condition::FRAMING_ERROR, error.0)));
                self.stage = Stage::Closed;
            }
        }
        true
    }

    fn on_frame(&mut self, frame: Frame) {
        if frame.kind != AMQP_FRAME {
            return self.fail(condition::FRAMING_ERROR, "a frame is of another kind");
        }
        if frame.body.is_empty() {
            return;
        }
        if frame.channel > self.settings.channel_max {
            return self.fail(condition::FRAMING_ERROR, "a channel is above the highest");
        }
        let mut reader = Reader::new(frame.body);
        match Performative::read(&mut reader) {
            Ok(performative) => self.on_performative(frame.channel, performative, reader.rest()),
            Err(error) => self.fail(condition::DECODE_ERROR, error.0),
        }
    }

    fn fail(&mut self, condition: &str, why: &str) {
        if self.stage != Stage::CloseSent {
            self.shut(Some(AmqpError::new(condition, why)));
        }
    }

    fn on_performative(&mut self, channel: u16, performative: Performative, payload: Bytes) {
        if !payload.is_empty() && !matches!(performative, Performative::Transfer(_)) {
            return self.fail(condition::FRAMING_ERROR, "a frame without a message has a payload");
        }
        match (self.stage, performative) {
            (_, Performative::Close(close)) => self.on_close(close),
            (Stage::CloseSent, _) => {}
            (Stage::Opening, Performative::Open(open)) => self.on_open(open),
            (Stage::Opening, _) => self.fail(condition::ILLEGAL_STATE, "the connection is not open yet"),
            (_, Performative::Open(_)) => self.fail(condition::ILLEGAL_STATE, "the connection is open already"),
            (_, performative) => self.on_session_performative(channel, performative, payload),
        }
    }
}
