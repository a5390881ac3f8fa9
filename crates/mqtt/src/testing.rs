//! For this crate's tests: packets as a client writes them.

/// `text` with its length in front.
pub(crate) fn text(text: impl AsRef<[u8]>) -> Vec<u8> {
    let text = text.as_ref();
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(text);
    bytes
}

/// A packet: its first byte, and its content behind the remaining length.
pub(crate) fn packet(first: u8, content: &[&[u8]]) -> Vec<u8> {
    let body = content.concat();
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let low = u8::try_from(length & 0x7f).unwrap();
        length >>= 7;
        bytes.push(if length == 0 { low } else { low | 0x80 });
        if length == 0 {
            break;
        }
    }
    bytes.extend_from_slice(&body);
    bytes
}

/// CONNECT of MQTT 3.1.1 with these connect flags, this keep alive and this payload.
pub(crate) fn connect_raw(flags: u8, keep_alive: u16, payload: &[&[u8]]) -> Vec<u8> {
    let mut content: Vec<&[u8]> = vec![b"\0\x04MQTT\x04"];
    let (flags, keep_alive) = ([flags], keep_alive.to_be_bytes());
    content.push(&flags);
    content.push(&keep_alive);
    content.extend_from_slice(payload);
    packet(0x10, &content)
}

/// CONNECT of a device or module (`dev1`, `dev1/mod1`), with a token and clean session 1.
pub(crate) fn connect(client_id: &str) -> Vec<u8> {
    connect_with(client_id, 0xc2, 60)
}

/// CONNECT of a device or module with a token; flags and keep alive as given.
pub(crate) fn connect_with(client_id: &str, flags: u8, keep_alive: u16) -> Vec<u8> {
    let user = format!("localhost/{client_id}/?api-version=2021-04-12&DeviceClientType=test");
    let password = "SharedAccessSignature sr=localhost&sig=x&se=1";
    connect_raw(flags, keep_alive, &[&text(client_id), &text(user), &text(password)])
}

/// PUBLISH at QoS 1 under `id`, or at QoS 0.
pub(crate) fn publish(topic: &str, id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    match id {
        None => packet(0x30, &[&text(topic), payload]),
        Some(id) => packet(0x32, &[&text(topic), &id.to_be_bytes(), payload]),
    }
}

/// SUBSCRIBE under `id` to filters at their QoS.
pub(crate) fn subscribe(id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut content = id.to_be_bytes().to_vec();
    for (filter, qos) in filters {
        content.extend(text(filter));
        content.push(*qos);
    }
    packet(0x82, &[&content])
}

/// UNSUBSCRIBE under `id` from filters.
pub(crate) fn unsubscribe(id: u16, filters: &[&str]) -> Vec<u8> {
    let mut content = id.to_be_bytes().to_vec();
    for filter in filters {
        content.extend(text(filter));
    }
    packet(0xa2, &[&content])
}

/// PUBACK of `id`.
pub(crate) fn puback(id: u16) -> Vec<u8> {
    packet(0x40, &[&id.to_be_bytes()])
}

/// PINGREQ.
pub(crate) const PINGREQ: [u8; 2] = [0xc0, 0];
/// DISCONNECT.
pub(crate) const DISCONNECT: [u8; 2] = [0xe0, 0];
