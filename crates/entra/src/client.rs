//! Which application asks, and what it proved. For the token and device-code operations.
//!
//! Sources: RFC 6749, section 2.3; "Get access tokens to call an API" of the Microsoft identity platform for the three
//! proofs (secret, certificate, federated credential).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Request, ServiceError};
use iolite_resources::{Principal, PrincipalKind};
use iolite_store::Versioned;

use crate::Entra;
use crate::assertion::{Assertion, Court};
use crate::claims::Proof;
use crate::errors::{APPLICATION_DISABLED, NO_CLIENT_PROOF, UNKNOWN_APPLICATION, WRONG_SECRET};
use crate::form::{Form, malformed, missing};
use crate::issue::AZURE_CLI;
use crate::secrecy;

/// Microsoft's own public clients, that users sign in with and that are in every directory: the Azure CLI, Azure
/// PowerShell, Visual Studio and Visual Studio Code.
const PUBLIC_CLIENTS: [&str; 4] = [
    AZURE_CLI,
    "1950a258-227b-4e31-a9cf-717495945fc2",
    "872cd9fa-d31f-45e0-9eab-6e460a02d1f1",
    "aebc6443-996d-45c2-90f0-388ff96faa56",
];

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The application that asks.
pub(crate) struct Client {
    /// Its id: as registered, or in lower case.
    pub(crate) id: String,
    /// What it proved.
    pub(crate) proof: Proof,
    /// Its service principal; `None` for Microsoft's own public clients.
    pub(crate) principal: Option<Versioned<Principal>>,
}

impl Client {
    /// Refuses a client that proved nothing, for the grants that are for applications themselves.
    pub(crate) fn confidential(&self) -> Result<&Principal, ServiceError> {
        let proven = self.principal.as_deref().filter(|_| self.proof != Proof::None);
        proven.ok_or_else(|| {
            let text = "The form must carry 'client_secret' or 'client_assertion': with this grant an application proves \
                        itself.";
            ServiceError::new(&NO_CLIENT_PROOF, text)
        })
    }
}

impl Entra {
    /// The client that sent `form`, after its proof was checked where it sent one.
    pub(crate) fn client(&self, request: &Request, form: &Form) -> Result<Client, ServiceError> {
        let shown = Shown::of(request, form)?;
        let Some(principal) = self.principal_of_client(&shown.client_id) else {
            let client_id = shown.client_id.to_ascii_lowercase();
            return if PUBLIC_CLIENTS.contains(&client_id.as_str()) {
                Ok(Client { id: client_id, proof: Proof::None, principal: None })
            } else {
                Err(self.unknown(&shown.client_id))
            };
        };
        let PrincipalKind::ServicePrincipal { client_id, secrets, certificates, federated } = &principal.kind else {
            return Err(self.unknown(&shown.client_id));
        };
        if !principal.enabled {
            let text = format!("The application '{client_id}' ({}) is disabled.", principal.name);
            return Err(ServiceError::new(&APPLICATION_DISABLED, text));
        }
        let proof = match (&shown.secret, &shown.assertion) {
            (None, None) => Proof::None,
            (Some(secret), None) if secrecy::is_one_of(secrets, secret) => Proof::Secret,
            (Some(_), None) => {
                let text = format!(
                    "The client secret is not one of the application '{client_id}'. Send the secret's value, not its id."
                );
                return Err(ServiceError::new(&WRONG_SECRET, text));
            }
            (None, Some(assertion)) => {
                let court = Court { tenant: &self.estate.tenant, origin: &request.origin, now: self.ground.now() };
                let assertion = Assertion::read(assertion)?;
                if assertion.is_own(client_id) || federated.is_empty() && !certificates.is_empty() {
                    assertion.prove_own(client_id, certificates, &court)?;
                } else {
                    assertion.prove_federated(federated, &court)?;
                }
                Proof::Assertion
            }
            (Some(_), Some(_)) => {
                return Err(malformed(
                    "An application proves itself by a secret or by an assertion, not by both.".into(),
                ));
            }
        };
        Ok(Client { id: client_id.clone(), proof, principal: Some(principal.clone()) })
    }

    fn unknown(&self, client_id: &str) -> ServiceError {
        let client_id: String = client_id.chars().take(128).collect();
        let tenant = &self.estate.tenant;
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory '{}' ({}). Managed identities get \
             their tokens from the managed identity endpoint.",
            tenant.domain, tenant.id
        );
        ServiceError::new(&UNKNOWN_APPLICATION, text)
    }
}

/// What a client sent of itself.
struct Shown {
    client_id: String,
    secret: Option<String>,
    assertion: Option<String>,
}

impl Shown {
    fn of(request: &Request, form: &Form) -> Result<Self, ServiceError> {
        let assertion = match (form.get("client_assertion"), form.get("client_assertion_type")) {
            (None, _) => None,
            (Some(assertion), Some(JWT_BEARER)) => Some(assertion.to_owned()),
            (Some(_), Some(_)) => return Err(malformed(format!("The client_assertion_type must be {JWT_BEARER}."))),
            (Some(_), None) => return Err(missing("client_assertion_type")),
        };
        let secret = form.get("client_secret").map(str::to_owned);
        match (basic(request)?, form.get("client_id")) {
            (Some((client_id, basic)), None) if secret.is_none() => {
                Ok(Self { client_id, secret: Some(basic), assertion })
            }
            (Some((client_id, basic)), Some(again)) if secret.is_none() && again == client_id => {
                Ok(Self { client_id, secret: Some(basic), assertion })
            }
            (Some(_), _) => Err(malformed("The client names itself twice, in the header and in the form.".to_owned())),
            (None, Some(client_id)) => Ok(Self { client_id: client_id.to_owned(), secret, assertion }),
            (None, None) => Err(missing("client_id")),
        }
    }
}

