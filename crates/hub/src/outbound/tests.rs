//! Exchanges with a server on a free port of this machine.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Answers one connection with `answer`, and gives what was asked.
async fn once(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.windows(4).any(|window| window == b"\r\n\r\n") {
            let mut piece = [0; 1024];
            let length = stream.read(&mut piece).await.unwrap();
            asked.extend_from_slice(&piece[..length]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(asked).unwrap()
    });
    (port, served)
}

fn get(uri: &str) -> Request<Bytes> {
    Request::get(uri).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn the_target_and_the_host_go_where_they_belong() {
    let (port, served) = once("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
    let answer = Outbound::default().exchange(get(&format!("http://127.0.0.1:{port}/a%20b?c=d")), 10).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (200, &b"hi"[..]));
    let asked = served.await.unwrap();
    assert!(asked.starts_with("GET /a%20b?c=d HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{asked}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let (port, _) = once("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n").await;
    let answer = Outbound::default().exchange(get(&format!("http://127.0.0.1:{port}/")), 10).await.unwrap();
    assert_eq!(answer.status().as_u16(), 302);
}

#[tokio::test]
async fn a_clouds_metadata_is_not_asked_however_its_address_is_written() {
    for host in
        ["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fe80::1]", "[fd00:ec2::254]"]
    {
        let found = Outbound::default().exchange(get(&format!("http://{host}/latest/meta-data")), 10).await;
        assert_eq!(found.unwrap_err(), OutboundError::LinkLocal, "{host}");
    }
}

#[tokio::test]
async fn an_answer_longer_than_wanted_is_not_read_to_its_end() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\nabcdefgh",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n0\r\n\r\n",
    ] {
        let (port, _) = once(answer).await;
        let found = Outbound::default().exchange(get(&format!("http://127.0.0.1:{port}/")), 5).await;
        assert_eq!(found.unwrap_err(), OutboundError::TooLarge(5), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let found = Outbound::default().exchange(get(&format!("http://127.0.0.1:{port}/")), 5).await;
    assert_eq!(found.unwrap_err(), OutboundError::TimedOut(DEADLINE));
}

#[tokio::test]
async fn what_is_not_http_or_not_an_address_is_an_error() {
    let (port, _) = once("220 mail.example ESMTP\r\n").await;
    let found = Outbound::default().exchange(get(&format!("http://127.0.0.1:{port}/")), 5).await;
    assert!(matches!(found, Err(OutboundError::Broken(_))));
    for uri in ["/relative", "ftp://127.0.0.1/"] {
        assert_eq!(Outbound::default().exchange(get(uri), 5).await.unwrap_err(), OutboundError::NotAnAddress, "{uri}");
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not_trusted_and_that_of_a_known_one_is() {
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.subject_alt_names.push(rcgen::SanType::IpAddress("127.0.0.1".parse().unwrap()));
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap().der().to_vec();
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &rcgen::Issuer::new(authority, authority_key)).unwrap().der().clone();
    let config =
        rustls::ServerConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf], key.serialize_der().try_into().unwrap())
            .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            // The head of a GET ends its request; it is short enough to come in one piece.
            let mut asked = [0; 1024];
            assert!(stream.read(&mut asked).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            stream.shutdown().await.ok();
        }
    });
    let uri = format!("https://127.0.0.1:{port}/");
    assert!(matches!(Outbound::default().exchange(get(&uri), 5).await, Err(OutboundError::Unreachable(_))));
    let trusting = Outbound::new(vec![root]);
    assert_eq!(trusting.exchange(get(&uri), 5).await.unwrap().status().as_u16(), 204);
}
