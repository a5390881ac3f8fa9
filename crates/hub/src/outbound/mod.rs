//! One HTTP request from the hub to a service of the user's own: a blob service, a webhook.
//!
//! Called by `blobs`, and by whoever delivers events. Every exchange is its own connection, has a deadline, reads an answer up
//! to a bound, and follows no redirect: where a request goes is decided by who configured it, never by who answers it. Link-local
//! addresses are not asked at all, whoever configured them: what answers there is a cloud's metadata.

mod error;
mod trust;

use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderValue};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub use error::OutboundError;
use trust::Trust;

/// How long an exchange may take: connecting, shaking hands, asking and reading.
const DEADLINE: Duration = Duration::from_secs(30);

/// Asks other services; cheap where nobody does.
#[derive(Debug, Default)]
pub struct Outbound {
    trust: Trust,
}

impl Outbound {
    /// Trusts the public authorities and these certificates, DER; the wiring gives the emulator's own authority.
    #[must_use]
    pub fn new(trusted: Vec<Vec<u8>>) -> Self {
        Self { trust: Trust::new(trusted) }
    }

    /// Sends `request`, whose URI is absolute and http or https, and reads an answer of at most `most` bytes.
    ///
    /// The deadline is real time, as that of all network work: the world's clock does not close connections.
    pub async fn exchange(&self, request: Request<Bytes>, most: usize) -> Result<Response<Bytes>, OutboundError> {
        tokio::time::timeout(DEADLINE, self.connect_and_talk(request, most))
            .await
            .unwrap_or(Err(OutboundError::TimedOut(DEADLINE)))
    }

    async fn connect_and_talk(&self, request: Request<Bytes>, most: usize) -> Result<Response<Bytes>, OutboundError> {
        let secure = match request.uri().scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(OutboundError::NotAnAddress),
        };
        let host = request.uri().host().ok_or(OutboundError::NotAnAddress)?;
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host).to_owned();
        let port = request.uri().port_u16().unwrap_or(if secure { 443 } else { 80 });
        let request = in_origin_form(request)?;
        let stream = connect(&host, port).await?;
        // A request is written in one piece; the call costs nothing where it fails.
        stream.set_nodelay(true).ok();
        if !secure {
            return talk(stream, request, most).await;
        }
        let name = ServerName::try_from(host).map_err(|_| OutboundError::NotAnAddress)?;
        let tls = TlsConnector::from(self.trust.config()?)
            .connect(name, stream)
            .await
            .map_err(|error| OutboundError::Unreachable(error.to_string()))?;
        talk(tls, request, most).await
    }
}

/// A connection to `host`, whatever name or number it is, unless it leads to an address that nobody's service has.
async fn connect(host: &str, port: u16) -> Result<TcpStream, OutboundError> {
    let unreachable = |error: std::io::Error| OutboundError::Unreachable(error.to_string());
    let found = tokio::net::lookup_host((host, port)).await.map_err(unreachable)?;
    let (kept_away, allowed): (Vec<_>, Vec<_>) = found.partition(|address| is_link_local(address.ip()));
    if allowed.is_empty() && !kept_away.is_empty() {
        return Err(OutboundError::LinkLocal);
    }
    TcpStream::connect(&allowed[..]).await.map_err(unreachable)
}

/// Whether an address is of the kind at which clouds give their machines' own credentials away.
fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address.segments()[..2] == [0xfd00, 0x0ec2],
    }
}

/// The request as a server wants it: the target without scheme and authority, the authority as `Host`.
fn in_origin_form(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, OutboundError> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().ok_or(OutboundError::NotAnAddress)?;
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| OutboundError::NotAnAddress)?;
    parts.headers.insert(HOST, host);
    if parts.method == Method::PUT || parts.method == Method::POST {
        // Said even where it is 0: blob services refuse a PUT without it, and the library leaves it out then.
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let target = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    parts.uri = Uri::from(target);
    Ok(Request::from_parts(parts, Full::new(body)))
}

async fn talk<S>(stream: S, request: Request<Full<Bytes>>, most: usize) -> Result<Response<Bytes>, OutboundError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        match Limited::new(body, most).collect().await {
            Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(OutboundError::TooLarge(most)),
            Err(error) => Err(OutboundError::Broken(error.to_string())),
        }
    };
    let (mut exchange, mut connection, mut ended) = (pin!(exchange), pin!(connection), false);
    loop {
        tokio::select! {
            answer = &mut exchange => return answer,
            _ = &mut connection, if !ended => ended = true,
        }
    }
}

#[cfg(test)]
mod tests;
