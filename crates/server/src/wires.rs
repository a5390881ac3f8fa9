//! MQTT and AMQP on a stream: whoever accepted a connection hands it over here with what is known of it.

use std::net::IpAddr;
use std::sync::Arc;

use iolite_identity::ClientCertificate;
use iolite_kernel::{Client, Ground};
use iolite_messaging::{Arrival, DeviceDoor, ServiceDoor, Transport};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::doors::{Devices, Doors, Services};

/// What the two wires need of the house.
#[derive(Clone)]
pub(crate) struct Wires {
    ground: Ground,
    devices: Arc<dyn DeviceDoor>,
    services: Arc<dyn ServiceDoor>,
    mqtt: Arc<iolite_mqtt::Limits>,
}

/// A connection, as far as it is known before it says anything.
pub(crate) struct Caller {
    pub(crate) peer: IpAddr,
    /// The host that was dialled, as far as TLS or HTTP told; lower case, without port.
    pub(crate) host: String,
    /// What the client said it is.
    pub(crate) agent: String,
    pub(crate) certificate: Option<Arc<ClientCertificate>>,
}

impl Wires {
    /// The wires in front of these doors.
    pub(crate) fn new(doors: &Arc<Doors>) -> Self {
        Self {
            ground: doors.ground.clone(),
            devices: Arc::new(Devices(doors.clone())),
            services: Arc::new(Services(doors.clone())),
            mqtt: Arc::new(iolite_mqtt::Limits::default()),
        }
    }

    /// Serves MQTT on `stream` until it ends.
    pub(crate) fn serve_mqtt<S>(
        &self,
        stream: S,
        transport: Transport,
        caller: Caller,
        draining: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let context = iolite_mqtt::Context {
            arrival: caller.arrival(transport),
            door: self.devices.clone(),
            ground: self.ground.clone(),
            draining,
            limits: self.mqtt.clone(),
        };
        iolite_mqtt::serve(stream, context)
    }

    /// Serves AMQP on `stream` until it ends.
    pub(crate) fn serve_amqp<S>(
        &self,
        stream: S,
        transport: Transport,
        caller: Caller,
        draining: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let context = iolite_amqp::Context {
            arrival: caller.arrival(transport),
            devices: self.devices.clone(),
            services: self.services.clone(),
            ground: self.ground.clone(),
            draining,
            limits: iolite_amqp::Limits::default(),
        };
        iolite_amqp::serve(stream, context)
    }
}

impl Caller {
    fn arrival(self, transport: Transport) -> Arrival {
        let client = Client { address: Some(self.peer), agent: self.agent.into() };
        Arrival { transport, host: self.host, client, certificate: self.certificate }
    }
}
