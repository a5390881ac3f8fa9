//! A small world for the unit tests of this crate: one application, two users, a group and managed identities.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use iolite_access::Permit;
use iolite_identity::{Caller, KeyRing, SigningKey};
use iolite_kernel::{
    Answer, Body, Ground, Operation, Request, ResourceId, Scope, Secret, ServiceError, SteerableClock, SystemEntropy,
    Timestamp, Uuid,
};
use iolite_resources::{
    ApplicationCertificate, Cloud, Estate, FederatedCredential, ManagedIdentityKind, Principal, PrincipalKind, Tenant,
};
use iolite_store::{Store, StoreError, Versioned};
use serde_json::Value;

use crate::certificate::Algorithm;
use crate::{Entra, EntraSettings};

pub(crate) const TENANT_ID: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const APP_CLIENT_ID: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const APP_SECRET: &str = "an-open-secret";
pub(crate) const PASSWORD: &str = "operators-password";
pub(crate) const IDENTITY_HEADER: &str = "identity-header";
pub(crate) const NOW: i64 = 1_795_309_968;

/// The certificate of the application.
pub(crate) static CERTIFICATE: LazyLock<Signer> = LazyLock::new(Signer::new);
/// The outside issuer that the application trusts.
pub(crate) static FEDERATION: LazyLock<Signer> = LazyLock::new(Signer::new);
static SIGNING: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| [0, 1].map(|_| SigningKey::generate().unwrap().to_pkcs8().unwrap()));

/// One of two keys of the issuer.
pub(crate) fn signing_key(index: usize) -> SigningKey {
    SigningKey::from_pkcs8(&SIGNING[index]).unwrap()
}

/// A key with a certificate.
pub(crate) struct Signer {
    pair: KeyPair,
    pub(crate) pem: String,
}

impl Signer {
    fn new() -> Self {
        Self::valid_until(4000)
    }

