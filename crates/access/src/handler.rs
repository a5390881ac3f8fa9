//! An operation joined with the code that runs it.

use std::future::Future;
use std::pin::Pin;

use iolite_kernel::{Answer, Operation, Request, ServiceError};

use crate::Permit;

/// What running an operation comes to.
pub type RunFuture<'a> = Pin<Box<dyn Future<Output = Result<Answer, ServiceError>> + Send + 'a>>;

/// One row of a service's table: the operation, and what runs it on the service `S`. Made with [`handler!`](crate::handler).
pub struct Handler<S: 'static> {
    /// The operation.
    pub operation: &'static Operation,
    /// Runs it, on a permit for that very operation.
    pub run: for<'a> fn(&'a S, Permit, Request) -> RunFuture<'a>,
}

/// The row of the operation whose file is the module `$module`: its `OPERATION` and its `run(&S, Permit, Request)`.
#[macro_export]
macro_rules! handler {
    ($($module:ident)::+) => {
        $crate::Handler {
            operation: &$($module)::+::OPERATION,
            run: |service, permit, request| ::std::boxed::Box::pin($($module)::+::run(service, permit, request)),
        }
    };
}
