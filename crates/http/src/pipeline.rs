//! The one way a request travels: place, operation, api-version, identity, access, body, run, face.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use iolite_access::{Access, Ask, CredentialKind, Permit};
use iolite_identity::{Identity, Visit};
use iolite_kernel::{
    Answer, ApiVersions, Client, ErrorCode, Fields, Ground, Method, Need, Operation, Params, Request, Scope, Service,
    ServiceError, Uuid, path_of,
};
use iolite_resources::Resource;

use crate::body::{Bodies, Held, Sender};
use crate::face::{Circumstances, Face, NobodyFace};
use crate::path::{Segments, query, segments, undecoded};
use crate::{Place, Refusal, Route, ServiceTable, Shown, Site};

/// The header by which an answer names the decision behind it.
pub(crate) const DECISION: HeaderName = HeaderName::from_static("x-iolite-decision");

/// A request without its body.
pub struct Head {
    /// The listener it came in by.
    pub site: Site,
    /// The method as sent.
    pub method: http::Method,
    /// The target as sent.
    pub uri: Uri,
    /// The header fields.
    pub headers: HeaderMap,
    /// The origin that was dialled (`https://localhost:8443`).
    pub origin: Arc<str>,
    /// The host that was dialled, lower case, without the port.
    pub host: Arc<str>,
    /// Who sent it.
    pub client: Client,
    /// What they show of themselves.
    pub shown: Arc<Shown>,
}

/// An answer with every header that it needs.
pub type Outgoing = Answer;

/// Where a request belongs.
pub enum Located {
    /// To this service and resource.
    At(Service, Resource),
    /// To this service, whose resource is not there.
    Missing(Service),
    /// To nobody.
    Nowhere,
}

/// Tells which service and resource a request is for; implemented by `server`.
pub trait Locator: Send + Sync {
    /// Where the request belongs.
    fn locate(&self, place: Place<'_>) -> Located;
}

/// The services behind one door.
pub struct Pipeline {
    ground: Ground,
    identity: Arc<Identity>,
    access: Arc<Access>,
    locator: Arc<dyn Locator>,
    tables: BTreeMap<Service, Arc<dyn ServiceTable>>,
    bodies: Bodies,
}

/// What came of looking at a request: somebody was let in, or there is an answer already.
pub struct Admission(Result<Box<Admitted>, Box<Outgoing>>);

/// What a request is found by.
#[derive(Clone, Copy)]
struct Asked<'a> {
    site: &'a Site,
    host: &'a str,
    method: &'a http::Method,
    path: &'a str,
    shown: &'a Shown,
    api_version: &'a str,
}

/// A request that found its operation.
struct Found<'a> {
    table: &'a Arc<dyn ServiceTable>,
    index: usize,
    operation: &'static Operation,
    resource: Resource,
    params: Params,
}

/// A request whose caller was let in.
struct Admitted {
    operation: &'static Operation,
    index: usize,
    permit: Permit,
    request: Request,
    sent: Sent,
}

/// What is told of a request in its answer.
struct Told {
    id: Uuid,
    method: http::Method,
    target: Arc<str>,
    origin: Arc<str>,
}

/// The same, and by whom.
struct Sent {
    table: Arc<dyn ServiceTable>,
    told: Told,
}

impl Told {
    fn at(&self, pipeline: &Pipeline) -> Circumstances<'_> {
        Circumstances {
            id: self.id,
            now: pipeline.ground.now(),
            method: self.method.as_str(),
            path: path_of(&self.target),
            origin: &self.origin,
        }
    }

    fn refuse(&self, pipeline: &Pipeline, face: &dyn Face, refusal: &Refusal) -> Outgoing {
        finish(face, face.refusal(refusal, self.at(pipeline)), self.id)
    }
}

impl Sent {
    fn refuse(&self, pipeline: &Pipeline, refusal: &Refusal) -> Outgoing {
        self.told.refuse(pipeline, self.table.face(), refusal)
    }

    fn tell(
        &self,
        pipeline: &Pipeline,
        operation: &'static Operation,
        outcome: Result<Answer, ServiceError>,
    ) -> Outgoing {
        let (face, told) = (self.table.face(), &self.told);
        match outcome {
            Ok(answer) => finish(face, answer, told.id),
            Err(error) => {
                if error.code.status == 500 {
                    tracing::error!(id = %told.id, ?error, operation = operation.name, "an operation failed");
                }
                pipeline.note(told.id, operation, &error);
                finish(face, face.error(&error, told.at(pipeline)), told.id)
            }
        }
    }
}

