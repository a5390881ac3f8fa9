//! The table of operations, from which the router, the authorization table and the coverage document are made.

use iolite_access::{Handler, handler};
use iolite_kernel::Operation;

use crate::{Dps, enrollment_groups, enrollments, registrations, runtime};

static HANDLERS: &[Handler<Dps>] = &[
    handler!(enrollments::get),
    handler!(enrollments::put),
    handler!(enrollments::delete),
    handler!(enrollments::query),
    handler!(enrollments::bulk),
    handler!(enrollments::attestation),
    handler!(enrollment_groups::get),
    handler!(enrollment_groups::put),
    handler!(enrollment_groups::delete),
    handler!(enrollment_groups::query),
    handler!(enrollment_groups::bulk),
    handler!(enrollment_groups::attestation),
    handler!(registrations::get),
    handler!(registrations::delete),
    handler!(registrations::query),
    handler!(runtime::register),
    handler!(runtime::operation_status),
    handler!(runtime::lookup),
];

/// Every operation that is served, with what runs it.
#[must_use]
pub fn handlers() -> &'static [Handler<Dps>] {
    HANDLERS
}

/// Every operation that is known and not built: none, since all routes are served. What is refused inside them
/// (TPM and certificate-authority registration, custom allocation webhooks, issued certificates) is listed in
/// docs/quirks.md.
#[must_use]
pub const fn refused() -> &'static [&'static Operation] {
    &[]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iolite_kernel::Support;

    use super::*;

    #[test]
    fn every_operation_stands_once_and_is_served() {
        let places: BTreeSet<_> =
            handlers().iter().map(|handler| (handler.operation.method, handler.operation.path)).collect();
        assert_eq!(places.len(), 18);
        assert_eq!(handlers().len(), 18);
        assert!(handlers().iter().all(|handler| handler.operation.support == Support::Served));
    }
}
