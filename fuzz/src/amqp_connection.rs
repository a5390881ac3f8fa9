//! A whole AMQP connection with the hub's links on it, against the hub in memory of the crate's own tests.

use iolite_kernel::Ground;
use iolite_messaging::{CloseReason, Message, ToDevice};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::watch;

use crate::doors::World;
use crate::{Script, on_a_patient_clock};

/// Serves one client; it is over when the client has hung up.
pub fn try_on(bytes: &[u8]) {
    let Some(script) = Script::read(bytes) else { return };
    on_a_patient_clock(async move {
        let world = World::new(Ground::system());
        let (client, served) = duplex(1 << 16);
        let (_drain, draining) = watch::channel(false);
        let serving = tokio::spawn(iolite_amqp::serve(served, world.context(draining)));
        let (mut heard, mut said) = tokio::io::split(client);
        let listening = tokio::spawn(async move {
            let mut all = Vec::new();
            let _ = heard.read_to_end(&mut all).await;
        });
        for (piece, then) in script.pieces() {
            if said.write_all(piece).await.is_err() {
                break;
            }
            for _ in 0..6 {
                tokio::task::yield_now().await;
            }
            turn(&world, then, script.mode);
        }
        let _ = said.shutdown().await;
        drop(said);
        serving.await.expect("the connection's task");
        listening.await.expect("the client's task");
    });
}

/// What the hub does by itself.
fn turn(world: &World, which: u8, mode: u8) {
    let session = || world.state.lock().expect("no panic before").devices.get("d1").and_then(|one| one.session.clone());
    match which {
        1 => world.send_to_device("d1", Message::of("hello")),
        2 => world.notify("[]"),
        3 => {
            if let Some(session) = session() {
                let reason = if mode & 1 == 0 { CloseReason::TakenOver } else { CloseReason::InjectedLinkFault };
                let _ = session.try_send(ToDevice::Close(reason));
            }
        }
        _ => {}
    }
}
