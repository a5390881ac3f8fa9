//! The house put together: every service, door and record of a running emulator, joined once at start.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use iolite_access::{Access, RoleBook};
use iolite_arm::{Arm, Census, DeviceCounts, Surroundings};
use iolite_dps::Dps;
use iolite_entra::{Entra, EntraSettings};
use iolite_http::face::{ArmFace, DpsFace, EntraFace, HubFace, TwinsFace};
use iolite_http::{Pipeline, ServiceTable, Table};
use iolite_hub::Hub;
use iolite_hub::blobs::BlobClient;
use iolite_hub::outbound::Outbound;
use iolite_identity::{Identity, KeyRing};
use iolite_kernel::{Clock, Ground, Operation, Secret, Service, SteerableClock, SystemEntropy};
use iolite_resources::Estate;
use iolite_store::streams::Streams;
use iolite_twins::Twins;

use crate::doors::Doors;
use crate::gateway::Gateway;
use crate::hub_events::EventsOfHubs;
use crate::locator::Directory;
use crate::origins::Origins;
use crate::rehearsal::Rehearsing;
use crate::storage_tokens::HubIdentities;

/// The clock and the entropy of a running emulator, with the clock in a form that can be steered.
pub(crate) struct Elements {
    /// The clock that `POST /clock` moves.
    pub(crate) clock: Arc<SteerableClock>,
    /// The same clock, with the entropy, as everyone else sees them.
    pub(crate) ground: Ground,
    /// Certificates of authorities besides the public ones that services of the user's own are believed by, DER.
    pub(crate) trusted: Vec<Vec<u8>>,
}

impl Elements {
    /// The machine's clock and the system's entropy.
    pub(crate) fn new() -> Self {
        let clock = Arc::new(SteerableClock::new());
        let ground = Ground { clock: clock.clone() as Arc<dyn Clock>, entropy: Arc::new(SystemEntropy) };
        Self { clock, ground, trusted: Vec::new() }
    }

    /// The same, believing services that this authority vouches for.
    pub(crate) fn trusting(mut self, authority: Option<Vec<u8>>) -> Self {
        self.trusted.extend(authority);
        self
    }
}

/// Every part that the wiring and the control API reach for.
pub(crate) struct House {
    pub(crate) elements: Elements,
    pub(crate) estate: Estate,
    pub(crate) access: Arc<Access>,
    pub(crate) hub: Arc<Hub>,
    /// The events of the hubs.
    pub(crate) streams: Streams,
    pub(crate) dps: Arc<Dps>,
    pub(crate) ring: Arc<KeyRing>,
    /// Where the issuer's key is kept.
    pub(crate) issuer_key: PathBuf,
    pub(crate) entra: Arc<Entra>,
    pub(crate) origins: Arc<Origins>,
    pub(crate) rehearsing: Arc<Rehearsing>,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) doors: Arc<Doors>,
    pub(crate) identity_header: Secret,
}

/// Every operation that requests ask for, served and refused.
#[must_use]
pub fn operations() -> Vec<&'static Operation> {
    let mut all: Vec<&'static Operation> = Vec::new();
    all.extend(iolite_hub::handlers().iter().map(|handler| handler.operation));
    all.extend(iolite_hub::refused());
    all.extend(iolite_dps::handlers().iter().map(|handler| handler.operation));
    all.extend(iolite_dps::refused());
    all.extend(iolite_twins::handlers().iter().map(|handler| handler.operation));
    all.extend(iolite_twins::refused());
    all.extend(iolite_arm::handlers().iter().map(|handler| handler.operation));
    all.extend(iolite_arm::refused());
    all.extend(iolite_entra::handlers().iter().map(|handler| handler.operation));
    all.extend(iolite_entra::refused());
    all
}

/// Every operation that exists on sessions and links only: MQTT and AMQP know them, the router does not.
#[must_use]
pub const fn session_operations() -> &'static [&'static Operation] {
    iolite_hub::session_operations()
}

