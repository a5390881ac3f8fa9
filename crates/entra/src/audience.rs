//! What a token is for: the resource or scopes that a client asks for become the `aud` it gets.
//!
//! Source: "Scopes and permissions in the Microsoft identity platform": everything before the last slash of a scope is
//! the resource, taken as written, so that `https://x//.default` yields the audience `https://x/`. Which resources exist
//! here is told in docs/quirks.md, section "Entra".

use iolite_kernel::{Service, ServiceError};
use iolite_resources::{Cloud, PrincipalKind};

use crate::Entra;
use crate::errors::{INVALID_SCOPE, NOT_THE_DEFAULT_SCOPE, UNKNOWN_RESOURCE};

/// Microsoft Graph's application id.
const GRAPH_APPLICATION: &str = "00000003-0000-0000-c000-000000000000";

/// The delegated permissions that the IoT services' and Resource Manager's applications publish. Each stands for all
/// that the user may do; roles decide on the rest.
const DELEGATED: [&str; 3] = [".default", "user_impersonation", "Read.Write"];

/// A token's resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audience {
    /// The `aud`.
    pub(crate) aud: String,
    /// The form of token that the resource asks for.
    pub(crate) version: TokenVersion,
}

/// The two forms of access token; the resource decides, not the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenVersion {
    /// Azure's own APIs.
    V1,
    /// Applications registered in the directory.
    V2,
}

/// A `scope` parameter, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes {
    /// The resource; `None` where only OpenID Connect's own scopes were asked for.
    pub(crate) resource: Option<String>,
    /// What of the resource, as `.default`.
    pub(crate) permissions: Vec<String>,
    /// Whether an id token is asked for.
    pub(crate) openid: bool,
    /// Whether a refresh token is asked for.
    pub(crate) offline_access: bool,
}

impl Scopes {
    /// Takes a `scope` parameter apart; all its permissions must be of one resource.
    pub(crate) fn parse(text: &str) -> Result<Self, ServiceError> {
        let mut scopes = Self::default();
        for scope in text.split_ascii_whitespace() {
            match scope {
                "openid" => scopes.openid = true,
                "offline_access" => scopes.offline_access = true,
                "profile" | "email" => {}
                _ => scopes.add(scope)?,
            }
        }
        Ok(scopes)
    }

    /// A `resource` parameter, as the v1.0 endpoint has it, with what that endpoint gives unasked.
    pub(crate) fn of_resource(resource: &str) -> Self {
        let permissions = vec![".default".to_owned()];
        Self { resource: Some(resource.to_owned()), permissions, openid: true, offline_access: true }
    }

    /// Refuses what an application may not ask for in its own name.
    pub(crate) fn only_default(&self) -> Result<&str, ServiceError> {
        let resource = self.resource.as_deref().filter(|_| self.permissions == [".default"]);
        resource.ok_or_else(|| {
            let text = "An application asks for all that it was given at once: the scope must be one resource followed \
                        by '/.default'.";
            ServiceError::new(&NOT_THE_DEFAULT_SCOPE, text)
        })
    }

    fn add(&mut self, scope: &str) -> Result<(), ServiceError> {
        let (resource, permission) = scope.rsplit_once('/').unwrap_or((GRAPH_APPLICATION, scope));
        if self.resource.as_deref().is_some_and(|known| known != resource) {
            let text = "The scopes are of more than one resource; a token is for one resource only.";
            return Err(ServiceError::new(&INVALID_SCOPE, text));
        }
        self.resource = Some(resource.to_owned());
        self.permissions.push(permission.to_owned());
        Ok(())
    }
}

impl Entra {
    /// The audience of the resource `asked` for by a client that dialled `origin`.
    pub(crate) fn audience(&self, asked: &str, origin: &str) -> Result<Audience, ServiceError> {
        self.known_audience(asked, origin).ok_or_else(|| {
            let tenant = &self.estate.tenant;
            let asked: String = asked.chars().take(256).collect();
            let text = format!(
                "There is no resource principal named {asked} in the tenant {} ({}). Known here are the audiences of \
                 the emulated services, Microsoft Graph, and the applications of the directory.",
                tenant.domain, tenant.id
            );
            ServiceError::new(&UNKNOWN_RESOURCE, text)
        })
    }

    /// The same for a user, who may ask for delegated permissions by name.
    pub(crate) fn delegated_audience(&self, scopes: &Scopes, origin: &str) -> Result<Audience, ServiceError> {
        let asked = scopes.resource.as_deref().unwrap_or(GRAPH_APPLICATION);
        let audience = self.audience(asked, origin)?;
        let is_graph = is_graph(self.estate.tenant.cloud, &audience.aud);
        match scopes.permissions.iter().find(|name| !is_graph && !DELEGATED.contains(&name.as_str())) {
            None => Ok(audience),
            Some(unknown) => {
                let unknown: String = unknown.chars().take(128).collect();
                let text = format!("The resource {} has no scope '{unknown}'; ask for '.default'.", audience.aud);
                Err(ServiceError::new(&INVALID_SCOPE, text))
            }
        }
    }

