//! The way to the linked hubs: requests over their own public API, with the link's own credential.
//!
//! Implemented by the wiring, which sends each call through the emulator's whole pipeline (identity, access, hub), so
//! that a hub that denies SAS really breaks provisioning, for the same reason as in Azure and with the same error.

use std::future::Future;
use std::pin::Pin;

use iolite_kernel::{Bytes, Method, Secret, Uuid};

/// Sends requests to hubs.
pub trait HubGateway: Send + Sync {
    /// Sends `call` and gives the hub's answer, refusals included.
    fn call<'a>(&'a self, call: HubCall) -> Pin<Box<dyn Future<Output = HubAnswer> + Send + 'a>>;

    /// Hears that a registration failed: the decision that let the device in, and the `errorMessage` that it was told.
    fn registration_failed(&self, _decision: Uuid, _message: &str) {}
}

/// A request to a hub.
#[derive(Debug, Clone)]
pub struct HubCall {
    /// The hub's own host name, without a port.
    pub hub_host: String,
    /// What it is sent with.
    pub authorization: HubAuthorization,
    /// The method.
    pub method: Method,
    /// The path, escaped, with the query.
    pub path: String,
    /// The `If-Match` header.
    pub if_match: Option<String>,
    /// The body, JSON; empty for none.
    pub body: Bytes,
}

/// What a request to a hub is sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubAuthorization {
    /// This shared access signature, signed with the key of the link's connection string.
    SharedAccessSignature(Secret),
    /// A token of the managed identity with this object id.
    ManagedIdentity {
        /// The identity's object id.
        object_id: String,
    },
}

/// A hub's answer as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubAnswer {
    /// The status.
    pub status: u16,
    /// The body, an error's as well.
    pub body: Bytes,
}
