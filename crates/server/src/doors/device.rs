//! The door of devices and modules.

use std::sync::Arc;

use iolite_hub::sessions::{Connection, Grounds, Renewal, connect_device, connect_module};
use iolite_identity::{Caller, Credential, Presented};
use iolite_kernel::{Request, SignedDuration, Timestamp};
use iolite_messaging::{Arrival, DeviceClaim, DeviceDoor, Doing, SignInError, SignedIn};
use iolite_resources::Resource;

use super::lasting::Lasting;
use super::{Doors, Knock, no_hub};

/// How long a token is taken beyond its end: clocks may be that far apart.
const LEEWAY: SignedDuration = SignedDuration::from_mins(5);

/// The door, for any wire.
#[derive(Clone)]
pub(crate) struct Devices(pub(crate) Arc<Doors>);

impl DeviceDoor for Devices {
    fn sign_in(&self, arrival: Arrival, claim: DeviceClaim) -> Doing<'_, Result<SignedIn, SignInError>> {
        Box::pin(async move {
            let model_id = claim.model_id.clone();
            let exclusive = claim.exclusive;
            let transport = arrival.transport;
            let (permit, standing) = self.let_in(arrival, claim)?;
            let expires_at = standing.expires_at;
            let connection = Connection { transport, model_id, exclusive, expires_at, grounds: Arc::new(standing) };
            self.0.hub.connect(permit, connection).await.map_err(|error| match error.code.status {
                404 => SignInError::NotFound(error),
                429 | 403 => SignInError::Forbidden(error),
                _ => SignInError::Unavailable(error),
            })
        })
    }
}

impl Devices {
    fn let_in(&self, arrival: Arrival, claim: DeviceClaim) -> Result<(iolite_access::Permit, Standing), SignInError> {
        let doors = &self.0;
        let hub = doors.hub_at(&claim.host).ok_or_else(|| no_hub(&claim.host))?;
        let key = hub.id.name().to_ascii_lowercase();
        let operation = match claim.module_id {
            None => &connect_device::OPERATION,
            Some(_) => &connect_module::OPERATION,
        };
        let resource = Resource::Hub(hub);
        let request = doors.request(knock(&arrival, &claim));
        let presented = Presented::new(claim.credential.clone(), arrival.certificate.clone());
        let permit = doors.admit(operation, &resource, &request, &presented)?;
        let ends = match permit.caller() {
            Caller::Device(device) => device.expires_at,
            _ => None,
        };
        let expires_at = ends.map(|ends| lasts_until(ends, doors.ground.now()));
        let lasting = Lasting { hub: key.into(), caller: permit.caller().clone(), address: arrival.client.address };
        let claim = DeviceClaim { credential: Credential::None, model_id: None, ..claim };
        let standing = Standing { door: self.clone(), lasting, arrival, claim, expires_at };
        Ok((permit, standing))
    }
}

/// A session ends with its token; one that was let in on a token's last leeway ends with that.
pub(super) fn lasts_until(ends: Timestamp, now: Timestamp) -> Timestamp {
    if ends > now { ends } else { ends.saturating_add(LEEWAY).unwrap_or(ends) }
}

fn knock<'a>(arrival: &'a Arrival, claim: &'a DeviceClaim) -> Knock<'a> {
    let mut params = vec![("id", claim.device_id.clone())];
    let mut path = format!("/devices/{}", claim.device_id);
    if let Some(module) = &claim.module_id {
        params.push(("mid", module.clone()));
        path = format!("{path}/modules/{module}");
    }
    Knock { arrival, host: &claim.host, params, path, agent: &claim.client_type }
}

/// What a device's session stands on.
struct Standing {
    door: Devices,
    lasting: Lasting,
    arrival: Arrival,
    /// The claim without its credential.
    claim: DeviceClaim,
    expires_at: Option<Timestamp>,
}

impl Grounds for Standing {
    fn hold(&self) -> bool {
        let doors = &self.door.0;
        match self.lasting.check(doors) {
            Ok(()) => true,
            Err(rejection) => {
                let operation = match self.claim.module_id {
                    None => &connect_device::OPERATION,
                    Some(_) => &connect_module::OPERATION,
                };
                let request: Request = doors.request(knock(&self.arrival, &self.claim));
                self.lasting.record(doors, operation, &request, rejection);
                false
            }
        }
    }

    fn renewed(&self, credential: Credential) -> Doing<'_, Result<Renewal, SignInError>> {
        Box::pin(async move {
            let claim = DeviceClaim { credential, ..self.claim.clone() };
            let (_, standing) = self.door.let_in(self.arrival.clone(), claim)?;
            let expires_at = standing.expires_at;
            Ok(Renewal { grounds: Arc::new(standing) as Arc<dyn Grounds>, expires_at })
        })
    }
}
