//! Where each resource answers: the shared origin for the first of its kind, a port of its own for every other.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use iolite_arm::Endpoints;
use iolite_http::Site;
use iolite_kernel::{ResourceId, Timestamp};
use iolite_messaging::Transport;
use iolite_resources::{Estate, Hub, ProvisioningService, TwinsInstance};
use iolite_store::Versioned;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::ports::{Bound, Ports, addresses, take};

/// Where ports of one resource are looked for with documented ports; one beyond the last documented HTTPS port.
const FIRST_DEDICATED: u16 = 8450;
/// How many are tried before any free one is taken.
const DEDICATED_TRIED: u16 = 50;

/// The types of resource that have origins.
pub(crate) const TYPES: [&str; 3] = [Hub::TYPE, ProvisioningService::TYPE, TwinsInstance::TYPE];

/// Listeners for one resource, on their way to the accept loop.
pub(crate) struct Opened {
    /// The resource's site.
    pub(crate) site: Site,
    /// Its listeners.
    pub(crate) bound: Bound,
}

/// The origins of a running emulator.
pub(crate) struct Origins {
    estate: Estate,
    shared_port: u16,
    has_443: bool,
    ports: Ports,
    addresses: Vec<IpAddr>,
    dedicated: Mutex<HashMap<(&'static str, String), u16>>,
    /// The first of each type, as of so many changes.
    firsts: Mutex<[(u64, Option<Arc<str>>); TYPES.len()]>,
    open: mpsc::UnboundedSender<Opened>,
    /// The ports where events are read, with TLS and without.
    events_ports: OnceLock<(u16, u16)>,
}

impl Origins {
    /// Origins beside a shared one on `shared_port` (and on 443 where `has_443`). New listeners go to the receiver.
    pub(crate) fn new(
        estate: Estate,
        shared_port: u16,
        has_443: bool,
        ports: Ports,
        bind: Option<IpAddr>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Opened>) {
        let (open, opened) = mpsc::unbounded_channel();
        let dedicated = Mutex::default();
        let addresses = addresses(bind);
        let firsts = Mutex::default();
        let events_ports = OnceLock::new();
        (
            Arc::new(Self { estate, shared_port, has_443, ports, addresses, dedicated, firsts, open, events_ports }),
            opened,
        )
    }

    /// Says where events are read; once, at start.
    pub(crate) fn read_events_at(&self, tls: u16, plain: u16) {
        self.events_ports.get_or_init(|| (tls, plain));
    }

    /// Where a client that came by `transport` finds the events: host and port.
    pub(crate) fn events_address(&self, transport: Transport) -> Option<String> {
        let (tls, plain) = *self.events_ports.get()?;
        let port = if transport == Transport::AmqpPlain { plain } else { tls };
        Some(format!("localhost:{port}"))
    }

    /// The shared origin's port.
    pub(crate) const fn shared_port(&self) -> u16 {
        self.shared_port
    }

    /// `localhost[:port]` for names that SDKs are given: without the port where 443 is ours, since some can't read one.
    pub(crate) fn shared_name(&self) -> String {
        if self.has_443 { "localhost".to_owned() } else { format!("localhost:{}", self.shared_port) }
    }

    /// The first resource of a type, which answers on the shared origin: the oldest. Asked on every request, so it is
    /// worked out anew only when a resource of the type has changed.
    pub(crate) fn first(&self, resource_type: &str) -> Option<Arc<str>> {
        let changes = match resource_type {
            Hub::TYPE => self.estate.hubs.changes(),
            ProvisioningService::TYPE => self.estate.provisioning_services.changes(),
            _ => self.estate.twins_instances.changes(),
        };
        let index = TYPES.iter().position(|known| *known == resource_type)?;
        let mut firsts = self.firsts.lock();
        if firsts[index].0 != changes {
            firsts[index] = (changes, self.names(resource_type).into_iter().min().map(|(_, name)| name.into()));
        }
        firsts[index].1.clone()
    }

