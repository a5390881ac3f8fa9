//! Tests of a connection: where a request was sent, what is answered, and a connection on which nothing can be sent.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::ReadBuf;

use super::*;

/// A connection that brings a request, and on which nothing can be sent: the system has no room for it.
struct Roomless(&'static [u8]);

impl AsyncRead for Roomless {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        into.put_slice(std::mem::take(&mut self.0));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Roomless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()))
    }
}

#[tokio::test]
async fn f2_an_answer_that_cannot_be_sent_ends_its_connection_and_nothing_else() {
    let (answered, (_drain, draining)) = (AtomicUsize::new(0), watch::channel(false));
    let stream = Roomless(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    serve_requests(stream, draining, |_| {
        answered.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Response::new(Full::new(Bytes::new())))
    })
    .await;
    assert_eq!(answered.into_inner(), 1);
}

fn headers(hosts: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for host in hosts {
        headers.append(http::header::HOST, HeaderValue::from_static(host));
    }
    headers
}

#[test]
fn a_target_at_odds_with_the_host_is_refused() {
    let uri = Uri::from_static("https://evil.example/devices");
    assert_eq!(authority(&uri, &headers(&["localhost:8443"]), "x"), None);
    assert_eq!(authority(&Uri::from_static("/devices"), &headers(&["a", "b"]), "x"), None);
    assert_eq!(authority(&Uri::from_static("/"), &headers(&["LocalHost:8443"]), "x").unwrap(), "LocalHost:8443");
}

#[test]
fn an_address_in_brackets_keeps_them() {
    assert_eq!(host_of("[::1]:8443"), "[::1]");
    assert_eq!(host_of("localhost:8443"), "localhost");
}

#[test]
fn an_answer_s_own_media_type_goes_before_that_of_its_body() {
    let own = Answer::json_text(200, "{}").with_header("content-type", "application/problem+json");
    assert_eq!(into_response(own).headers()["content-type"], "application/problem+json");
    let usual = into_response(Answer::json_text(200, "{}"));
    assert_eq!(usual.headers()["content-type"], "application/json; charset=utf-8");
}
