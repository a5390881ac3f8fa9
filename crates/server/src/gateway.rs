//! How a provisioning service calls a hub: through the whole pipeline, with its own credential, as any client would. So a
//! hub that denies SAS really breaks provisioning, with the hub's own error.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderValue, Uri};
use iolite_access::Access;
use iolite_dps::{HubAnswer, HubAuthorization, HubCall, HubGateway};
use iolite_entra::Entra;
use iolite_http::{Head, Pipeline, Shown, Site};
use iolite_kernel::{Body, Bytes, Client, Service, Uuid};
use iolite_resources::{Estate, Hub};

/// The provisioning services' way to the hubs.
pub(crate) struct Gateway {
    estate: Estate,
    entra: Arc<Entra>,
    /// Set once the pipeline, which holds the provisioning services, is there.
    pipeline: OnceLock<std::sync::Weak<Pipeline>>,
    access: OnceLock<Arc<Access>>,
}

/// What a hub call shows as its agent, so that the switch's warning names it.
const AGENT: &str = "DeviceProvisioningService";

impl Gateway {
    pub(crate) const fn new(estate: Estate, entra: Arc<Entra>) -> Self {
        Self { estate, entra, pipeline: OnceLock::new(), access: OnceLock::new() }
    }

    /// Joins the gateway to the pipeline, and to the decisions made there.
    pub(crate) fn join(&self, pipeline: &Arc<Pipeline>, access: Arc<Access>) {
        self.pipeline.get_or_init(|| Arc::downgrade(pipeline));
        self.access.get_or_init(|| access);
    }

    async fn answer(&self, call: HubCall) -> HubAnswer {
        let unreachable = || HubAnswer { status: 503, body: Bytes::from_static(b"the linked hub cannot be reached") };
        let Some(pipeline) = self.pipeline.get().and_then(std::sync::Weak::upgrade) else { return unreachable() };
        // A link outlives its hub: what is sent to a hub that is gone must not reach another.
        let label = call.hub_host.split('.').next().unwrap_or_default();
        let hub = self.estate.hub(label).filter(|hub| hub.host_name.eq_ignore_ascii_case(&call.hub_host));
        let Some(hub) = hub else { return unreachable() };
        let Ok(uri) = Uri::try_from(call.path.as_str()) else { return unreachable() };
        let authorization = match &call.authorization {
            HubAuthorization::SharedAccessSignature(token) => token.reveal().to_owned(),
            HubAuthorization::ManagedIdentity { object_id } => match self.token(object_id).await {
                Some(token) => format!("Bearer {token}"),
                None => return unreachable(),
            },
        };
        let mut headers = HeaderMap::new();
        let pairs = [
            ("authorization", Some(authorization.as_str())),
            ("content-type", Some("application/json")),
            ("if-match", call.if_match.as_deref()),
        ];
        for (name, value) in pairs {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        let head = Head {
            site: Site::Dedicated { resource_type: Hub::TYPE, name: hub.id.name().to_ascii_lowercase().into() },
            method: http::Method::from_bytes(call.method.name().as_bytes()).unwrap_or_default(),
            uri,
            shown: Arc::new(Shown::read(&headers, None)),
            headers,
            origin: format!("https://{}", call.hub_host).into(),
            host: call.hub_host.to_ascii_lowercase().into(),
            client: Client { address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), agent: AGENT.into() },
        };
        let answer = pipeline.serve(head, |_| std::future::ready(Ok(call.body.into()))).await;
        let body = match answer.body {
            Body::Empty => Bytes::new(),
            Body::Json(bytes) | Body::Other { bytes, .. } => bytes,
        };
        HubAnswer { status: answer.status, body }
    }

    async fn token(&self, object_id: &str) -> Option<String> {
        let principal = self.estate.principal(object_id)?;
        let audience = self.estate.tenant.cloud.audiences(Service::Hub).first()?;
        let token = self.entra.issue(&principal, audience).await.ok()?;
        Some(token.access_token.reveal().to_owned())
    }
}

impl HubGateway for Gateway {
    fn call<'a>(&'a self, call: HubCall) -> Pin<Box<dyn Future<Output = HubAnswer> + Send + 'a>> {
        Box::pin(self.answer(call))
    }

    /// The device is told the hub's own words alone, which name no role. The log and the registration's decision say what
    /// would mend it.
    fn registration_failed(&self, decision: Uuid, message: &str) {
        let Some(access) = self.access.get() else { return };
        let mut lines = vec![format!("The registration failed: {message}")];
        if let Some(refusal) = tracking_id(message).and_then(|id| access.log().find(id)) {
            lines.extend(access.remedies(&refusal).into_iter().map(|remedy| format!("The hub's remedy: {remedy}")));
            lines.push(format!("`iolite explain {}` shows the hub's decision.", refusal.id));
        }
        for line in &lines {
            tracing::warn!(target: "iolite::provisioning", "{line}");
        }
        if let Some(decision) = access.log().find(decision) {
            decision.notes.get_or_init(|| lines);
        }
    }
}

/// The id in a hub's error: `Tracking ID:` and 32 hexadecimal digits. It is its decision's.
fn tracking_id(message: &str) -> Option<Uuid> {
    let (_, rest) = message.split_once("Tracking ID:")?;
    Uuid::try_parse(rest.get(..32)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_s_error_names_its_decision() {
        let text =
            r#"{"Message":"x","ExceptionMessage":"Tracking ID:5e81a8f4a14a472e856018cb3e17ee9a-G:0-TimeStamp:y"}"#;
        assert_eq!(tracking_id(text).unwrap().simple().to_string(), "5e81a8f4a14a472e856018cb3e17ee9a");
        assert_eq!((tracking_id("Tracking ID:short"), tracking_id("the linked hub cannot be reached")), (None, None));
    }
}
