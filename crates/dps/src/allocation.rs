//! Choosing the hub of a device: by the enrolment's policy, or the provisioning service's where it has none.
//!
//! `hashed` spreads registration ids over the hubs by their weights, always the same way; `geoLatency` takes the first
//! hub, since one machine has no latencies; `static` takes what the enrolment names, or the first hub where it names
//! none (see docs/quirks.md). `custom` asks a webhook in Azure and is refused by name here.

use iolite_kernel::ServiceError;
use iolite_resources::{AllocationPolicy, LinkedHub, ProvisioningService};
use sha2::{Digest, Sha256};

use crate::assignment::Failure;
use crate::enrollment::{Allocation, Settings};
use crate::{Dps, errors};

/// Refuses settings that name a hub that `service` (lower case) is not linked to.
pub(crate) fn check_linked(dps: &Dps, service: &str, settings: &Settings) -> Result<(), ServiceError> {
    let Some(resource) = dps.resource(service) else { return Ok(()) };
    let unlinked = named(settings).find(|name| !resource.linked_hubs.iter().any(|link| is_named(dps, link, name)));
    match unlinked {
        Some(name) => Err(errors::invalid("iotHubs", format!("names {name}, which is not a linked hub."))),
        None => Ok(()),
    }
}

/// The link of the hub that `registration_id` goes to.
pub(crate) fn choose<'a>(
    dps: &Dps,
    service: &'a ProvisioningService,
    settings: &Settings,
    registration_id: &str,
) -> Result<&'a LinkedHub, Failure> {
    let policy = settings.allocation_policy.unwrap_or(match service.allocation_policy {
        AllocationPolicy::Hashed => Allocation::Hashed,
        AllocationPolicy::GeoLatency => Allocation::GeoLatency,
        AllocationPolicy::Static => Allocation::Static,
    });
    if policy == Allocation::Custom {
        let text = "CustomAllocationFailed: custom allocation webhooks are not supported by this emulator; give the \
                    enrollment another allocationPolicy.";
        return Err(Failure::new(&errors::CUSTOM_ALLOCATION_FAILED, text));
    }
    let candidates = candidates(dps, service, settings);
    let chosen = match policy {
        Allocation::Hashed => by_weight(&candidates, registration_id),
        Allocation::GeoLatency | Allocation::Static | Allocation::Custom => candidates.first().copied(),
    };
    chosen.ok_or_else(|| {
        Failure::new(&errors::LINKED_HUB_NOT_FOUND, "LinkedHubNotFound: no linked IoT hub can take the device.")
    })
}

/// The link of the hub with the host name `host`.
pub(crate) fn link_of<'a>(service: &'a ProvisioningService, host: &str) -> Option<&'a LinkedHub> {
    service.linked_hubs.iter().find(|link| link.host_name.eq_ignore_ascii_case(host))
}

/// The hubs that the enrolment names, in its order; else all that the policy applies to.
fn candidates<'a>(dps: &Dps, service: &'a ProvisioningService, settings: &Settings) -> Vec<&'a LinkedHub> {
    if named(settings).next().is_some() {
        let find = |name: &'_ str| service.linked_hubs.iter().find(|link| is_named(dps, link, name));
        return named(settings).filter_map(find).collect();
    }
    service.linked_hubs.iter().filter(|link| link.apply_allocation_policy != Some(false)).collect()
}

fn named(settings: &Settings) -> impl Iterator<Item = &str> {
    let one = settings.iot_hub_host_name.as_deref();
    let list = settings.iot_hubs.iter().flatten().map(String::as_str);
    one.into_iter().chain(list).filter(|name| !name.is_empty())
}

/// By its own host name, or by the one that it is dialled by on this machine.
fn is_named(dps: &Dps, link: &LinkedHub, name: &str) -> bool {
    link.host_name.eq_ignore_ascii_case(name) || (dps.dial)(&link.host_name).eq_ignore_ascii_case(name)
}

/// The hub on whose stretch of the weights the id's hash falls.
fn by_weight<'a>(candidates: &[&'a LinkedHub], registration_id: &str) -> Option<&'a LinkedHub> {
    let weight = |link: &LinkedHub| u64::from(link.allocation_weight.unwrap_or(1));
    let total: u64 = candidates.iter().map(|link| weight(link)).sum();
    let digest = Sha256::digest(registration_id.to_ascii_lowercase());
    let hash = digest.iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    let mut place = hash.checked_rem(total)?;
    candidates.iter().copied().find(|link| {
        let share = weight(link);
        let falls_here = place < share;
        place = place.saturating_sub(share);
        falls_here
    })
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Secret;
    use iolite_resources::LinkAuthentication;

    use super::*;

    fn link(name: &str, weight: Option<u32>) -> LinkedHub {
        LinkedHub {
            host_name: name.to_owned(),
            authentication: LinkAuthentication::ConnectionString(Secret::new("")),
            location: "westeurope".to_owned(),
            allocation_weight: weight,
            apply_allocation_policy: None,
        }
    }

    #[test]
    fn hashing_follows_the_weights_and_is_stable() {
        let (light, heavy) = (link("light", Some(1)), link("heavy", Some(3)));
        let candidates = [&light, &heavy];
        let chosen = |id: &str| by_weight(&candidates, id).unwrap().host_name.clone();
        let heavy_share = (0..1000).filter(|number| chosen(&format!("dev-{number}")) == "heavy").count();
        assert!((700..800).contains(&heavy_share), "{heavy_share} of 1000 went to the hub with three quarters");
        assert_eq!(chosen("Dev-7"), chosen("dev-7"));
    }

    #[test]
    fn no_hub_or_no_weight_takes_no_device() {
        assert!(by_weight(&[], "dev").is_none());
        let none = link("none", Some(0));
        assert!(by_weight(&[&none], "dev").is_none());
    }
}
