//! Models: DTDL interfaces that twins are made of.

pub mod add;
mod definition;
pub mod delete;
mod entry;
pub mod get;
mod interface;
pub mod list;
mod model;
mod schema;
pub mod update;

pub(crate) use interface::Element;
pub use model::Model;
pub(crate) use schema::{Schema, is_date_time};

use iolite_kernel::{Request, ServiceError};

use crate::{dtmi, errors};

/// How many models an instance holds at most (the service's published limit).
const MOST_MODELS: usize = 10_000;

/// The model that the path names; a text that is no DTMI is refused before anything is looked up.
fn id_in_path(request: &Request) -> Result<&str, ServiceError> {
    let id = request.param("id");
    if dtmi::is_model_id(id) { Ok(id) } else { Err(errors::invalid_model_id(id)) }
}

/// The query value `includeModelDefinition`, which is false where it is left out.
fn includes_definition(request: &Request) -> Result<bool, ServiceError> {
    match request.query("includeModelDefinition") {
        None | Some("") => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => {
            let text = format!("The value '{text}' of includeModelDefinition is neither true nor false.");
            Err(ServiceError::new(&errors::INVALID_ARGUMENT, text))
        }
    }
}
