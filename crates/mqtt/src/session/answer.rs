//! Answers to twin requests, on `$iothub/twin/res/{status}/`.
//!
//! Statuses: 200 and 204, or the refusal's own (400, 404, 429, 5xx); source: the hub's MQTT documentation. A refusal's body
//! is the JSON that the hub's gateway wraps into HTTP errors too (recorded: errorCode, trackingId, message, timestampUtc).

use bytes::Bytes;
use iolite_kernel::{Ground, ServiceError, iso_offset_seven_digits};

use crate::codec;
use crate::topic::twin_answer_topic;

/// Appends the twin, or why there is none.
pub(super) fn twin(rid: &str, twin: Result<Bytes, ServiceError>, ground: &Ground, out: &mut Vec<u8>) {
    match twin {
        Ok(body) => put(out, &twin_answer_topic(200, rid, None), &body),
        Err(error) => refused(rid, &error, ground, out),
    }
}

/// Appends what came of reported properties: their version after the change, or why there was none.
pub(super) fn reported(rid: &str, version: Result<u64, ServiceError>, ground: &Ground, out: &mut Vec<u8>) {
    match version {
        Ok(version) => put(out, &twin_answer_topic(204, rid, Some(version)), b""),
        Err(error) => refused(rid, &error, ground, out),
    }
}

fn refused(rid: &str, error: &ServiceError, ground: &Ground, out: &mut Vec<u8>) {
    let body = error.body.clone().unwrap_or_else(|| error_body(error, ground));
    put(out, &twin_answer_topic(error.code.status, rid, None), body.as_bytes());
}

fn error_body(error: &ServiceError, ground: &Ground) -> String {
    let now = iso_offset_seven_digits(ground.now());
    let number = if error.code.number == 0 { u32::from(error.code.status) * 1000 } else { error.code.number };
    let tracking_id = format!("{:X}-G2:-TimeStamp:{now}", ground.uuid().simple());
    serde_json::json!({
        "errorCode": number,
        "trackingId": tracking_id,
        "message": error.message,
        "info": null,
        "timestampUtc": now,
    })
    .to_string()
}

fn put(out: &mut Vec<u8>, topic: &str, body: &[u8]) {
    // A request's id came in a topic; with it an answer's topic can be a few bytes longer than any topic may be.
    if !codec::publish(out, topic, body, None, false) {
        tracing::info!("a twin request's id is too long to be answered");
    }
}
