//! A running emulator: started, ready, and shut down in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use iolite_access::RoleBook;
use iolite_http::Site;
use iolite_hub::Hub;
use iolite_identity::KeyRing;
use iolite_resources::Estate;
use iolite_store::Store;
use iolite_store::streams::{Limits, Streams};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::control::{Control, Snapshots};
use crate::descriptors::Descriptors;
use crate::front::Front;
use crate::house::{Elements, join};
use crate::issuer_key;
use crate::locator::Directory;
use crate::origins::{Opened, Origins};
use crate::ports::{Bound, Ports, addresses, take};
use crate::ready::{self, ReadyFile, WirePorts};
use crate::settings::{Settings, StartError};
use crate::tls::{Authority, Leaves, server_config};
use crate::wires::Wires;
use crate::world::{self, Seeder, WorldMark};

const HTTPS_PORT: u16 = 8443;
const HTTPS_WELL_KNOWN_PORT: u16 = 443;
const CONTROL_PORT: u16 = 8080;
const MQTT_PORT: u16 = 8883;
const AMQP_PORT: u16 = 5671;
const PLAIN_AMQP_PORT: u16 = 5672;

/// How long a shutdown waits for requests that are under way.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// A running emulator.
pub struct Emulator {
    ready: Value,
    ready_path: PathBuf,
    notices: Vec<String>,
    front: Front,
    drain: watch::Sender<bool>,
    store: Store,
    streams: Streams,
}

/// The ports that are always taken.
struct Listening {
    https: Bound,
    well_known: Option<Bound>,
    control: Bound,
    mqtt: Bound,
    amqp: Bound,
    /// AMQP without TLS, for Event Hubs clients in development mode; on loopback whatever else is bound.
    plain_amqp: Bound,
}

impl Emulator {
    /// Starts an emulator; when this returns, every listener accepts and the ready file is there.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let descriptors = Descriptors::raise();
        let mut notices = Vec::from_iter(descriptors.notice());
        let file = world::read(settings.world.as_deref())?;
        let folder = kept_in(&settings)?;
        let ready_file =
            settings.ready_file.as_deref().map(|path| ready::tellable(path, OTHER_READY_FILE)).transpose()?;
        let store = open_store(&settings, &mut notices)?;
        let streams = open_streams(&settings, &mut notices)?;
        let authority =
            Arc::new(Authority::open(&folder).map_err(|error| StartError::Certificates(error.to_string()))?);
        let ring_folder = folder.clone();
        let elements = Elements::new().trusting(authority.der());
        let ring = Arc::new(KeyRing::new(elements.ground.clone()));
        issuer_key::start(ring.clone(), ring_folder);

        let mark = store.table::<WorldMark>().get(WorldMark::KEY);
        let tenant = mark.as_ref().map_or_else(|| Seeder::tenant(&file), |mark| mark.tenant.clone());
        let estate = Estate::new(store.clone(), tenant);
        let book = RoleBook::new(&store).map_err(|error| StartError::Internal(error.to_string()))?;
        let seeder = Seeder::new(file, estate.clone(), book.clone(), elements.ground.clone(), &settings);
        notices.extend(world::settle(&seeder, &settings, &folder, mark.as_deref()).await?);

        let listening = listen(&settings, &mut notices)?;
        let (origins, opened) = Origins::new(
            estate.clone(),
            listening.https.port,
            listening.well_known.is_some(),
            settings.ports,
            settings.bind,
        );
        let house = Arc::new(join(
            elements,
            estate.clone(),
            streams.clone(),
            book,
            ring,
            origins.clone(),
            folder.join(issuer_key::FILE),
        ));
        let names = {
            let estate = estate.clone();
            Box::new(move |host: &str| Directory::knows_host(&estate, host))
        };
        let leaves = Leaves::new(authority.clone(), settings.bind, names)
            .map_err(|error| StartError::Certificates(error.to_string()))?;
        let tls = server_config(leaves).map_err(|error| StartError::Certificates(error.to_string()))?;
        let (drain, draining) = watch::channel(false);
        let front = Front::new(
            house.pipeline.clone(),
            Wires::new(&house.doors),
            TlsAcceptor::from(Arc::new(tls)),
            draining,
            descriptors,
        );

