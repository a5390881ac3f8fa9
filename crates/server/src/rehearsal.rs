//! What denying SAS on a hub would do, told before it is done: who uses SAS now, and which provisioning services and
//! enrolments would break.

use std::sync::{Arc, OnceLock};

use iolite_access::Access;
use iolite_arm::Witness;
use iolite_dps::Dps;
use iolite_identity::{Identity, SasUse};
use iolite_kernel::{Service, Uuid};
use iolite_resources::{Estate, Hub, LinkAuthentication};
use serde::Serialize;

use crate::origins::Origins;

/// How many enrolments are named; the counts are of all.
const NAMED_ENROLLMENTS: usize = 20;

/// The consequences of denying SAS on one hub.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rehearsal {
    /// The warning, in plain lines.
    pub(crate) lines: Vec<String>,
    /// Who used SAS lately.
    pub(crate) sas_users: Vec<SasUser>,
    /// Every provisioning service linked to the hub.
    pub(crate) linked_services: Vec<LinkedService>,
}

/// One who used SAS lately.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SasUser {
    policy: String,
    client: String,
    last_used: String,
    count: u64,
}

/// A provisioning service linked to the hub.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkedService {
    name: String,
    link: &'static str,
    breaks: bool,
    individual_enrollments: usize,
    enrollment_groups: usize,
    enrollments: Vec<String>,
}

/// Rehearses the switch; the wiring gives it everybody who knows something.
pub(crate) struct Rehearsing {
    estate: Estate,
    origins: Arc<Origins>,
    parts: OnceLock<Parts>,
}

struct Parts {
    identity: Arc<Identity>,
    access: Arc<Access>,
    dps: Arc<Dps>,
}

impl Rehearsing {
    pub(crate) const fn new(estate: Estate, origins: Arc<Origins>) -> Self {
        Self { estate, origins, parts: OnceLock::new() }
    }

    /// Joins those who know; called once, when they are all made.
    pub(crate) fn join(&self, identity: Arc<Identity>, access: Arc<Access>, dps: Arc<Dps>) {
        self.parts.get_or_init(|| Parts { identity, access, dps });
    }

    /// What denying SAS on `hub` would do.
    pub(crate) fn rehearse(&self, hub: &Hub) -> Rehearsal {
        let uses = self.parts.get().map(|parts| parts.identity.recent_sas_use(&hub.id)).unwrap_or_default();
        let sas_users: Vec<SasUser> = uses.iter().map(SasUser::of).collect();
        let linked_services = self.linked_services(hub);
        let audience = self.estate.tenant.cloud.audiences(Service::Hub).first().copied().unwrap_or_default();
        let lines = lines(hub, audience, &sas_users, &linked_services);
        Rehearsal { lines, sas_users, linked_services }
    }

    fn linked_services(&self, hub: &Hub) -> Vec<LinkedService> {
        let mut linked = Vec::new();
        for (key, service) in self.estate.provisioning_services.all("") {
            let leads_here = |host: &str| self.origins.hub_of(host).is_some_and(|found| found.id == hub.id);
            for link in service.linked_hubs.iter().filter(|link| leads_here(&link.host_name)) {
                let (individual, groups) =
                    self.parts.get().map(|parts| parts.dps.enrolments_of(&key)).unwrap_or_default();
                let breaks = matches!(link.authentication, LinkAuthentication::ConnectionString(_));
                linked.push(LinkedService {
                    name: service.id.name().to_owned(),
                    link: if breaks { "connectionString" } else { "identity" },
                    breaks,
                    individual_enrollments: individual.len(),
                    enrollment_groups: groups.len(),
                    enrollments: individual.into_iter().chain(groups).take(NAMED_ENROLLMENTS).collect(),
                });
            }
        }
        linked
    }
}

impl Witness for Rehearsing {
    fn local_auth_about_to_change(&self, hub: &Hub, disabled: bool, decision: Uuid) {
        let lines = if disabled {
            self.rehearse(hub).lines
        } else {
            vec![format!("Service SAS is allowed again on {}; it works at once, without a restart.", hub.id.name())]
        };
        for line in &lines {
            tracing::warn!(target: "iolite::switch", hub = hub.id.name(), "{line}");
        }
        let decision = self.parts.get().and_then(|parts| parts.access.log().find(decision));
        if let Some(decision) = decision {
            decision.notes.get_or_init(|| lines);
        }
    }
}

impl SasUser {
    fn of(sas: &SasUse) -> Self {
        let address = sas.address.map(|address| address.to_string());
        let client = [address.unwrap_or_default(), sas.agent.to_string()];
        Self {
            policy: sas.policy.clone(),
            client: client.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "),
            last_used: iolite_kernel::iso_seconds(sas.last_used_at),
            count: sas.count,
        }
    }
}

fn lines(hub: &Hub, audience: &str, users: &[SasUser], linked: &[LinkedService]) -> Vec<String> {
    let name = hub.id.name();
    let mut lines = vec![format!(
        "Denying SAS on {name} refuses every service call with a shared access policy at once, open connections included. Devices keep their own keys."
    )];
    if users.is_empty() {
        lines.push("Nobody has used a shared access policy of this hub since the emulator started.".to_owned());
    }
    for user in users {
        lines.push(format!(
            "Loses access: policy {} as used by {} ({} times, last at {}).",
            user.policy, user.client, user.count, user.last_used
        ));
    }
    for service in linked {
        let enrollments = format!(
            "{} individual enrolments and {} enrolment groups",
            service.individual_enrollments, service.enrollment_groups
        );
        lines.push(if service.breaks {
            format!(
                "Breaks: provisioning service {} is linked by a connection string; every registration through it will fail as unauthorized ({enrollments}).",
                service.name
            )
        } else {
            format!("Survives: provisioning service {} is linked by its managed identity ({enrollments}).", service.name)
        });
        if service.breaks && !service.enrollments.is_empty() {
            lines.push(format!("  enrolments: {}", service.enrollments.join(", ")));
        }
    }
    lines.push(format!(
        "Instead of SAS, ask Entra for a token for {audience} and assign an IoT Hub data role at {}.",
        hub.id
    ));
    if linked.iter().any(|service| service.breaks) {
        lines.push(
            "Before you go on, link each provisioning service by managed identity and give that identity the role IoT Hub Data Contributor on the hub."
                .to_owned(),
        );
    }
    lines
}
