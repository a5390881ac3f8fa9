//! A service as the wire sees it: its operations, how to run them, and its face.

use std::sync::Arc;

use iolite_access::{Handler, Permit, RunFuture};
use iolite_kernel::{Operation, Request};

use crate::Router;
use crate::face::Face;

/// A service behind the wire.
pub trait ServiceTable: Send + Sync {
    /// The operations, served and refused.
    fn operations(&self) -> &[&'static Operation];

    /// Finds operations by method and path.
    fn router(&self) -> &Router;

    /// How the service says no.
    fn face(&self) -> &dyn Face;

    /// Runs the operation at `index`; `None` where it is one of the refused.
    fn run(&self, index: usize, permit: Permit, request: Request) -> Option<RunFuture<'_>>;
}

/// The [`ServiceTable`] of the service `S`.
pub struct Table<S: 'static> {
    service: Arc<S>,
    handlers: &'static [Handler<S>],
    operations: Vec<&'static Operation>,
    router: Router,
    face: Box<dyn Face>,
}

impl<S> Table<S> {
    /// Joins a service with its handlers, the operations it refuses, and its face.
    pub fn new(
        service: Arc<S>,
        handlers: &'static [Handler<S>],
        refused: &[&'static Operation],
        face: impl Face + 'static,
    ) -> Self {
        let operations: Vec<&'static Operation> =
            handlers.iter().map(|handler| handler.operation).chain(refused.iter().copied()).collect();
        let router = Router::new(&operations);
        Self { service, handlers, operations, router, face: Box::new(face) }
    }
}

impl<S: Send + Sync> ServiceTable for Table<S> {
    fn operations(&self) -> &[&'static Operation] {
        &self.operations
    }

    fn router(&self) -> &Router {
        &self.router
    }

    fn face(&self) -> &dyn Face {
        self.face.as_ref()
    }

    fn run(&self, index: usize, permit: Permit, request: Request) -> Option<RunFuture<'_>> {
        self.handlers.get(index).map(|handler| (handler.run)(&self.service, permit, request))
    }
}
