//! Whose is a request: by the site it came in by, by Host, by path, and where two services share a path by the
//! credential's audience, then by the api-version.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iolite_http::{Located, Locator, Place, Site};
use iolite_kernel::{Scope, Service};
use iolite_resources::{Cloud, Estate, Hub, ProvisioningService, Resource, TwinsInstance};
use iolite_store::Versioned;
use parking_lot::Mutex;

use crate::origins::Origins;

/// The api-versions of the Digital Twins data plane that no hub has.
const TWINS_VERSIONS: [&str; 6] =
    ["2020-10-31", "2021-06-30-preview", "2022-05-31", "2023-02-27-preview", "2023-06-30", "2023-10-31"];

/// The longest word that a path is told by.
const LONGEST_WORD: usize = "federationmetadata".len();

/// Finds the service and the resource of a request.
pub(crate) struct Directory {
    estate: Estate,
    origins: Arc<Origins>,
    /// The first hub, as of so many changes of hubs.
    first_hub: Mutex<(u64, Option<Versioned<Hub>>)>,
}

impl Directory {
    pub(crate) fn new(estate: Estate, origins: Arc<Origins>) -> Self {
        Self { estate, origins, first_hub: Mutex::default() }
    }

    /// Whether `host` is a name that the world answers to besides localhost.
    pub(crate) fn knows_host(estate: &Estate, host: &str) -> bool {
        is_tenant_host(host) || is_arm_host(host) || is_global_provisioning(host) || by_host(estate, host).is_some()
    }

    fn by_path(&self, place: Place<'_>) -> Located {
        let (mut first, mut second) = ([0; LONGEST_WORD], [0; LONGEST_WORD]);
        match (word(place, 0, &mut first), word(place, 1, &mut second)) {
            // Before the paths that are told by their second word: a device may be called anything.
            ("devices" | "twins" | "configurations" | "statistics" | "messages" | "faultinjection", _) => {
                self.hub_of_credential(place)
            }
            ("subscriptions" | "providers" | "tenants", _) | ("metadata", "endpoints") => arm(place),
            ("enrollments" | "enrollmentgroups" | "registrations", _) => self.first_provisioning_service(),
            (_, "registrations") => self.provisioning_service_of_scope(&place.segments[0]),
            ("models" | "query" | "eventroutes", _) | ("jobs", "imports" | "deletions") => self.first_twins(),
            ("digitaltwins" | "jobs", _) if is_for_twins(&self.estate, place) => self.first_twins(),
            ("digitaltwins" | "jobs", _) => self.hub_of_credential(place),
            ("common" | "organizations" | "adfs" | "graph", _) => Located::At(Service::Entra, Resource::Tenant),
            (_, "oauth2" | "v2.0" | "discovery" | ".well-known" | "userrealm" | "federationmetadata") => {
                Located::At(Service::Entra, Resource::Tenant)
            }
            _ => Located::Nowhere,
        }
    }

    /// On the shared origin a device may name its hub inside its token (a gateway host name leads here).
    fn hub_of_credential(&self, place: Place<'_>) -> Located {
        let named = place.signed_host.and_then(|host| hub_of_host(&self.estate, host));
        named.map_or_else(|| self.first_hub(), |hub| Located::At(Service::Hub, Resource::Hub(hub)))
    }

    /// The hub on the shared origin: most requests are for it, so it is looked up anew only when a hub has changed.
    fn first_hub(&self) -> Located {
        let changes = self.estate.hubs.changes();
        let mut known = self.first_hub.lock();
        if known.0 != changes {
            let hub = self.origins.first(Hub::TYPE).and_then(|name| self.estate.hub(&name));
            *known = (changes, hub);
        }
        placed(Service::Hub, known.1.clone().map(Resource::Hub))
    }

    fn first_provisioning_service(&self) -> Located {
        let name = self.origins.first(ProvisioningService::TYPE);
        let found = name.and_then(|name| self.estate.provisioning_service(&name));
        placed(Service::Dps, found.map(Resource::ProvisioningService))
    }

    fn provisioning_service_of_scope(&self, id_scope: &str) -> Located {
        let found = self.estate.provisioning_service_of_scope(id_scope);
        placed(Service::Dps, found.map(Resource::ProvisioningService))
    }

