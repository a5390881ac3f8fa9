//! Emulators that listen on one address of the machine: it answers there, and still where clients are told to look.
//!
//! On Linux alone, where all of 127/8 is this machine's own.

use iolite_identity::sas;
use iolite_kernel::{Secret, Timestamp};
use iolite_testkit::{Credential, TestEmulator};
use serde_json::{Value, json};

use crate::plant::HUB_VERSION;

#[tokio::test]
async fn an_emulator_bound_to_one_address_answers_there_and_where_the_ready_file_says() {
    const BOUND: &str = "127.0.0.2";
    let emulator = TestEmulator::start_with(|settings| settings.bind = BOUND.parse().ok()).await;
    let told = emulator.ready()["iot_hubs"][0]["endpoint"].as_str().unwrap().to_owned();
    assert!(told.starts_with("https://localhost:"), "{told}");
    let connection = emulator.ready()["iot_hubs"][0]["service_connection_string"].as_str().unwrap();
    let key = Secret::new(connection.split("SharedAccessKey=").nth(1).unwrap());
    let entra = emulator.token("owner-app", "hub").await;
    for host in ["localhost", BOUND] {
        let origin = told.replace("localhost", host);
        let authority = origin.trim_start_matches("https://");
        let signed = Credential::text(&json!(sas::sign(authority, &key, Timestamp::MAX, Some("iothubowner"))));
        for credential in [&entra, &signed] {
            let url = format!("{origin}/devices?{HUB_VERSION}");
            let reply = emulator.client().send("GET", &url, credential, &[], Vec::new()).await;
            assert_eq!((reply.status, &reply.body), (200, &json!([])), "{url}");
        }
    }
    assert_eq!(emulator.control("GET", "/health/ready", Value::Null).await.status, 200);
    for wire in ["mqtt", "amqp"] {
        let address = emulator.ready()["iot_hubs"][0][wire].as_str().unwrap();
        for host in ["localhost", BOUND] {
            tokio::net::TcpStream::connect(address.replace("localhost", host)).await.unwrap();
        }
    }
}
