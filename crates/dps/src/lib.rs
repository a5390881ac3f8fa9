//! The Device Provisioning Service: enrolments, attestation, registration and the linked hubs.
//!
//! Called by the wire crates with a permit, by the door for enrolments' keys ([`iolite_identity::AttestationSource`]),
//! and by `arm` when a provisioning service is deleted. It makes devices in the linked hubs through [`HubGateway`], as
//! any client of those hubs would and with the link's own credential: it never touches a hub's records.

#![cfg_attr(
    not(test),
    expect(
        clippy::unused_async,
        reason = "every operation's `run` has one shape, whether it waits for anything or not"
    )
)]

mod allocation;
mod assignment;
mod attestation;
mod body;
mod bulk;
mod enrollment;
mod enrollment_groups;
mod enrollments;
mod entity_tag;
pub mod errors;
mod identifier;
mod operations;
mod paging;
mod registration;
mod registrations;
mod runtime;
mod service;
mod source;
#[cfg(test)]
mod testing;
mod versions;

pub use assignment::{HubAnswer, HubAuthorization, HubCall, HubGateway};
pub use operations::{handlers, refused};
pub use service::{Dial, Dps};