/// The id and secret of an `Authorization: Basic` header; both are form-encoded within (RFC 6749, section 2.3.1).
fn basic(request: &Request) -> Result<Option<(String, String)>, ServiceError> {
    let Some((scheme, encoded)) = request.header("authorization").and_then(|value| value.split_once(' ')) else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let refuse = || malformed("The Authorization header is not a client id and secret in Basic form.".to_owned());
    let text = STANDARD.decode(encoded.trim()).map_err(|_| refuse())?;
    let text = String::from_utf8(text).map_err(|_| refuse())?;
    let (client_id, secret) = text.split_once(':').ok_or_else(refuse)?;
    Ok(Some((form_decoded(client_id), form_decoded(secret))))
}

fn form_decoded(text: &str) -> String {
    // As the value of a form of one parameter, so that an `=` or `&` that was not encoded stays what it is.
    let form = format!("value={}", text.replace('&', "%26"));
    form_urlencoded::parse(form.as_bytes()).map(|(_, value)| value.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{APP_CLIENT_ID, APP_SECRET, World, form_request};

    fn refusal(world: &World, body: &str) -> u32 {
        let request = form_request("/x", body);
        let form = Form::read(&request).unwrap();
        world.entra.client(&request, &form).err().unwrap().code.number
    }

    #[test]
    fn an_application_is_known_by_its_secret() {
        let world = World::new();
        let request = form_request("/x", &format!("client_id={APP_CLIENT_ID}&client_secret={APP_SECRET}"));
        let client = world.entra.client(&request, &Form::read(&request).unwrap()).ok().unwrap();
        assert_eq!(client.proof, Proof::Secret);
        assert_eq!(client.confidential().unwrap().name, "owner-app");
    }

    #[test]
    fn a_client_may_name_itself_in_the_header() {
        let world = World::new();
        let mut request = form_request("/x", "grant_type=client_credentials");
        let encoded = STANDARD.encode(format!("{APP_CLIENT_ID}:{APP_SECRET}"));
        request.headers.insert("authorization", format!("Basic {encoded}").parse().unwrap());
        let client = world.entra.client(&request, &Form::read(&request).unwrap()).ok().unwrap();
        assert_eq!((client.id.as_str(), client.proof), (APP_CLIENT_ID, Proof::Secret));
        request.headers.insert("authorization", "Basic !!".parse().unwrap());
        assert!(world.entra.client(&request, &Form::read(&request).unwrap()).is_err());
    }

    #[test]
    fn a_secret_in_the_header_is_read_whether_it_was_encoded_or_not() {
        assert_eq!(form_decoded("a%3Db%26c+d"), "a=b&c d");
        assert_eq!(form_decoded("a=b&c"), "a=b&c");
    }

    #[test]
    fn each_flaw_of_a_client_has_its_own_code() {
        let world = World::new();
        assert_eq!(refusal(&world, "grant_type=x"), 900_144);
        assert_eq!(refusal(&world, "client_id=unknown"), 700_016);
        assert_eq!(refusal(&world, &format!("client_id={APP_CLIENT_ID}&client_secret=wrong")), 7_000_215);
        assert_eq!(refusal(&world, &format!("client_id={APP_CLIENT_ID}&client_assertion=a.b.c")), 900_144);
        let typed = format!("client_id={APP_CLIENT_ID}&client_assertion=a.b.c&client_assertion_type=");
        assert_eq!(refusal(&world, &format!("{typed}saml")), 9_002_313);
        assert_eq!(refusal(&world, &format!("{typed}{JWT_BEARER}")), 50027);
        assert_eq!(refusal(&world, &format!("{typed}{JWT_BEARER}&client_secret={APP_SECRET}")), 9_002_313);
    }

    #[test]
    fn a_managed_identity_is_no_client_here() {
        let world = World::new();
        let identity = world.principal("contoso-workload").client_id().unwrap().to_owned();
        assert_eq!(refusal(&world, &format!("client_id={identity}&client_secret=x")), 700_016);
    }

    #[tokio::test]
    async fn a_disabled_application_is_refused_whatever_it_shows() {
        let world = World::new();
        world.disable("owner-app").await;
        assert_eq!(refusal(&world, &format!("client_id={APP_CLIENT_ID}&client_secret={APP_SECRET}")), 7_000_112);
    }

    #[test]
    fn the_azure_cli_is_in_every_directory() {
        let world = World::new();
        let request = form_request("/x", &format!("client_id={}", AZURE_CLI.to_uppercase()));
        let client = world.entra.client(&request, &Form::read(&request).unwrap()).ok().unwrap();
        assert_eq!(client.id, AZURE_CLI);
        assert_eq!(client.confidential().unwrap_err().code.number, 7_000_216);
    }
}