impl Pipeline {
    /// A pipeline over `tables`.
    #[must_use]
    pub fn new(
        ground: Ground,
        identity: Arc<Identity>,
        access: Arc<Access>,
        locator: Arc<dyn Locator>,
        tables: BTreeMap<Service, Arc<dyn ServiceTable>>,
    ) -> Self {
        Self { ground, identity, access, locator, tables, bodies: Bodies::default() }
    }

    /// The room for bodies.
    #[must_use]
    pub const fn bodies(&self) -> &Bodies {
        &self.bodies
    }

    /// Looks at a request and answers it: [`Pipeline::admit`], then [`Pipeline::answer`].
    pub async fn serve<F>(&self, head: Head, body: impl FnOnce(Sender) -> F + Send) -> Outgoing
    where
        F: Future<Output = Result<Held, Refusal>> + Send,
    {
        self.answer(self.admit(head), body).await
    }

    /// Answers a request that was looked at. `body` is called only when the caller has been let in, with whose it is and so
    /// how much of it is read. It is empty for a request without one.
    pub async fn answer<F>(&self, admission: Admission, body: impl FnOnce(Sender) -> F + Send) -> Outgoing
    where
        F: Future<Output = Result<Held, Refusal>> + Send,
    {
        let mut admitted = match admission.0 {
            Ok(admitted) => admitted,
            Err(refusal) => return *refusal,
        };
        // Its room is held until the answer is there.
        let held = match body(sender(admitted.operation)).await {
            Ok(held) => held,
            Err(refusal) => return admitted.sent.refuse(self, &refusal),
        };
        admitted.request.body = held.bytes().clone();
        let Admitted { operation, index, permit, request, sent } = *admitted;
        match sent.table.run(index, permit, request) {
            None => sent.refuse(self, &Refusal::UnknownPath),
            Some(running) => sent.tell(self, operation, running.await),
        }
    }

    /// Looks at a request without its body: finds the operation and decides about the caller.
    pub fn admit(&self, head: Head) -> Admission {
        Admission(self.examine(head))
    }

    fn examine(&self, head: Head) -> Result<Box<Admitted>, Box<Outgoing>> {
        let Head { site, method, uri, headers, origin, host, client, shown } = head;
        let query = uri.query().map(query).unwrap_or_default();
        let told = Told { id: self.ground.uuid(), method, target: target(&uri), origin: origin.clone() };
        let api_version = query.iter().find(|(name, _)| name.eq_ignore_ascii_case("api-version"));
        let api_version = api_version.map(|(_, value)| value.clone()).unwrap_or_default();
        let asked = Asked {
            site: &site,
            host: &host,
            path: uri.path(),
            method: &told.method,
            shown: &shown,
            api_version: &api_version,
        };
        let found = match self.find(asked) {
            Ok(found) => found,
            Err((face, refusal)) => return Err(told.refuse(self, face, &refusal).into()),
        };
        let sent = Sent { table: found.table.clone(), told };
        if let Err(refusal) = check_version(found.operation, &api_version) {
            return Err(sent.refuse(self, &refusal).into());
        }
        let request = Request::from(Fields {
            id: sent.told.id,
            received_at: self.ground.now(),
            params: found.params,
            query,
            headers,
            body: Bytes::new(),
            api_version,
            origin,
            target: sent.told.target.clone(),
            client,
        });
        let presented = shown.presented();
        let visit = Visit { operation: found.operation, resource: &found.resource, request: &request };
        let ask = Ask {
            operation: found.operation,
            resource: &found.resource,
            request: &request,
            credential: CredentialKind::of(presented),
            authentication: self.identity.authenticate(presented, visit),
        };
        let permit = match self.access.decide(ask) {
            Ok(permit) => permit,
            Err(decision) => return Err(sent.refuse(self, &Refusal::Denied(decision)).into()),
        };
        if let iolite_kernel::Support::Refused(why) = found.operation.support {
            return Err(sent.refuse(self, &Refusal::NotSupported { operation: found.operation, why }).into());
        }
        Ok(Box::new(Admitted { operation: found.operation, index: found.index, permit, request, sent }))
    }

    /// Puts beside the decision that the operation itself said no, to whoever was let in. The error's text stays out: it may
    /// quote what was sent, a key in the wrong place for instance.
    fn note(&self, id: Uuid, operation: &Operation, error: &ServiceError) {
        let Some(decision) = self.access.log().find(id) else { return };
        let ErrorCode { status, number, name } = error.code;
        let number = match (operation.service, *number) {
            (_, 0) => String::new(),
            (Service::Entra, number) => format!(" AADSTS{number}"),
            (_, number) => format!(" {number}"),
        };
        decision.notes.get_or_init(|| vec![format!("answered {status} {name}{number}")]);
    }