    /// A signer whose certificate ends with the year before `year`.
    pub(crate) fn valid_until(year: i32) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let pem = block("PRIVATE KEY", der.as_ref());
        let key = rcgen::KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &rcgen::PKCS_RSA_SHA256).unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { pair, pem }
    }

    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let encoding: &'static dyn aws_lc_rs::signature::RsaEncoding = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_SHA256,
            Algorithm::Ps256 => &RSA_PSS_SHA256,
        };
        self.pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }

    /// The public key as a `PUBLIC KEY` block.
    pub(crate) fn public_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().unwrap();
        block("PUBLIC KEY", der.as_ref())
    }

    /// A signed token.
    pub(crate) fn token(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.sign(algorithm, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn block(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

pub(crate) fn tenant() -> Tenant {
    Tenant {
        id: TENANT_ID.to_owned(),
        domain: "contoso.example".to_owned(),
        cloud: Cloud::Public,
        token_lifetime_seconds: 3600,
        propagation_delay_seconds: 0,
    }
}

pub(crate) struct World {
    pub(crate) entra: Entra,
    pub(crate) clock: Arc<SteerableClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(SteerableClock::frozen_at(iolite_kernel::Timestamp::from_second(NOW).unwrap()));
        let ground = Ground { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        let ring = Arc::new(KeyRing::new(ground.clone()));
        ring.install(signing_key(0));
        let settings = EntraSettings { identity_header: Secret::new(IDENTITY_HEADER), default_managed_identity: None };
        let entra = Entra::new(Estate::new(Store::memory(), tenant()), ground, ring, settings);
        let world = Self { entra, clock };
        for principal in directory() {
            world.put_at_once(principal);
        }
        world
    }

    pub(crate) fn now(&self) -> i64 {
        self.entra.ground.now().as_second()
    }

    pub(crate) fn principal(&self, name: &str) -> Versioned<Principal> {
        self.entra.estate.principal_named(name).unwrap()
    }

    pub(crate) async fn put(&self, principal: Principal) {
        let table = &self.entra.estate.principals;
        let stored: Result<(), StoreError> = self
            .entra
            .estate
            .store
            .transact(|change| {
                change.put(table, &principal.object_id.to_lowercase(), principal.clone());
                Ok(())
            })
            .await;
        stored.unwrap();
    }

    /// For tests that do not run on tokio.
    pub(crate) fn put_at_once(&self, principal: Principal) {
        std::thread::scope(|scope| {
            scope
                .spawn(|| tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(self.put(principal)));
        });
    }

    pub(crate) async fn change(&self, name: &str, change: impl FnOnce(&mut Principal)) {
        let mut principal = Principal::clone(&self.principal(name));
        change(&mut principal);
        self.put(principal).await;
    }

    pub(crate) async fn disable(&self, name: &str) {
        self.change(name, |principal| principal.enabled = false).await;
    }

    pub(crate) async fn add_group(&self, name: &str, members: &[&str]) {
        let members = members.iter().map(|member| self.principal(member).object_id.clone()).collect();
        let object_id = self.entra.ground.uuid().to_string();
        let kind = PrincipalKind::Group { members };
        self.put(Principal { object_id, name: name.to_owned(), enabled: true, kind }).await;
    }

    pub(crate) fn permit(&self, operation: &'static Operation) -> Permit {
        Permit::for_tests(Arc::new(Caller::Anonymous), operation, Scope::root(), self.entra.ground.uuid())
    }

    /// Whether one of the issuer's keys signed `token`.
    pub(crate) fn verifies(&self, token: &str) -> bool {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        self.entra.ring.public_keys().iter().any(|key| key.verifies(signed.as_bytes(), &signature))
    }
}

fn directory() -> Vec<Principal> {
    let principal = |object_id: &str, name: &str, kind| Principal {
        object_id: object_id.to_owned(),
        name: name.to_owned(),
        enabled: true,
        kind,
    };
    let user = |name: &str| PrincipalKind::User {
        user_name: format!("{name}@contoso.example"),
        password: Secret::new(PASSWORD),
    };
    let identity = |client_id: &str, owner| PrincipalKind::ManagedIdentity { client_id: client_id.to_owned(), owner };
    let resource = |kind: &str, name: &str| ResourceId::resource("sub", "contoso", kind, name);
    let operator = "33333333-3333-4333-8333-333333333333";
    vec![
        principal(
            "44444444-4444-4444-8444-444444444444",
            "owner-app",
            PrincipalKind::ServicePrincipal {
                client_id: APP_CLIENT_ID.to_owned(),
                secrets: vec![Secret::new("another"), Secret::new(APP_SECRET)],
                certificates: vec![ApplicationCertificate { pem: CERTIFICATE.pem.clone() }],
                federated: vec![FederatedCredential {
                    issuer: "https://cluster.example/".to_owned(),
                    subject: "system:serviceaccount:ns:app".to_owned(),
                    audience: "api://AzureADTokenExchange".to_owned(),
                    public_key_pem: FEDERATION.public_pem(),
                }],
            },
        ),
        principal(operator, "operator", user("operator")),
        principal(
            "55555555-5555-4555-8555-555555555555",
            "operators",
            PrincipalKind::Group { members: vec![operator.to_owned()] },
        ),
        principal(
            "66666666-6666-4666-8666-666666666666",
            "contoso-workload",
            identity(
                "77777777-7777-4777-8777-777777777777",
                ManagedIdentityKind::UserAssigned(resource(
                    "Microsoft.ManagedIdentity/userAssignedIdentities",
                    "contoso-workload",
                )),
            ),
        ),
        principal(
            "00000000-0000-4000-8000-000000000000",
            "contoso-dps",
            identity(
                "88888888-8888-4888-8888-888888888888",
                ManagedIdentityKind::SystemAssigned(resource("Microsoft.Devices/provisioningServices", "contoso-dps")),
            ),
        ),
    ]
}

/// A request without a body.
pub(crate) fn request(target: &str) -> Request {
    let mut request = Request::new(Uuid::nil(), Timestamp::UNIX_EPOCH, target);
    request.origin = "https://localhost:8443".into();
    request
}

/// A request with a form.
pub(crate) fn form_request(target: &str, form: &str) -> Request {
    let mut request = request(target);
    request.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    request.body = form.to_owned().into();
    request
}

/// `pairs` as a form.
pub(crate) fn form_of(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(crate) fn json_of(answer: &Answer) -> Value {
    match &answer.body {
        Body::Json(bytes) => serde_json::from_slice(bytes).unwrap(),
        other => panic!("not JSON: {other:?}"),
    }
}

/// The body of a refusal that brings its own.
pub(crate) fn body_of(error: &ServiceError) -> Value {
    serde_json::from_str(error.body.as_deref().unwrap()).unwrap()
}

/// The claims of a token, unverified.
pub(crate) fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}
