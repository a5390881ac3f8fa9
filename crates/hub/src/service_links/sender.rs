//! A link that sends to devices.

use std::sync::Arc;

use iolite_access::Permit;
use iolite_kernel::ServiceError;
use iolite_messaging::{DeviceBoundSender, Doing, Message};

use crate::Hub;

struct Sender {
    hub: Arc<Hub>,
    /// The hub's key.
    key: String,
}

impl Hub {
    /// A link that sends to the devices of the permit's hub.
    #[must_use]
    pub fn device_bound_sender(self: &Arc<Self>, permit: &Permit) -> Box<dyn DeviceBoundSender> {
        Box::new(Sender { hub: self.clone(), key: permit.resource_key().into_owned() })
    }
}

impl DeviceBoundSender for Sender {
    fn send(&self, message: Message) -> Doing<'_, Result<(), ServiceError>> {
        Box::pin(self.hub.send_to_device(&self.key, message))
    }
}
