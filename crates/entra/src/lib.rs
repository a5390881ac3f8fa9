//! The Entra ID issuer that comes with the emulator: discovery, keys, tokens, device codes, managed identities,
//! and the three questions of Microsoft Graph that `az role assignment create` asks.
//!
//! `http` calls its operations; the wiring and `dps` ask it for tokens without a wire ([`Entra::issue`]). It reads the
//! directory and never changes it, and it never follows an address that a token or a client names: what it trusts is in
//! the directory.
//!
//! Every operation but Graph's is public by nature: it is where callers come to be told apart. What a grant needs
//! (secret, assertion, password) is the grant's own business.

#![expect(clippy::unused_async, reason = "every operation's `run` has one shape, whether it waits for anything or not")]

mod assertion;
mod audience;
mod certificate;
mod claims;
mod client;
pub mod device_code;
mod device_codes;
pub mod discovery;
mod entra;
pub mod errors;
mod form;
mod grant;
pub mod graph;
mod issue;
pub mod keys;
pub mod managed_identity;
mod refresh_tokens;
mod refusals;
mod secrecy;
mod tenant;
#[cfg(test)]
mod testing;
pub mod token;
pub mod user_realm;

use iolite_access::{Handler, handler};
use iolite_kernel::Operation;

pub use certificate::{is_certificate, is_public_key};
pub use entra::{Entra, EntraSettings};
pub use issue::{Flaw, IssueError, Token};

/// Every operation that is served, with what runs it.
pub fn handlers() -> &'static [Handler<Entra>] {
    const HANDLERS: &[Handler<Entra>] = &[
        handler!(discovery::instance),
        handler!(discovery::v1),
        handler!(discovery::v2),
        handler!(discovery::adfs),
        handler!(keys::v1),
        handler!(keys::v2),
        handler!(token::v1),
        handler!(token::v2),
        handler!(token::adfs),
        handler!(device_code::start),
        handler!(device_code::page),
        handler!(device_code::approve),
        handler!(user_realm::get),
        handler!(graph::list_users),
        handler!(graph::list_service_principals),
        handler!(graph::get_by_ids),
        handler!(managed_identity::imds),
        handler!(managed_identity::app_service),
    ];
    HANDLERS
}

/// Every operation that is known and not built.
pub fn refused() -> &'static [&'static Operation] {
    refusals::REFUSED
}
