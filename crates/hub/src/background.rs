//! The work that hubs do by themselves: scheduled jobs, import and export jobs, the roll-out of configurations, the
//! outboxes, and the end of deleted hubs' streams.
//!
//! A part of [`crate::Hub::attend`]. Each kind runs on a task of its own, so that a long roll-out
//! keeps no job waiting. Dropping the future ends them all; what was begun goes on with the next process.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::Hub;

impl Hub {
    /// Does all of it, for as long as the future is polled.
    pub(crate) async fn work(self: Arc<Self>) {
        let mut tasks = JoinSet::new();
        tasks.spawn(self.clone().run_jobs());
        tasks.spawn(self.clone().run_registry_jobs());
        tasks.spawn(self.clone().keep_outboxes());
        tasks.spawn(self.clone().bury_streams());
        tasks.spawn(self.run_configurations());
        while let Some(ended) = tasks.join_next().await {
            // None of them ends by itself, so one that does has failed; the others go on.
            if let Err(error) = ended {
                tracing::error!(%error, "a part of the hub's own work has ended");
            }
        }
    }
}