/// Joins everything over an estate whose records are there already.
pub(crate) fn join(
    elements: Elements,
    estate: Estate,
    streams: Streams,
    book: RoleBook,
    ring: Arc<KeyRing>,
    origins: Arc<Origins>,
    issuer_key: PathBuf,
) -> House {
    let ground = elements.ground.clone();
    let mut operations = operations();
    operations.extend(session_operations());
    let identity_header = Secret::new(ground.uuid().to_string());
    let settings = EntraSettings { identity_header: identity_header.clone(), default_managed_identity: None };
    let entra = Arc::new(Entra::new(estate.clone(), ground.clone(), ring.clone(), settings));
    let gateway = Arc::new(Gateway::new(estate.clone(), entra.clone()));
    let dial = {
        let origins = origins.clone();
        Arc::new(move |host: &str| origins.dialled_name(host))
    };
    let blobs = Arc::new(BlobClient::new(Outbound::new(elements.trusted.clone())));
    let webhooks = Arc::new(Outbound::new(elements.trusted.clone()));
    let identities = Arc::new(HubIdentities::new(estate.clone(), entra.clone()));
    let hub = Hub::new(estate.clone(), ground.clone()).with_webhooks(webhooks).with_blobs(blobs);
    let hub = Arc::new(hub.with_storage_tokens(identities).with_streams(streams.clone()));
    let dps = Arc::new(Dps::new(estate.clone(), ground.clone(), gateway.clone(), dial));
    let twins = Arc::new(Twins::new(estate.clone(), ground.clone()));
    let identity = Arc::new(Identity::new(estate.clone(), ground.clone(), ring.clone(), hub.clone(), dps.clone()));
    let access = Arc::new(Access::new(estate.clone(), ground.clone(), book.clone(), operations.clone()));
    let rehearsing = Arc::new(Rehearsing::new(estate.clone(), origins.clone()));
    rehearsing.join(identity.clone(), access.clone(), dps.clone());
    let surroundings = Surroundings {
        contents: vec![hub.clone(), dps.clone(), twins.clone()],
        witness: rehearsing.clone(),
        endpoints: origins.clone(),
        census: Arc::new(HubCensus(hub.clone())),
    };
    let arm = Arm::new(estate.clone(), ground.clone(), book, operations, surroundings);
    let arm = Arc::new(arm.with_events(Arc::new(EventsOfHubs(hub.clone()))));
    let directory = Arc::new(Directory::new(estate.clone(), origins.clone()));
    let tables = tables(hub.clone(), dps.clone(), twins, arm, entra.clone());
    let doors = Arc::new(Doors {
        ground: ground.clone(),
        estate: estate.clone(),
        origins: origins.clone(),
        identity: identity.clone(),
        access: access.clone(),
        hub: hub.clone(),
        shaken: tokio::sync::watch::Sender::new(0),
    });
    let pipeline = Arc::new(Pipeline::new(ground, identity, access.clone(), directory, tables));
    gateway.join(&pipeline, access.clone());
    House {
        elements,
        estate,
        access,
        hub,
        streams,
        dps,
        ring,
        issuer_key,
        entra,
        origins,
        rehearsing,
        pipeline,
        doors,
        identity_header,
    }
}

fn tables(
    hub: Arc<Hub>,
    dps: Arc<Dps>,
    twins: Arc<Twins>,
    arm: Arc<Arm>,
    entra: Arc<Entra>,
) -> BTreeMap<Service, Arc<dyn ServiceTable>> {
    let entra: Arc<dyn ServiceTable> =
        Arc::new(Table::new(entra, iolite_entra::handlers(), iolite_entra::refused(), EntraFace));
    BTreeMap::from([
        (
            Service::Hub,
            Arc::new(Table::new(hub, iolite_hub::handlers(), iolite_hub::refused(), HubFace)) as Arc<dyn ServiceTable>,
        ),
        (Service::Dps, Arc::new(Table::new(dps, iolite_dps::handlers(), iolite_dps::refused(), DpsFace))),
        (Service::Twins, Arc::new(Table::new(twins, iolite_twins::handlers(), iolite_twins::refused(), TwinsFace))),
        (Service::Arm, Arc::new(Table::new(arm, iolite_arm::handlers(), iolite_arm::refused(), ArmFace))),
        (Service::Entra, entra.clone()),
        (Service::ManagedIdentity, entra),
    ])
}

/// Resource Manager's view of how many devices a hub has.
struct HubCensus(Arc<Hub>);

impl Census for HubCensus {
    fn devices(&self, hub: &str) -> DeviceCounts {
        let (total, enabled) = self.0.device_counts(hub);
        DeviceCounts { total, enabled }
    }
}
