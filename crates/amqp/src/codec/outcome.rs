//! What a receiver says of a delivery (part 3, section 3.4).

use bytes::BytesMut;

use super::composite::{split_composite, write_composite};
use super::error::AmqpError;
use super::field::Field;
use super::read::DecodeError;
use super::value::{Map, Value};

/// A delivery state.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Outcome {
    /// Partly received; not an end.
    Received,
    /// Done.
    #[default]
    Accepted,
    /// Invalid for good.
    Rejected(Option<AmqpError>),
    /// Not looked at; may be delivered anew.
    Released,
    /// Not done; may be delivered anew, elsewhere where `undeliverable_here`.
    Modified {
        /// It counts as a failed delivery.
        delivery_failed: bool,
        /// Not to this link again.
        undeliverable_here: bool,
    },
}

impl Outcome {
    /// Whether it ends the delivery.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        !matches!(self, Self::Received)
    }

    pub(super) fn from_value(value: Value) -> Result<Self, DecodeError> {
        let (code, mut fields) = split_composite(value)?;
        Ok(match code {
            0x23 => Self::Received,
            0x24 => Self::Accepted,
            0x25 => Self::Rejected(fields.take()?),
            0x26 => Self::Released,
            0x27 => {
                let failed: Option<bool> = fields.take()?;
                let undeliverable: Option<bool> = fields.take()?;
                let _annotations: Option<Map> = fields.take()?;
                Self::Modified {
                    delivery_failed: failed.unwrap_or(false),
                    undeliverable_here: undeliverable.unwrap_or(false),
                }
            }
            _ => return Err(DecodeError("a delivery state is unknown")),
        })
    }

    /// Appends it.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Received => write_composite(out, 0x23, 2, |out| {
                0_u32.write(out);
                0_u64.write(out);
            }),
            Self::Accepted => write_composite(out, 0x24, 0, |_| ()),
            Self::Rejected(error) => write_composite(out, 0x25, 1, |out| Field::write(error, out)),
            Self::Released => write_composite(out, 0x26, 0, |_| ()),
            Self::Modified { delivery_failed, undeliverable_here } => write_composite(out, 0x27, 3, |out| {
                delivery_failed.write(out);
                undeliverable_here.write(out);
                None::<Map>.write(out);
            }),
        }
    }
}