    fn find(&self, asked: Asked<'_>) -> Result<Found<'_>, (&dyn Face, Refusal)> {
        const NOBODY: &NobodyFace = &NobodyFace;
        let segments = segments(asked.path);
        let as_sent = if segments.is_none() { undecoded(asked.path) } else { Segments::new() };
        let place = Place {
            site: asked.site,
            host: asked.host,
            // A path that cannot be read is refused by the service that it begins with.
            segments: segments.as_deref().unwrap_or(&as_sent),
            authorization: asked.shown.authorization(),
            signed_host: asked.shown.signed_host(),
            api_version: Some(asked.api_version).filter(|version| !version.is_empty()),
        };
        let (service, resource) = match self.locator.locate(place) {
            Located::At(service, resource) => (service, Some(resource)),
            Located::Missing(service) => (service, None),
            Located::Nowhere => return Err((NOBODY, Refusal::UnknownPath)),
        };
        let table = self.tables.get(&service).ok_or((NOBODY as &dyn Face, Refusal::UnknownPath))?;
        let segments = segments.ok_or_else(|| (table.face(), Refusal::MalformedPath))?;
        let mut resource = resource.ok_or_else(|| (table.face(), Refusal::UnknownResource))?;
        match table.router().find(Method::from_name(asked.method.as_str()), &segments) {
            Route::Found { index, params } => {
                if let (Resource::Scope(scope), Some((_, text))) =
                    (&mut resource, params.iter().find(|(name, _)| *name == "scope"))
                {
                    *scope = Scope::parse(text).map_err(|_| (table.face(), Refusal::UnknownPath))?;
                }
                let operation = table.operations()[index];
                if operation.service != service {
                    return Err((table.face(), Refusal::UnknownPath));
                }
                Ok(Found { table, index, operation, resource, params })
            }
            Route::OtherMethods(allowed) => Err((table.face(), Refusal::MethodNotAllowed { allowed })),
            Route::Unknown => Err((table.face(), Refusal::UnknownPath)),
        }
    }
}

/// The path and query of a target.
fn target(uri: &Uri) -> Arc<str> {
    uri.path_and_query().map_or_else(|| uri.path(), http::uri::PathAndQuery::as_str).into()
}

fn finish(face: &dyn Face, mut answer: Answer, id: Uuid) -> Answer {
    let mut room = Uuid::encode_buffer();
    // Not to fail: a UUID is made of digits, letters and hyphens.
    if let Ok(text) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut room)) {
        face.adorn(&mut answer, id, &text);
        answer.headers.insert(DECISION, text);
    }
    answer
}

/// Whose body an operation reads.
const fn sender(operation: &Operation) -> Sender {
    match operation.need {
        Need::Public { .. } => Sender::Stranger,
        Need::DataPlane { .. }
        | Need::Management { .. }
        | Need::OwnDevice { .. }
        | Need::OwnRegistration
        | Need::SignedIn => Sender::Admitted,
    }
}

fn check_version(operation: &'static Operation, given: &str) -> Result<(), Refusal> {
    match operation.versions {
        ApiVersions::Unversioned => return Ok(()),
        _ if given.is_empty() => return Err(Refusal::ApiVersionMissing { operation }),
        ApiVersions::Listed(known) if is_listed(known, given) => return Ok(()),
        ApiVersions::AnyDate if is_date_version(given) => return Ok(()),
        ApiVersions::Listed(_) | ApiVersions::AnyDate => {}
    }
    Err(Refusal::ApiVersionUnknown { operation, given: given.chars().take(64).collect() })
}

/// Compared without case, which only a preview's name has; nearly everyone sends the name itself, and a late one.
fn is_listed(known: &[&str], given: &str) -> bool {
    known.iter().rev().any(|version| *version == given)
        || known.iter().any(|version| version.eq_ignore_ascii_case(given))
}

/// `2023-06-30` or `2023-06-30-preview`.
fn is_date_version(text: &str) -> bool {
    let date = text.strip_suffix("-preview").unwrap_or(text);
    date.len() == 10
        && date.bytes().enumerate().all(
            |(index, byte)| {
                if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
            },
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_with_or_without_preview_is_a_version() {
        assert!(is_date_version("2023-06-30") && is_date_version("2023-06-30-preview"));
        assert!(!is_date_version("2023-6-30") && !is_date_version("latest") && !is_date_version("2023-06-30-beta"));
    }
}
