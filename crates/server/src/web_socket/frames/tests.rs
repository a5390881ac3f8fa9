//! Row M5 of what goes wrong: frames that cut messages anywhere, and frames that no good client sends. The client is the
//! library's where it will do, and bytes where it would not send such a thing.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;

/// A client of the library's, and our end.
async fn client() -> (WebSocketStream<DuplexStream>, ByteStream<DuplexStream>) {
    let (near, far) = duplex(64 * 1024);
    (WebSocketStream::from_raw_socket(near, Role::Client, None).await, ByteStream::new(far))
}

/// A frame of a client: its first byte, and its payload under a mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap()];
    frame.extend_from_slice(&key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// The header of a frame that says it has so much.
fn announcing(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat()
}

/// What a client is told that sends these bytes: the code of the close that comes after `before`.
async fn refusal(bytes: &[u8], before: &[u8]) -> u16 {
    let (mut near, far) = duplex(64 * 1024);
    let mut socket = ByteStream::new(far);
    near.write_all(bytes).await.unwrap();
    let mut read = Vec::new();
    let error = socket.read_to_end(&mut read).await.unwrap_err();
    assert_eq!((error.kind(), read.as_slice()), (io::ErrorKind::InvalidData, before));
    drop(socket);
    let mut told = Vec::new();
    near.read_to_end(&mut told).await.unwrap();
    assert_eq!((told[0], usize::from(told[1])), (0x80 | CLOSE, told.len() - 2), "{told:?}");
    u16::from_be_bytes([told[2], told[3]])
}

#[tokio::test]
async fn bytes_go_through_however_messages_cut_them() {
    let (mut client, mut socket) = client().await;
    client.send(Message::binary(vec![1, 2])).await.unwrap();
    client.send(Message::binary(vec![3, 4, 5])).await.unwrap();
    let mut read = [0; 5];
    socket.read_exact(&mut read[..3]).await.unwrap();
    socket.read_exact(&mut read[3..]).await.unwrap();
    assert_eq!(read, [1, 2, 3, 4, 5]);
    for length in [0, 1, 125, 126, 1000, 65_535, 70_000] {
        let sent: Vec<u8> = (0..length).map(|number: u32| number.to_le_bytes()[0]).collect();
        let (sending, mut read) = (client.send(Message::binary(sent.clone())), vec![0; sent.len()]);
        let (said, heard) = tokio::join!(sending, socket.read_exact(&mut read));
        said.unwrap();
        heard.unwrap();
        assert!(read == sent, "{length} bytes came otherwise");
    }
    let hearing = async {
        let mut back = Vec::new();
        while back.len() < 100_000 {
            back.extend(client.next().await.unwrap().unwrap().into_data());
        }
        back
    };
    let large = vec![9; 100_000];
    let (said, back) = tokio::join!(socket.write_all(&large), hearing);
    said.unwrap();
    assert!(back == large);
    client.close(None).await.unwrap();
    assert_eq!(socket.read(&mut read).await.unwrap(), 0);
    assert_eq!(socket.write(&[1]).await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    let closed = client.next().await.unwrap().unwrap();
    assert!(closed.is_close(), "{closed:?}");
}

#[tokio::test]
async fn a_conversation_in_any_pieces_means_the_same() {
    let bytes = [
        frame(0x02, b"a"),
        frame(0x89, b"between"),
        frame(0x00, b"bc"),
        frame(0x80, b""),
        frame(0x8a, b"unasked"),
        frame(0x82, b"def"),
        frame(0x88, &[3, 232]),
    ]
    .concat();
    for size in 1..bytes.len() {
        let (mut near, far) = duplex(1024);
        let mut socket = ByteStream::new(far);
        let (sending, mut read) = (
            async {
                for piece in bytes.chunks(size) {
                    near.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
                near
            },
            Vec::new(),
        );
        let (mut near, heard) = tokio::join!(sending, socket.read_to_end(&mut read));
        heard.unwrap();
        assert_eq!(read, b"abcdef", "in pieces of {size}");
        drop(socket);
        let mut answers = Vec::new();
        near.read_to_end(&mut answers).await.unwrap();
        assert_eq!(answers, [&b"\x8a\x07between"[..], &[0x88, 2, 3, 232]].concat(), "in pieces of {size}");
    }
}

#[tokio::test]
async fn m5_text_is_refused_as_1003() {
    assert_eq!(refusal(&frame(0x81, b"hello"), b"").await, UNSUPPORTED);
}

#[tokio::test]
async fn m5_what_breaks_the_rules_of_frames_is_refused_as_1002() {
    for (what, bytes) in [
        ("no mask", vec![0x82, 2, 1, 2]),
        ("a compressed message", frame(0xc2, b"x")),
        ("a reserved bit", frame(0x92, b"x")),
        ("an unknown frame", frame(0x83, b"x")),
        ("an unknown control", frame(0x8b, b"x")),
        ("a ping in parts", frame(0x09, b"x")),
        ("a ping that is too long", [&[0x89, 0xfe, 0, 126][..], &[0; 130]].concat()),
        ("going on with nothing", frame(0x80, b"x")),
    ] {
        assert_eq!(refusal(&bytes, b"").await, PROTOCOL_ERROR, "{what}");
    }
    let inside = [frame(0x02, b"x"), frame(0x82, b"y")].concat();
    assert_eq!(refusal(&inside, b"x").await, PROTOCOL_ERROR, "a message inside a message");
}

#[tokio::test]
async fn m5_too_much_is_refused_as_1009_by_its_header_alone() {
    for length in [LARGEST_MESSAGE + 1, 64 * 1024 * 1024, u64::MAX] {
        assert_eq!(refusal(&announcing(0x82, length), b"").await, TOO_LARGE, "{length}");
    }
    let parts = [frame(0x02, b"x"), announcing(0x00, LARGEST_MESSAGE)].concat();
    assert_eq!(refusal(&parts, b"x").await, TOO_LARGE, "in parts");
}

#[tokio::test]
async fn m5_a_flood_of_pings_that_reads_no_answer_holds_little() {
    let (mut near, far) = duplex(256);
    let mut socket = ByteStream::new(far);
    let flooding = tokio::spawn(async move {
        for _ in 0..2000 {
            near.write_all(&frame(0x89, &[7; 125])).await.unwrap();
        }
        near.write_all(&frame(0x82, b"!")).await.unwrap();
        near
    });
    let mut read = [0; 1];
    socket.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"!");
    assert!(socket.out.len() <= PINGS_UNANSWERED_ABOVE + 127, "{} bytes wait", socket.out.len());
    drop(flooding.await.unwrap());
}

#[tokio::test]
async fn an_idle_socket_holds_nothing_but_itself() {
    let (mut client, mut socket) = client().await;
    client.send(Message::binary(vec![1; 1000])).await.unwrap();
    socket.read_exact(&mut [0; 1000]).await.unwrap();
    socket.write_all(&[2; 1000]).await.unwrap();
    assert_eq!(socket.out.capacity(), 0);
    assert!(size_of::<ByteStream<()>>() <= 120, "{}", size_of::<ByteStream<()>>());
}
