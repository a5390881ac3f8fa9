//! Sessions for the unit tests: grounds that hold until they are told not to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use iolite_access::Permit;
use iolite_identity::{Caller, Credential, DeviceCaller, Footing, KeyMeans};
use iolite_kernel::{Scope, ServiceError, Timestamp, Uuid};
use iolite_messaging::{Doing, Features, SignInError, SignedIn, ToDevice, Transport};

use crate::errors;
use crate::fixture::World;
use crate::sessions::{Connection, Grounds, Renewal, connect_device};

/// Grounds that hold until they are taken away.
#[derive(Default)]
pub(crate) struct Ground {
    pub(crate) gone: AtomicBool,
    pub(crate) renewed_until: Option<Timestamp>,
}

impl Grounds for Ground {
    fn hold(&self) -> bool {
        !self.gone.load(Ordering::SeqCst)
    }

    fn renewed(&self, credential: Credential) -> Doing<'_, Result<Renewal, SignInError>> {
        Box::pin(async move {
            let Credential::SharedAccessSignature(_) = credential else {
                let error = ServiceError::new(&errors::IOT_HUB_UNAUTHORIZED_ACCESS, "");
                return Err(SignInError::Unauthorized(error));
            };
            let grounds = Arc::new(Self::default());
            Ok(Renewal { grounds: grounds as Arc<dyn Grounds>, expires_at: self.renewed_until })
        })
    }
}

pub(crate) fn connection(grounds: Arc<Ground>, expires_at: Option<Timestamp>) -> Connection {
    Connection { transport: Transport::Mqtt, model_id: None, exclusive: true, expires_at, grounds }
}

pub(crate) fn permit(device_id: &str, module_id: Option<&str>) -> Permit {
    let hub = Scope::resource("s", "contoso", "Microsoft.Devices/IotHubs", "Contoso-Hub");
    let caller = Caller::Device(DeviceCaller {
        hub: hub.clone(),
        device_id: device_id.to_owned(),
        module_id: module_id.map(str::to_owned),
        means: KeyMeans::PrimaryKey,
        footing: Footing::default(),
        policy: None,
        expires_at: None,
    });
    Permit::for_tests(Arc::new(caller), &connect_device::OPERATION, hub, Uuid::nil())
}

/// Connects a device that exists, on grounds that hold.
pub(crate) async fn connect(world: &World, device_id: &str) -> SignedIn {
    connect_on(world, device_id, Arc::default(), None).await
}

pub(crate) async fn connect_on(
    world: &World,
    device_id: &str,
    grounds: Arc<Ground>,
    expires_at: Option<Timestamp>,
) -> SignedIn {
    world.hub.connect(permit(device_id, None), connection(grounds, expires_at)).await.unwrap()
}

pub(crate) fn listening() -> Features {
    Features { methods: true, desired: true, device_bound: true }
}

/// What is in the inbox now.
pub(crate) fn heard(signed_in: &mut SignedIn) -> Option<ToDevice> {
    signed_in.inbox.try_recv().ok()
}