        origins.read_events_at(listening.amqp.port, listening.plain_amqp.port);
        origins.open_all();
        front.tasks.spawn(attend(house.hub.clone(), front.draining.clone()));
        front.tasks.spawn(until_drained(house.doors.clone().watch(), front.draining.clone()));
        let control_port = listening.control.port;
        let ready_path = ready_file.unwrap_or_else(|| folder.join(ready_name(&settings, control_port)));
        let wires =
            WirePorts { mqtt: listening.mqtt.port, amqp: listening.amqp.port, plain_amqp: listening.plain_amqp.port };
        let ready_file = ReadyFile { authority, control_port, wires, path: ready_path.clone() };
        let ready = ready_file.content(&house);
        let control = Control::new(house, Arc::new(seeder), ready_file, Snapshots::new(settings.data_dir.as_deref()));
        serve(&front, listening, opened, Arc::new(control));

        ready::write(&ready_path, &ready).map_err(|error| StartError::Path {
            path: ready_path.display().to_string(),
            why: format!("the ready file cannot be written there: {error}"),
            remedy: OTHER_READY_FILE,
        })?;
        Ok(Self { ready, ready_path, notices, front, drain, store, streams })
    }

    /// The ready file's content.
    #[must_use]
    pub const fn ready(&self) -> &Value {
        &self.ready
    }

    /// Where the ready file is, from the root.
    #[must_use]
    pub fn ready_path(&self) -> &Path {
        &self.ready_path
    }

    /// What the user should know: a port that was not to be had, a torn tail that was cut.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Drains: no new connection, requests under way are answered for up to five seconds, and everything acknowledged is
    /// on disk.
    pub async fn shutdown(self) {
        ready::remove(&self.ready_path, &self.ready);
        self.drain.send_replace(true);
        self.front.tasks.close();
        if tokio::time::timeout(DRAIN_DEADLINE, self.front.tasks.wait()).await.is_err() {
            tracing::warn!("some connections did not end within {} seconds", DRAIN_DEADLINE.as_secs());
        }
        self.streams.close().await;
        self.store.close().await;
    }
}

/// Lets the hubs do what nobody asks them for, until the process drains.
async fn attend(hub: Arc<Hub>, draining: watch::Receiver<bool>) {
    until_drained(hub.clone().attend(), draining).await;
    // What waits for storage containers is in memory alone.
    if tokio::time::timeout(DRAIN_DEADLINE, hub.routing.flush()).await.is_err() {
        tracing::warn!("some events for storage containers could not be written in time");
    }
}

/// Does `work`, which has no end of its own, until the process drains.
async fn until_drained(work: impl Future<Output = ()>, mut draining: watch::Receiver<bool>) {
    tokio::select! {
        () = work => {}
        _ = draining.wait_for(|draining| *draining) => {}
    }
}

/// What to do about a ready file whose path cannot be told.
const OTHER_READY_FILE: &str = "name another place with --ready-file";

/// The folder of the certificate authority, of the ready file where no other place is named, and of the state, if any.
fn kept_in(settings: &Settings) -> Result<PathBuf, StartError> {
    match &settings.data_dir {
        Some(folder) => ready::tellable(folder, "name another directory with --data-dir"),
        None => ready::tellable(&settings.state_dir, "name another directory with --state-dir, or set HOME to one"),
    }
}

/// Emulators on free ports share a state directory, so each has a ready file of its own there.
fn ready_name(settings: &Settings, control_port: u16) -> String {
    if settings.ports == Ports::Auto { format!("ready-{control_port}.json") } else { "ready.json".to_owned() }
}