    /// The resources of a type by name, the one on the shared origin first.
    pub(crate) fn names_in_order(&self, resource_type: &str) -> Vec<String> {
        let mut names = self.names(resource_type);
        names.sort();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// Opens origins for every resource that needs one.
    pub(crate) fn open_all(&self) {
        for resource_type in TYPES {
            let mut names = self.names(resource_type);
            names.sort();
            for (_, name) in names.into_iter().skip(1) {
                self.dedicated_port(resource_type, &name);
            }
        }
    }

    /// The port where a resource answers.
    pub(crate) fn port_of(&self, resource_type: &'static str, name: &str) -> Option<u16> {
        if self.first(resource_type).as_deref() == Some(name) {
            return Some(self.shared_port);
        }
        self.dedicated_port(resource_type, name)
    }

    /// The site behind one of our ports.
    pub(crate) fn site_of_port(&self, port: u16) -> Option<Site> {
        if port == self.shared_port || (port == 443 && self.has_443) {
            return Some(Site::Shared);
        }
        let dedicated = self.dedicated.lock();
        let ((resource_type, name), _) = dedicated.iter().find(|(_, known)| **known == port)?;
        Some(Site::Dedicated { resource_type, name: name.as_str().into() })
    }

    /// The hub that answers to `host[:port]`: by its own name, or by where it answers on this machine.
    pub(crate) fn hub_of(&self, host: &str) -> Option<Versioned<Hub>> {
        let (name, port) = host.split_once(':').unwrap_or((host, "443"));
        let label = name.split('.').next().unwrap_or_default();
        if let Some(hub) = self.estate.hub(label).filter(|hub| hub.host_name.eq_ignore_ascii_case(name)) {
            return Some(hub);
        }
        let site = port.parse().ok().and_then(|port| self.site_of_port(port)).unwrap_or(Site::Shared);
        match site {
            Site::Dedicated { resource_type: Hub::TYPE, name } => self.estate.hub(&name),
            Site::Shared => self.first(Hub::TYPE).and_then(|name| self.estate.hub(&name)),
            Site::Dedicated { .. } | Site::Control => None,
        }
    }

    /// The name by which devices dial the hub at `host`: SDKs read no port there, so the first hub is `localhost`, and
    /// any other its own name (devices reach that one through a gateway host name).
    pub(crate) fn dialled_name(&self, host: &str) -> String {
        match self.hub_of(host) {
            Some(hub) if self.first(Hub::TYPE).as_deref() == Some(hub.id.name().to_ascii_lowercase().as_str()) => {
                "localhost".to_owned()
            }
            Some(hub) => hub.host_name.clone(),
            None => host.to_owned(),
        }
    }

    fn dedicated_port(&self, resource_type: &'static str, name: &str) -> Option<u16> {
        let mut dedicated = self.dedicated.lock();
        let key = (resource_type, name.to_owned());
        if let Some(port) = dedicated.get(&key) {
            return Some(*port);
        }
        let bound =
            self.take_port().inspect_err(|error| tracing::error!(%error, name, "no origin for a resource")).ok()?;
        let port = bound.port;
        dedicated.insert(key, port);
        let site = Site::Dedicated { resource_type, name: name.into() };
        self.open.send(Opened { site, bound }).ok()?;
        Some(port)
    }

    fn take_port(&self) -> Result<Bound, crate::ports::PortError> {
        const PURPOSE: &str = "HTTPS of one resource";
        if self.ports != Ports::Auto {
            for port in FIRST_DEDICATED..FIRST_DEDICATED + DEDICATED_TRIED {
                if let Ok(bound) = take(port, PURPOSE, &self.addresses) {
                    return Ok(bound);
                }
            }
        }
        take(0, PURPOSE, &self.addresses)
    }

    fn names(&self, resource_type: &str) -> Vec<(Timestamp, String)> {
        match resource_type {
            Hub::TYPE => {
                self.estate.hubs.all("").into_iter().map(|(key, hub)| (hub.created_at, key.to_string())).collect()
            }
            ProvisioningService::TYPE => self
                .estate
                .provisioning_services
                .all("")
                .into_iter()
                .map(|(key, service)| (service.created_at, key.to_string()))
                .collect(),
            _ => self
                .estate
                .twins_instances
                .all("")
                .into_iter()
                .map(|(key, twins)| (twins.created_at, key.to_string()))
                .collect(),
        }
    }
}

impl Endpoints for Origins {
    fn host_of(&self, resource: &ResourceId) -> Option<String> {
        let resource_type = TYPES.into_iter().find(|kind| {
            resource.as_str().to_ascii_lowercase().contains(&format!("/{}/", kind.to_ascii_lowercase()))
        })?;
        let name = resource.name().to_ascii_lowercase();
        if self.first(resource_type).as_deref() == Some(name.as_str()) {
            return Some(self.shared_name());
        }
        self.dedicated_port(resource_type, &name).map(|port| format!("localhost:{port}"))
    }

    /// Every hub's events answer on one port, told apart by their path.
    fn event_hub_endpoint(&self, _: &ResourceId) -> Option<String> {
        self.events_address(Transport::Amqp).map(|address| format!("sb://{address}/"))
    }

    fn device_provisioning_host_of(&self, service: &ResourceId) -> Option<String> {
        self.host_of(service)
    }
}

#[cfg(test)]
mod tests {
    use iolite_resources::{Cloud, Tenant};
    use iolite_store::Store;

    use super::*;

    #[test]
    fn events_are_read_where_the_listener_of_the_client_s_kind_is() {
        let tenant = Tenant {
            id: "t".into(),
            domain: "contoso.example".into(),
            cloud: Cloud::Public,
            token_lifetime_seconds: 3600,
            propagation_delay_seconds: 0,
        };
        let estate = Estate::new(Store::memory(), tenant);
        let (origins, _opened) = Origins::new(estate, 8443, false, Ports::Auto, None);
        assert_eq!(origins.events_address(Transport::Amqp), None);
        origins.read_events_at(40_001, 40_002);
        for (transport, address) in [
            (Transport::Amqp, "localhost:40001"),
            (Transport::AmqpWebSocket, "localhost:40001"),
            (Transport::AmqpPlain, "localhost:40002"),
        ] {
            assert_eq!(origins.events_address(transport).as_deref(), Some(address));
        }
    }
}