    fn first_twins(&self) -> Located {
        let found = self.origins.first(TwinsInstance::TYPE).and_then(|name| self.estate.twins_instance(&name));
        placed(Service::Twins, found.map(Resource::Twins))
    }

    fn dedicated(&self, resource_type: &str, name: &str) -> Located {
        match resource_type {
            Hub::TYPE => placed(Service::Hub, self.estate.hub(name).map(Resource::Hub)),
            ProvisioningService::TYPE => {
                placed(Service::Dps, self.estate.provisioning_service(name).map(Resource::ProvisioningService))
            }
            _ => placed(Service::Twins, self.estate.twins_instance(name).map(Resource::Twins)),
        }
    }
}

impl Locator for Directory {
    fn locate(&self, place: Place<'_>) -> Located {
        match place.site {
            Site::Control => Located::At(Service::ManagedIdentity, Resource::Tenant),
            Site::Dedicated { resource_type, name } => self.dedicated(resource_type, name),
            Site::Shared if is_tenant_host(place.host) => Located::At(Service::Entra, Resource::Tenant),
            Site::Shared if is_arm_host(place.host) => arm(place),
            Site::Shared if is_local(place.host) || is_global_provisioning(place.host) => self.by_path(place),
            Site::Shared => by_host(&self.estate, place.host)
                .or_else(|| of_nobody(self.estate.tenant.cloud, place.host))
                .unwrap_or_else(|| self.by_path(place)),
        }
    }
}

/// The service's resource, or that it is not there (any more).
fn placed(service: Service, found: Option<Resource>) -> Located {
    found.map_or(Located::Missing(service), |resource| Located::At(service, resource))
}

/// A hub's host name begins with its name.
fn hub_of_host(estate: &Estate, host: &str) -> Option<Versioned<Hub>> {
    let (label, _) = host.split_once('.')?;
    estate.hub(label).filter(|hub| hub.host_name.eq_ignore_ascii_case(host))
}

fn by_host(estate: &Estate, host: &str) -> Option<Located> {
    if let Some(hub) = hub_of_host(estate, host) {
        return Some(Located::At(Service::Hub, Resource::Hub(hub)));
    }
    let label = host.split('.').next().unwrap_or_default();
    if let Some(found) = estate.provisioning_service(label).filter(|found| found.host_name.eq_ignore_ascii_case(host)) {
        return Some(Located::At(Service::Dps, Resource::ProvisioningService(found)));
    }
    let twins = estate.twins_instance(label).filter(|found| found.host_name.eq_ignore_ascii_case(host))?;
    Some(Located::At(Service::Twins, Resource::Twins(twins)))
}

/// A name under one of Azure's own suffixes means that one resource: where it is not there, no other answers for it. Any
/// other name is how this machine is called where the client is (a container's, say).
fn of_nobody(cloud: Cloud, host: &str) -> Option<Located> {
    let suffixes = [
        (Service::Hub, cloud.hub_suffix()),
        (Service::Dps, cloud.provisioning_suffix()),
        (Service::Twins, cloud.twins_suffix()),
    ];
    let is_below = |suffix: &str| host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
    suffixes.into_iter().find(|(_, suffix)| is_below(suffix)).map(|(service, _)| Located::Missing(service))
}

/// The scope of a management request: the subscription, the group, or the top-level resource that the path names.
fn arm(place: Place<'_>) -> Located {
    let is = |index: usize, word: &str| place.segments.get(index).is_some_and(|text| text.eq_ignore_ascii_case(word));
    let depth = match place.segments.len() {
        length if length >= 8 && is(2, "resourceGroups") && is(4, "providers") => 8,
        length if length >= 4 && is(2, "resourceGroups") => 4,
        length if length >= 2 && is(0, "subscriptions") => 2,
        _ => 0,
    };
    let text = if depth == 0 { "/".to_owned() } else { format!("/{}", place.segments[..depth].join("/")) };
    let scope = Scope::parse(&text).unwrap_or_else(|_| Scope::root());
    Located::At(Service::Arm, Resource::Scope(scope))
}

/// The path's segment at `index` in lower case, written into `room`; empty where there is none or a longer one.
fn word<'a>(place: Place<'_>, index: usize, room: &'a mut [u8; LONGEST_WORD]) -> &'a str {
    let text = place.segments.get(index).map_or("", |text| text.as_ref());
    let Some(room) = room.get_mut(..text.len()) else { return "" };
    room.copy_from_slice(text.as_bytes());
    room.make_ascii_lowercase();
    std::str::from_utf8(room).unwrap_or_default()
}

fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost")
}

fn is_tenant_host(host: &str) -> bool {
    matches!(host, "login.microsoftonline.com" | "login.chinacloudapi.cn" | "sts.windows.net")
}

fn is_arm_host(host: &str) -> bool {
    matches!(host, "management.azure.com" | "management.chinacloudapi.cn")
}

fn is_global_provisioning(host: &str) -> bool {
    matches!(host, "global.azure-devices-provisioning.net" | "global.azure-devices-provisioning.cn")
}

/// `/digitaltwins` and `/jobs` are a hub's and Digital Twins' paths both. The token is only peeked at to choose the door;
/// that door then verifies it.
fn is_for_twins(estate: &Estate, place: Place<'_>) -> bool {
    let authorization = place.authorization.unwrap_or_default();
    if is_shared_access_signature(authorization) {
        return false;
    }
    let audiences = |service: Service| estate.tenant.cloud.audiences(service);
    match claimed_audience(authorization) {
        Some(audience) if audiences(Service::Twins).iter().any(|known| audience.starts_with(known)) => true,
        Some(audience) if audiences(Service::Hub).iter().any(|known| audience.starts_with(known)) => false,
        _ => place.api_version.is_some_and(|version| TWINS_VERSIONS.contains(&version)),
    }
}

fn is_shared_access_signature(authorization: &str) -> bool {
    authorization.get(..21).is_some_and(|scheme| scheme.eq_ignore_ascii_case("SharedAccessSignature"))
}

/// The audience that a token claims, unverified.
fn claimed_audience(authorization: &str) -> Option<String> {
    let payload = authorization.split('.').nth(1).filter(|payload| payload.len() < 16 * 1024)?;
    let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(claims.get("aud")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use iolite_arm::new_hub;
    use iolite_kernel::{Ground, ResourceId};
    use iolite_resources::{HubSku, Tenant};
    use iolite_store::{Store, StoreError};

    use super::*;
    use crate::ports::Ports;

    async fn directory() -> Directory {
        let tenant = Tenant {
            id: "t".into(),
            domain: "contoso.example".into(),
            cloud: Cloud::Public,
            token_lifetime_seconds: 3600,
            propagation_delay_seconds: 0,
        };
        let estate = Estate::new(Store::memory(), tenant);
        let id = ResourceId::resource("s", "g", Hub::TYPE, "hub-one");
        let sku = HubSku { name: "S1".into(), capacity: 1 };
        let hub = new_hub(&Ground::system(), Cloud::Public, id, "westeurope", sku);
        let made = estate.store.transact(|transaction| {
            transaction.put(&estate.hubs, "hub-one", hub.clone());
            Ok::<(), StoreError>(())
        });
        made.await.unwrap();
        let (origins, _) = Origins::new(estate.clone(), 8443, false, Ports::Auto, None);
        Directory::new(estate, origins)
    }

    fn located(directory: &Directory, host: &str, path: &[&str]) -> &'static str {
        let segments: Vec<_> = path.iter().map(|text| (*text).into()).collect();
        let (site, authorization, signed_host, api_version) = (&Site::Shared, None, None, None);
        let place = Place { site, host, segments: &segments, authorization, signed_host, api_version };
        match directory.locate(place) {
            Located::At(Service::Hub, _) => "hub",
            Located::Missing(Service::Hub) => "no hub",
            Located::Missing(Service::Dps) => "no provisioning service",
            Located::Missing(Service::Twins) => "no twins",
            _ => "elsewhere",
        }
    }

    #[tokio::test]
    async fn no_resource_answers_to_the_azure_name_of_another() {
        let directory = directory().await;
        for (host, wanted) in [
            ("hub-one.azure-devices.net", "hub"),
            ("hub-two.azure-devices.net", "no hub"),
            ("dps-two.azure-devices-provisioning.net", "no provisioning service"),
            ("twins-two.api.weu.digitaltwins.azure.net", "no twins"),
            ("localhost", "hub"),
            ("iolite", "hub"),
            ("build-7.contoso.example", "hub"),
        ] {
            assert_eq!(located(&directory, host, &["devices", "dev1"]), wanted, "{host}");
        }
    }
}