    fn known_audience(&self, asked: &str, origin: &str) -> Option<Audience> {
        let cloud = self.estate.tenant.cloud;
        let bare = asked.strip_suffix('/').unwrap_or(asked);
        let v1 = |aud: &str| Some(Audience { aud: aud.to_owned(), version: TokenVersion::V1 });
        // Resource Manager's: whoever points a management client at the emulator names that address as its resource, also
        // when the token comes from another of its addresses (a managed identity's). The door there compares again.
        if bare == origin || is_loopback(bare) {
            return v1(asked);
        }
        // The address under which `/metadata/endpoints` tells the CLI that Graph is; the door there knows it by its name.
        if bare.strip_suffix("/graph").is_some_and(|root| root == origin || is_loopback(root)) {
            return cloud.audiences(Service::Entra).first().and_then(|graph| v1(graph));
        }
        let services = [Service::Hub, Service::Dps, Service::Twins, Service::Arm, Service::Entra];
        let known = services.iter().flat_map(|service| cloud.audiences(*service));
        if known.into_iter().any(|audience| audience.eq_ignore_ascii_case(bare)) {
            return v1(asked);
        }
        self.application(bare.strip_prefix("api://").unwrap_or(bare))
    }

    /// An application of the directory as a resource: it takes v2.0 tokens, whose audience is its id in any case.
    fn application(&self, client_id: &str) -> Option<Audience> {
        let found = self.principal_of_client(client_id)?;
        match &found.kind {
            PrincipalKind::ServicePrincipal { client_id, .. } => {
                Some(Audience { aud: client_id.clone(), version: TokenVersion::V2 })
            }
            _ => None,
        }
    }
}

/// Whether an address is an https origin of this machine.
fn is_loopback(address: &str) -> bool {
    let Some(host) = address.strip_prefix("https://") else { return false };
    let port = ["localhost", "127.0.0.1", "[::1]"].iter().find_map(|name| host.strip_prefix(name));
    port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
}

fn is_graph(cloud: Cloud, audience: &str) -> bool {
    let bare = audience.strip_suffix('/').unwrap_or(audience);
    cloud.audiences(Service::Entra).iter().any(|known| known.eq_ignore_ascii_case(bare))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{APP_CLIENT_ID, World};

    const ORIGIN: &str = "https://localhost:8443";

    fn aud(asked: &str) -> Option<String> {
        World::new().entra.audience(asked, ORIGIN).ok().map(|audience| audience.aud)
    }

    #[test]
    fn a_scope_is_a_resource_and_a_permission_cut_at_the_last_slash() {
        let scopes =
            Scopes::parse("https://management.core.windows.net//.default openid offline_access profile").unwrap();
        assert_eq!(scopes.resource.as_deref(), Some("https://management.core.windows.net/"));
        assert_eq!(scopes.permissions, [".default"]);
        assert!(scopes.openid && scopes.offline_access);
    }

    #[test]
    fn scopes_of_two_resources_are_refused() {
        let two = "https://iothubs.azure.net/.default https://digitaltwins.azure.net/.default";
        assert_eq!(Scopes::parse(two).unwrap_err().code.number, 70011);
    }

    #[test]
    fn an_application_asks_for_the_default_scope_and_nothing_else() {
        for wrong in ["https://iothubs.azure.net/user_impersonation", "openid", "", "https://iothubs.azure.net"] {
            let refusal = Scopes::parse(wrong).unwrap().only_default().unwrap_err();
            assert_eq!(refusal.code.number, 1_002_012, "{wrong}");
        }
    }

    #[test]
    fn the_audience_is_the_resource_as_written() {
        for asked in [
            "https://iothubs.azure.net",
            "https://azure-devices-provisioning.net",
            "https://digitaltwins.azure.net",
            "0b07f429-9f4b-4714-9392-cc5e8e80c8b0",
            "https://management.core.windows.net/",
            "https://graph.microsoft.com",
        ] {
            assert_eq!(aud(asked).as_deref(), Some(asked));
        }
    }

    #[test]
    fn the_address_that_was_dialled_is_a_resource() {
        assert_eq!(aud("https://localhost:8443").as_deref(), Some("https://localhost:8443"));
        assert_eq!(aud("https://127.0.0.1:9443").as_deref(), Some("https://127.0.0.1:9443"), "of this machine");
        for wrong in
            ["https://localhost.evil.example", "https://localhost:x", "http://localhost:8443", "https://localhost@x"]
        {
            assert_eq!(aud(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn graph_is_known_by_its_address_on_this_machine() {
        assert_eq!(aud("https://localhost:8443/graph").as_deref(), Some("https://graph.microsoft.com"));
        assert_eq!(aud("https://localhost:8443/graph/").as_deref(), Some("https://graph.microsoft.com"));
    }

    #[test]
    fn an_application_of_the_directory_takes_version_two_tokens_under_its_id() {
        let world = World::new();
        for asked in [APP_CLIENT_ID.to_owned(), format!("api://{APP_CLIENT_ID}")] {
            let audience = world.entra.audience(&asked, ORIGIN).unwrap();
            assert_eq!(audience, Audience { aud: APP_CLIENT_ID.to_owned(), version: TokenVersion::V2 });
        }
    }

    #[test]
    fn an_unknown_resource_is_refused_by_name() {
        for asked in
            ["https://vault.azure.net", "https://iothubs.azure.net.evil.example", "https://iothubs.azure.net//"]
        {
            let refusal = World::new().entra.audience(asked, ORIGIN).unwrap_err();
            assert_eq!(refusal.code.number, 500_011);
            assert!(refusal.message.contains(asked));
        }
    }

    #[test]
    fn a_user_asks_for_what_the_resource_publishes() {
        let world = World::new();
        let asked = |scope: &str| world.entra.delegated_audience(&Scopes::parse(scope).unwrap(), ORIGIN);
        assert!(asked("https://iothubs.azure.net/user_impersonation").is_ok());
        assert!(asked("User.Read").is_ok(), "a bare scope is Microsoft Graph's");
        assert_eq!(asked("https://iothubs.azure.net/Everything").unwrap_err().code.number, 70011);
    }
}
