//! Which ports are taken, and what to say when one cannot be.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// How ports are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ports {
    /// The documented ones, and 443 where it can be had.
    #[default]
    Standard,
    /// The documented ones above 1024 only.
    High,
    /// Any that are free, so that many emulators run side by side.
    Auto,
}

/// The listeners of one port: one an address family.
pub(crate) struct Bound {
    /// The port.
    pub(crate) port: u16,
    /// Its listeners.
    pub(crate) listeners: Vec<TcpListener>,
}

impl Bound {
    /// Keeps TCP segments small. Azure's Python AMQP client copies the segment size of its socket back into it, which a
    /// loopback device's own size breaks (measured: one connect in three failed without this, none with it).
    pub(crate) fn limit_segments(&self) {
        #[cfg(unix)]
        for listener in &self.listeners {
            if let Err(error) = socket2::SockRef::from(listener).set_tcp_mss(SEGMENT_BYTES) {
                tracing::debug!(%error, port = self.port, "segments keep the system's own size");
            }
        }
    }
}

/// A port that could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("port {port} for {purpose} cannot be taken on {address}: {error}\n  {remedy}")]
pub struct PortError {
    /// The port.
    pub port: u16,
    /// What it is for.
    pub purpose: &'static str,
    /// The address.
    pub address: IpAddr,
    /// What the system said.
    pub error: io::Error,
    /// What to do.
    pub remedy: String,
}

/// The size of TCP segments where it is limited.
#[cfg(unix)]
const SEGMENT_BYTES: u32 = 16_384;
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;
/// How often a free port is looked for that is free for both address families.
const ATTEMPTS: usize = 32;

/// The addresses that are listened on: both loopback addresses, and `bind`. What clients are told, the ready file and the
/// environment, says localhost, which must lead here too.
pub(crate) fn addresses(bind: Option<IpAddr>) -> Vec<IpAddr> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    match bind {
        // Localhost leads to each of these.
        Some(address) if address.is_unspecified() || loopback.contains(&address) => vec![address],
        Some(address) => [&[address], &loopback[..]].concat(),
        None => loopback.to_vec(),
    }
}

/// Takes `port` on every address, or any free port where `port` is 0. A machine without IPv6 is listened on without it.
pub(crate) fn take(port: u16, purpose: &'static str, addresses: &[IpAddr]) -> Result<Bound, PortError> {
    let mut last = None;
    for _ in 0..if port == 0 { ATTEMPTS } else { 1 } {
        match take_once(port, addresses) {
            Ok(bound) => return Ok(bound),
            Err(failure) => last = Some(failure),
        }
    }
    let (address, error) =
        last.unwrap_or_else(|| (IpAddr::V4(Ipv4Addr::LOCALHOST), io::Error::other("no address to listen on")));
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it: stop that one, or start with --ports auto".to_owned(),
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege here: start with --ports high".to_owned(),
        _ => "choose another --bind address".to_owned(),
    };
    Err(PortError { port, purpose, address, error, remedy })
}

fn take_once(port: u16, addresses: &[IpAddr]) -> Result<Bound, (IpAddr, io::Error)> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut chosen = port;
    for (index, address) in addresses.iter().enumerate() {
        match listen(SocketAddr::new(*address, chosen)) {
            Ok(listener) => {
                chosen = listener.local_addr().map_err(|error| (*address, error))?.port();
                listeners.push(listener);
            }
            Err(error) if index > 0 && address.is_ipv6() && error.kind() == io::ErrorKind::AddrNotAvailable => {}
            Err(error) => return Err((*address, error)),
        }
    }
    Ok(Bound { port: chosen, listeners })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_free_port_is_the_same_on_both_families() {
        let bound = take(0, "test", &addresses(None)).unwrap();
        assert!(bound.port > 0);
        assert!(bound.listeners.iter().all(|listener| listener.local_addr().unwrap().port() == bound.port));
    }

    #[test]
    fn localhost_leads_here_whatever_is_bound() {
        let told = |bind: &str| {
            let addresses = addresses(bind.parse().ok());
            addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        for (bind, wanted) in [
            ("", "127.0.0.1 ::1"),
            ("192.0.2.1", "192.0.2.1 127.0.0.1 ::1"),
            ("127.0.0.2", "127.0.0.2 127.0.0.1 ::1"),
            ("2001:db8::1", "2001:db8::1 127.0.0.1 ::1"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("0.0.0.0", "0.0.0.0"),
            ("::", "::"),
        ] {
            assert_eq!(told(bind), wanted, "--bind {bind}");
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named_with_a_remedy() {
        let bound = take(0, "test", &addresses(None)).unwrap();
        let error = take(bound.port, "HTTPS", &addresses(None)).err().unwrap();
        assert!(error.to_string().contains(&bound.port.to_string()) && error.remedy.contains("--ports auto"));
        assert_eq!(crate::StartError::from(error).exit_code(), 2, "the user's to mend");
    }
}
