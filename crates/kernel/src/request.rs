//! What a wire crate makes of bytes: the protocol-neutral request an operation runs on.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use smallvec::SmallVec;
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
#[derive(Debug, Clone)]
pub struct Request {
    /// The id that the answer, the decision log and an error body carry.
    pub id: Uuid,
    /// The path parameters, decoded, in the order of the operation's path.
    pub params: SmallVec<[(&'static str, String); 4]>,
    /// The query, decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// The header fields (over MQTT and AMQP: the properties that stand for them).
    pub headers: HeaderMap,
    /// The body as sent.
    pub body: Bytes,
    /// The api-version asked for; empty for unversioned operations.
    pub api_version: String,
    /// The origin the caller dialled (`https://localhost:8443`), for absolute links in answers.
    pub origin: Arc<str>,
    /// The path and query as sent, for links and for the texts that quote it.
    pub target: String,
    /// Who is at the other end of the wire.
    pub client: Client,
}

impl Request {
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
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }
}
