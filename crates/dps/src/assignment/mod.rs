//! Giving a device its hub: choosing it, making the device there through the hub's own API, and moving what it leaves
//! behind in another one.
//!
//! Called by `register`. It writes no record of this service: what came of it is a value.

mod device;
mod failure;
mod gateway;
mod link;

pub(crate) use device::DeviceKeys;
use device::{Came, Device, LinkedClient};
pub(crate) use failure::Failure;
pub use gateway::{HubAnswer, HubAuthorization, HubCall, HubGateway};

use iolite_resources::{LinkedHub, ProvisioningService};

use crate::enrollment::Terms;
use crate::registration::{Place, Substatus};
use crate::{Dps, allocation};

/// A device that asks for its hub.
pub(crate) struct Applicant<'a> {
    /// The registration id it proved.
    pub(crate) registration_id: &'a str,
    /// The id it is to have in its hub.
    pub(crate) device_id: &'a str,
    /// What it is to sign in to its hub with.
    pub(crate) keys: DeviceKeys,
    /// The terms of the enrolment that vouched for it.
    pub(crate) terms: &'a Terms,
    /// Where it is so far.
    pub(crate) place: Option<&'a Place>,
}

/// Gives `applicant` its hub.
pub(crate) async fn assign(
    dps: &Dps,
    service: &ProvisioningService,
    applicant: &Applicant<'_>,
) -> Result<(Place, Substatus), Failure> {
    let settings = &applicant.terms.settings;
    let policy = settings.reprovision_policy.as_ref().map(|policy| policy.0).unwrap_or_default();
    let stays = applicant.terms.keeps_first_hub || !policy.update_hub_assignment;
    let present = applicant.place.and_then(|place| Some((place, allocation::link_of(service, &place.hub)?)));
    let link = match present {
        Some((_, link)) if stays => link,
        _ => allocation::choose(dps, service, settings, applicant.registration_id)?,
    };
    let device = Device { id: applicant.device_id, keys: &applicant.keys, edge: settings.is_edge() };
    let place = Place { hub: link.host_name.clone(), device_id: applicant.device_id.to_owned() };
    let substatus = match present {
        None if applicant.place.is_none() => {
            first_time(dps, service, link, &device, applicant).await?;
            Substatus::InitialAssignment
        }
        Some((before, _)) if *before == place => {
            first_time(dps, service, link, &device, applicant).await?;
            Substatus::ReprovisionedToInitialAssignment
        }
        Some((before, old)) if policy.migrate_device_data => {
            move_over(dps, service, Move { from: old, before, to: link }, &device, applicant).await?;
            Substatus::DeviceDataMigrated
        }
        Some((before, old)) => {
            first_time(dps, service, link, &device, applicant).await?;
            client(dps, service, old)?.delete_device(&before.device_id).await?;
            Substatus::DeviceDataReset
        }
        // Its hub is linked no longer, so nothing can be fetched or removed there.
        None => {
            first_time(dps, service, link, &device, applicant).await?;
            Substatus::DeviceDataReset
        }
    };
    Ok((place, substatus))
}

/// Makes the device; only one that is new gets the enrolment's twin.
async fn first_time(
    dps: &Dps,
    service: &ProvisioningService,
    link: &LinkedHub,
    device: &Device<'_>,
    applicant: &Applicant<'_>,
) -> Result<(), Failure> {
    let hub = client(dps, service, link)?;
    let came = hub.put_device(device).await?;
    let Some(twin) = applicant.terms.settings.initial_twin.as_ref().filter(|_| came == Came::New) else {
        return Ok(());
    };
    let started = hub.start_twin(device.id, &twin.0).await;
    if started.is_err() {
        // Left there, the device would be taken for an old one next time and never get its twin. Whether the hub lets
        // go of it does not change what the registration failed by.
        drop(hub.delete_device(device.id).await);
    }
    started
}

/// From which hub to which.
struct Move<'a> {
    from: &'a LinkedHub,
    before: &'a Place,
    to: &'a LinkedHub,
}

/// Makes the device in another hub with the twin it had, then removes it from the one it was in.
async fn move_over(
    dps: &Dps,
    service: &ProvisioningService,
    movement: Move<'_>,
    device: &Device<'_>,
    applicant: &Applicant<'_>,
) -> Result<(), Failure> {
    let old = client(dps, service, movement.from)?;
    let Some(twin) = old.twin(&movement.before.device_id).await? else {
        return first_time(dps, service, movement.to, device, applicant).await;
    };
    let new = client(dps, service, movement.to)?;
    new.put_device(device).await?;
    new.move_twin(device.id, &twin).await?;
    old.delete_device(&movement.before.device_id).await
}

fn client<'a>(dps: &'a Dps, service: &ProvisioningService, link: &'a LinkedHub) -> Result<LinkedClient<'a>, Failure> {
    Ok(LinkedClient {
        gateway: &*dps.gateway,
        host: &link.host_name,
        authorization: link::authorization(dps, service, link)?,
    })
}
