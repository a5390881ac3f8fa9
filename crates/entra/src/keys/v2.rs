//! The key set under its v2.0 address.
//!
//! Source: RFC 7517, section 5; "Access tokens in the Microsoft identity platform", on signing keys.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::key_set;
use crate::Entra;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Keys_GetV2",
    method: Method::Get,
    path: "/{tenant}/discovery/v2.0/keys",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "whoever verifies a token needs the keys" },
    support: Support::Served,
    summary: "Tells the public keys that tokens are signed with.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let issuer = entra.estate.tenant.issuer_v2();
    key_set(entra, &request, Some(issuer)).await
}

#[cfg(test)]
mod tests {
    use iolite_kernel::SignedDuration;

    use super::*;
    use crate::testing::{TENANT_ID, World, json_of, request, signing_key};

    async fn keys(world: &World) -> Vec<serde_json::Value> {
        let mut request = request("/x");
        request.params.push(("tenant", "common".into()));
        let answer = run(&world.entra, world.permit(&OPERATION), request).await.unwrap();
        json_of(&answer)["keys"].as_array().unwrap().clone()
    }

    #[tokio::test]
    async fn a_key_is_told_with_all_that_verifying_needs() {
        let keys = keys(&World::new()).await;
        assert_eq!(keys.len(), 1);
        for field in ["kid", "x5t", "n", "e"] {
            assert!(keys[0][field].is_string(), "{field}");
        }
        assert_eq!((&keys[0]["kty"], &keys[0]["use"]), (&"RSA".into(), &"sig".into()));
        assert_eq!(keys[0]["issuer"], format!("https://login.microsoftonline.com/{TENANT_ID}/v2.0"));
    }

    #[tokio::test]
    async fn both_keys_are_told_while_a_rotation_overlaps() {
        let world = World::new();
        let before = keys(&world).await[0]["kid"].clone();
        world.entra.ring.rotate(signing_key(1), SignedDuration::from_hours(1));
        let during = keys(&world).await;
        assert_eq!(during.len(), 2);
        assert_eq!(during[1]["kid"], before);
        world.clock.advance(SignedDuration::from_hours(2));
        assert_eq!(keys(&world).await.len(), 1);
    }
}
