//! Row F4: an emulator that starts again while all devices come back at once lets each of them in, and answers others
//! meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use iolite_testkit::Sent;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::ground::VERSION;
use crate::scarcity::Scarce;
use crate::wires::Mqtt;

/// How many devices there are.
const DEVICES: usize = 1000;
/// How many of them one request of the registry takes.
const BATCH: usize = 100;
/// When all must be back.
const PATIENCE: Duration = Duration::from_mins(1);

/// All devices at once, each on a connection of its own.
async fn connect_all(scarce: &Scarce) -> Vec<Mqtt> {
    let sas = scarce.control("/sas", json!({"policy": "device"})).await;
    let sas: Arc<str> = sas.body["token"].as_str().unwrap().into();
    let address: Arc<str> = scarce.address("mqtt").into();
    let mut connecting = JoinSet::new();
    for number in 0..DEVICES {
        let (tls, address, sas) = (scarce.tls(), address.clone(), sas.clone());
        connecting.spawn(async move { Mqtt::connect(tls, &address, &format!("d{number}"), Some(&sas)).await });
    }
    let connected = tokio::time::timeout(PATIENCE, connecting.join_all()).await.expect("not all are back in time");
    connected.into_iter().map(|device| device.expect("the hub refuses one")).collect()
}

async fn make_devices(scarce: &Scarce) {
    let mut session = scarce.kept().await;
    for batch in 0..DEVICES / BATCH {
        let devices = (batch * BATCH..(batch + 1) * BATCH).map(|number| {
            json!({"id": format!("d{number}"), "importMode": "create", "status": "enabled",
                "authentication": {"type": "sas"}})
        });
        let body = Value::Array(devices.collect()).to_string().into_bytes();
        let made = session.send("POST", &format!("/devices?{VERSION}"), &scarce.owner, &[], Sent::Whole(body)).await;
        let made = made.unwrap();
        assert!(made.status == 200 && made.body["isSuccessful"] == true, "{} {}", made.status, made.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f4_a_thousand_devices_that_come_back_at_once_are_let_in() {
    // This process has the other end of each connection.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }).unwrap();
    let scarce = Scarce::keeping().await;
    make_devices(&scarce).await;
    let before = connect_all(&scarce).await;
    let begun = Instant::now();
    let (folder, status) = scarce.stop().await;
    assert!(status.success(), "{status}");
    assert!(begun.elapsed() < Duration::from_secs(5), "devices held the end up for {:?}", begun.elapsed());
    for device in before {
        device.ends_within(Duration::from_secs(5)).await;
    }
    let scarce = Scarce::start_again(folder).await;
    let mut session = scarce.kept().await;
    let (mut devices, mut longest) = (None, Duration::ZERO);
    let coming = connect_all(&scarce);
    tokio::pin!(coming);
    while devices.is_none() {
        let asked = Instant::now();
        tokio::select! {
            all = &mut coming, if devices.is_none() => devices = Some(all),
            () = scarce.asks(&mut session) => longest = longest.max(asked.elapsed()),
        }
        if devices.is_some() {
            // The question under way was left with its answer unheard.
            session = scarce.kept().await;
        }
    }
    assert!(longest < Duration::from_secs(5), "somebody waited {longest:?} behind those who come back");
    for device in devices.as_mut().unwrap() {
        device.is_answered().await;
    }
    let query = json!({"query": "SELECT deviceId FROM devices WHERE connectionState = 'Connected'"}).to_string();
    let headers = [("x-ms-max-item-count", "1000")];
    let target = format!("/devices/query?{VERSION}");
    let found = session.send("POST", &target, &scarce.owner, &headers, Sent::Whole(query.into_bytes())).await.unwrap();
    assert_eq!(found.body.as_array().unwrap().len(), DEVICES, "one session each");
}
