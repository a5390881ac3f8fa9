//! Twins: instances of models.

mod apply;
mod conformance;
pub mod delete;
mod document;
pub mod get;
pub mod put;
mod reading;
mod shape;
mod twin;
pub mod update;

pub use twin::{Part, Stamp, Twin};

use iolite_kernel::{Request, ServiceError};

use crate::errors;

/// How many twins an instance holds at most (the service's published limit).
const MOST_TWINS: usize = 2_000_000;

/// The longest id of a twin, in characters. The service publishes none; this is that of the other identifiers it takes.
const LONGEST_ID: usize = 128;

/// The twin that the path names. Control characters, which no SDK sends and no log should print, are refused.
fn id_in_path(request: &Request) -> Result<&str, ServiceError> {
    let id = request.param("id");
    if !id.is_empty() && id.chars().count() <= LONGEST_ID && !id.chars().any(char::is_control) {
        return Ok(id);
    }
    let text = format!("The digital twin ID has to have 1 to {LONGEST_ID} characters and no control characters.");
    Err(ServiceError::new(&errors::INVALID_ARGUMENT, text))
}
