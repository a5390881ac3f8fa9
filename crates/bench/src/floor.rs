//! The bare server: hyper, rustls, fixed bytes; with `--jwks`, one RSA signature verified on every request.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::log::GroupCommit;
use crate::{report, tls};

/// How the bare server runs.
#[derive(Args)]
pub(crate) struct Floor {
    /// The file whose bytes it answers.
    #[arg(long)]
    body: PathBuf,
    /// A header field that it answers besides, `name: value`; once for each.
    #[arg(long)]
    header: Vec<String>,
    /// A JWKS file: verify the RS256 signature of every request's token by its first key.
    #[arg(long)]
    jwks: Option<PathBuf>,
    /// A log file: every request's record is on the disk, by group commit, before its answer.
    #[arg(long)]
    log: Option<PathBuf>,
    /// How many threads serve.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// What it answers, whatever it is asked.
#[derive(Clone)]
struct Canned {
    headers: Arc<[(HeaderName, HeaderValue)]>,
    body: Bytes,
    key: Option<Arc<Key>>,
    log: Option<GroupCommit>,
}

struct Key {
    n: Vec<u8>,
    e: Vec<u8>,
}

pub(crate) fn run(floor: &Floor) -> Result<()> {
    let canned = Canned {
        headers: floor.header.iter().map(|line| header(line)).collect::<Result<_>>()?,
        body: Bytes::from(std::fs::read(&floor.body)?),
        key: floor.jwks.as_ref().map(Key::read).transpose()?.map(Arc::new),
        log: floor.log.as_ref().map(|path| GroupCommit::open(path)).transpose()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(floor.threads).enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        report(&serde_json::json!({"port": listener.local_addr()?.port()}));
        let acceptor = TlsAcceptor::from(Arc::new(tls::server()?));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (acceptor, canned) = (acceptor.clone(), canned.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request| answer(request, canned.clone()));
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
            });
        }
    })
}

async fn answer(request: Request<Incoming>, canned: Canned) -> Result<Response<Full<Bytes>>, Infallible> {
    let allowed = canned.key.is_none_or(|key| {
        let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        header.and_then(|text| text.strip_prefix("Bearer ")).is_some_and(|token| key.verifies(token))
    });
    if let Some(log) = canned.log {
        // Whoever makes something out of a body has read it.
        request.into_body().collect().await.ok();
        log.append(canned.body.to_vec()).await.ok();
    }
    let mut response = Response::new(Full::new(if allowed { canned.body } else { Bytes::new() }));
    if !allowed {
        *response.status_mut() = hyper::StatusCode::UNAUTHORIZED;
    }
    response.headers_mut().extend(canned.headers.iter().cloned());
    Ok(response)
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(": ").context("a header is `name: value`")?;
    Ok((name.parse()?, value.parse()?))
}

impl Key {
    fn read(path: impl AsRef<Path>) -> Result<Self> {
        let jwks: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
        let part = |name: &str| -> Result<Vec<u8>> {
            let text = jwks["keys"][0][name].as_str().context("the JWKS has no RSA key")?;
            Ok(URL_SAFE_NO_PAD.decode(text)?)
        };
        Ok(Self { n: part("n")?, e: part("e")? })
    }

    /// Signature, then the claims parsed: what any verifier must do.
    fn verifies(&self, token: &str) -> bool {
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let key = RsaPublicKeyComponents { n: &self.n, e: &self.e };
        let claims = signed.split_once('.').and_then(|(_, claims)| URL_SAFE_NO_PAD.decode(claims).ok());
        let parsed = claims.is_some_and(|claims| serde_json::from_slice::<serde_json::Value>(&claims).is_ok());
        parsed && key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
    }
}
