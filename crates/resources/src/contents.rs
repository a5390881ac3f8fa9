//! What hangs below a resource: the services' own records, which go when Resource Manager deletes the resource.

use iolite_store::Transaction;

/// Keeps records below resources of one type; implemented by the services, called by `arm` inside the very transaction
/// that deletes the resource.
pub trait ResourceContents: Send + Sync {
    /// The ARM type whose resources it keeps records for (`Microsoft.Devices/IotHubs`).
    fn resource_type(&self) -> &'static str;

    /// Removes every record of the resource named `key` (lower case).
    fn remove(&self, transaction: &mut Transaction<'_>, key: &str);
}