fn open_store(settings: &Settings, notices: &mut Vec<String>) -> Result<Store, StartError> {
    let Some(folder) = &settings.data_dir else { return Ok(Store::memory()) };
    let (store, recovery) = Store::open(folder)?;
    if recovery.torn_tail.is_some() {
        notices.push(format!("{}: {recovery}", folder.display()));
    }
    Ok(store)
}

fn open_streams(settings: &Settings, notices: &mut Vec<String>) -> Result<Streams, StartError> {
    let Some(folder) = &settings.data_dir else { return Ok(Streams::memory(Limits::default())) };
    let (streams, recovery) = Streams::open(folder, Limits::default())?;
    if !recovery.torn_tails.is_empty() {
        notices.push(format!("{}: {recovery}", folder.display()));
    }
    Ok(streams)
}

fn listen(settings: &Settings, notices: &mut Vec<String>) -> Result<Listening, StartError> {
    let addresses = addresses(settings.bind);
    let documented = |port: u16| if settings.ports == Ports::Auto { 0 } else { port };
    let https = take(documented(HTTPS_PORT), "HTTPS", &addresses)?;
    let control = take(documented(CONTROL_PORT), "the control API", &self::addresses(None))?;
    let mqtt = take(documented(MQTT_PORT), "MQTT", &addresses)?;
    let amqp = take(documented(AMQP_PORT), "AMQP", &addresses)?;
    let plain_amqp = take(documented(PLAIN_AMQP_PORT), "AMQP without TLS", &self::addresses(None))?;
    for bound in [&amqp, &plain_amqp] {
        bound.limit_segments();
    }
    let well_known = if settings.ports == Ports::Standard {
        take(HTTPS_WELL_KNOWN_PORT, "HTTPS", &addresses)
            .inspect_err(|error| {
                notices.push(without_443(&error.error, https.port));
            })
            .ok()
    } else {
        None
    };
    Ok(Listening { https, well_known, control, mqtt, amqp, plain_amqp })
}

/// What is said where port 443 is not to be had, with the remedy that fits.
fn without_443(error: &std::io::Error, https: u16) -> String {
    let remedy = match error.kind() {
        std::io::ErrorKind::AddrInUse => "Another program has it: stop that one and start again",
        _ => "On Linux, `sudo sysctl net.ipv4.ip_unprivileged_port_start=443` allows it",
    };
    format!(
        "port 443 is not ours ({error}): Node's REST clients and all WebSocket clients know no other port. {remedy}; all \
         else works on {https}"
    )
}

fn serve(front: &Front, listening: Listening, mut opened: mpsc::UnboundedReceiver<Opened>, control: Arc<Control>) {
    front.serve_https(listening.https, &Site::Shared);
    front.serve_mqtt(listening.mqtt);
    front.serve_amqp(listening.amqp);
    front.serve_plain_amqp(listening.plain_amqp);
    if let Some(bound) = listening.well_known {
        front.serve_https(bound, &Site::Shared);
    }
    while let Ok(Opened { site, bound }) = opened.try_recv() {
        front.serve_https(bound, &site);
    }
    control.serve(front, listening.control);
    let later = front.clone();
    let mut draining = front.draining.clone();
    front.tasks.spawn(async move {
        loop {
            tokio::select! {
                next = opened.recv() => match next {
                    Some(Opened { site, bound }) => later.serve_https(bound, &site),
                    None => return,
                },
                _ = draining.wait_for(|draining| *draining) => return,
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_for_port_443_is_the_one_that_helps() {
        let taken = without_443(&std::io::ErrorKind::AddrInUse.into(), 8443);
        assert!(taken.contains("stop that one") && !taken.contains("sysctl"), "{taken}");
        assert!(without_443(&std::io::ErrorKind::PermissionDenied.into(), 8443).contains("sysctl"));
    }
}
