//! What a wire crate makes of bytes: the protocol-neutral request an operation runs on.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use smallvec::SmallVec;
use smol_str::SmolStr;
use uuid::Uuid;

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The peer's address, where there is one.
    pub address: Option<IpAddr>,
    /// The `User-Agent`, or the MQTT/AMQP client version; empty where none was sent.
    pub agent: Arc<str>,
}

/// One request to one operation of one resource.
///
/// Its fields lie on the heap: a request is handed on at every step of its way, and there is much of it.
#[derive(Debug, Clone)]
pub struct Request(Box<Fields>);

/// What a [`Request`] carries.
#[derive(Debug, Clone)]
pub struct Fields {
    /// The id that the answer, the decision log and an error body carry.
    pub id: Uuid,
    /// When it was received, on the world's clock.
    pub received_at: Timestamp,
    /// The path parameters, decoded, in the order of the operation's path.
    pub params: Params,
    /// The query, decoded, in the order sent.
    pub query: SmallVec<[(SmolStr, SmolStr); 2]>,
    /// The header fields (over MQTT and AMQP: the properties that stand for them).
    pub headers: HeaderMap,
    /// The body as sent.
    pub body: Bytes,
    /// The api-version asked for; empty for unversioned operations.
    pub api_version: SmolStr,
    /// The origin the caller dialled (`https://localhost:8443`), for absolute links in answers.
    pub origin: Arc<str>,
    /// The path and query as sent, for links and for the texts that quote it.
    pub target: Arc<str>,
    /// Who is at the other end of the wire.
    pub client: Client,
}

/// A path's parameters by name, in the order of the path.
pub type Params = SmallVec<[(&'static str, SmolStr); 2]>;

impl Request {
    /// A request that was received at `received_at` for `target` and carries nothing else yet.
    #[must_use]
    pub fn new(id: Uuid, received_at: Timestamp, target: impl Into<Arc<str>>) -> Self {
        Self(Box::new(Fields {
            id,
            received_at,
            params: SmallVec::new(),
            query: SmallVec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            api_version: SmolStr::default(),
            origin: Arc::default(),
            target: target.into(),
            client: Client { address: None, agent: Arc::default() },
        }))
    }

    /// The path parameter `name`; empty where the operation has none of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The first query value named `name`, compared without case.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The header `name` (lower case), where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The path without the query, as sent.
    #[must_use]
    pub fn path(&self) -> &str {
        path_of(&self.target)
    }

    /// The query as sent, undecoded; empty where there is none.
    #[must_use]
    pub fn query_text(&self) -> &str {
        self.target.get(self.path().len() + 1..).unwrap_or_default()
    }
}

impl From<Fields> for Request {
    fn from(fields: Fields) -> Self {
        Self(Box::new(fields))
    }
}

impl Deref for Request {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl DerefMut for Request {
    fn deref_mut(&mut self) -> &mut Fields {
        &mut self.0
    }
}

/// The path of a target, without the query.
#[must_use]
pub fn path_of(target: &str) -> &str {
    target.bytes().position(|byte| byte == b'?').map_or(target, |end| &target[..end])
}
