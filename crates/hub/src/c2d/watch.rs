//! Looks after the queues: one task that waits for the next message to run out, the next lock to end, and the next batch
//! of feedback to be due.

use iolite_kernel::Timestamp;

use crate::Hub;

impl Hub {
    /// Runs the queues until it is dropped.
    pub(crate) async fn watch_queues(&self) {
        self.list_deadlines();
        loop {
            let now = self.ground.now();
            let locks = self.run_out(now).await;
            let feedback = self.gather_feedback(now).await;
            let next = [locks, feedback, self.deadlines.next()].into_iter().flatten().min();
            tokio::select! {
                () = self.deadlines.sooner() => {}
                () = self.until(next) => {}
            }
        }
    }

    /// Lists the ends of all messages that wait: at start, and when a whole world was put in the place of another.
    pub(crate) fn list_deadlines(&self) {
        for (key, bound) in self.bound.all("") {
            self.deadlines.set(bound.expires_at, &key);
        }
    }

    pub(crate) async fn until(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.ground.wait_until(at).await,
            None => std::future::pending().await,
        }
    }
}
