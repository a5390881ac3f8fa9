//! A hub in memory on AMQP ports, for trying real clients against the wire alone: 5672 plain, 5671 with a certificate of
//! its own, written to the file named by the first argument.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "an example may")]

#[path = "../tests/doors/mod.rs"]
mod doors;

use std::sync::Arc;

use iolite_kernel::Ground;
use iolite_messaging::Transport;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

#[tokio::main]
async fn main() {
    let world = doors::World::new(Ground::system());
    let (_drain, draining) = watch::channel(false);
    let ca = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "iolite-amqp example");
    let root = parameters.self_signed(&ca).unwrap();
    let issuer = rcgen::Issuer::new(parameters, ca);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut leaf = rcgen::CertificateParams::new(names).unwrap();
    leaf.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, root.pem()).unwrap();
    }
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let tls = TcpListener::bind("127.0.0.1:5671").await.unwrap();
    let plain = TcpListener::bind("127.0.0.1:5672").await.unwrap();
    eprintln!("listening");
    loop {
        tokio::select! {
            Ok((stream, _)) = tls.accept() => {
                let (acceptor, context) = (acceptor.clone(), world.context(draining.clone()));
                tokio::spawn(async move {
                    match acceptor.accept(stream).await {
                        Ok(stream) => iolite_amqp::serve(stream, context).await,
                        Err(error) => eprintln!("handshake: {error}"),
                    }
                });
            }
            Ok((stream, _)) = plain.accept() => {
                let mut context = world.context(draining.clone());
                context.arrival.transport = Transport::AmqpPlain;
                tokio::spawn(iolite_amqp::serve(stream, context));
            }
        }
    }
}
