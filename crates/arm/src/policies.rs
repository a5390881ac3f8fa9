//! Shared access policies in the bodies of hubs and provisioning services: read, checked, merged with those that stand,
//! and written.
//!
//! Source: `SharedAccessSignatureAuthorizationRule` of the two ARM specifications. What a policy that comes without keys
//! gets is not documented: here one that stands keeps its keys, and a new one gets fresh ones. A key sent as an empty
//! text asks for a fresh one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Entropy, Right, Rights, Secret, ServiceError};
use iolite_resources::SharedAccessPolicy;
use serde_json::{Value, json};

use crate::errors::{ARGUMENT_INVALID, ARGUMENT_NULL};
use crate::fields::Fields;

/// How many bytes the service's own keys have.
const KEY_BYTES: usize = 32;
/// Source: the identity registry's and policies' own limits, which allow keys of one's own.
const KEY_BYTES_ALLOWED: std::ops::RangeInclusive<usize> = 16..=64;

/// What may be in the policies of one kind of resource.
pub struct PolicyRules {
    /// The rights the kind knows.
    pub rights: &'static [Right],
    /// How many policies there may be.
    pub(crate) most: usize,
    /// How many of them may have `ServiceConnect`.
    pub(crate) most_with_service_connect: usize,
}

impl PolicyRules {
    /// Whether a policy may have `rights`: one at least, and none that the kind does not know.
    #[must_use]
    pub fn takes(&self, rights: Rights) -> bool {
        let known = Rights::of(self.rights);
        rights != Rights::default()
            && Right::ALL.into_iter().all(|right| known.contains(right) || !rights.contains(right))
    }
}

/// Whether `text` can name a policy: 1 to 64 letters, digits, `-`, `.` and `_`.
#[must_use]
pub fn is_policy_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Whether `text` can be a policy's key: 16 to 64 bytes in base64.
#[must_use]
pub fn is_policy_key(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| KEY_BYTES_ALLOWED.contains(&bytes.len()))
}

/// Hubs: 16 policies, 10 of them with `ServiceConnect` (the limits page of the control-access article).
pub const HUB_POLICIES: PolicyRules = PolicyRules {
    rights: &[Right::RegistryRead, Right::RegistryWrite, Right::ServiceConnect, Right::DeviceConnect],
    most: 16,
    most_with_service_connect: 10,
};

/// Provisioning services.
pub const PROVISIONING_POLICIES: PolicyRules = PolicyRules {
    rights: &[
        Right::ServiceConfig,
        Right::EnrollmentRead,
        Right::EnrollmentWrite,
        Right::DeviceConnect,
        Right::RegistrationStatusRead,
        Right::RegistrationStatusWrite,
    ],
    most: 16,
    most_with_service_connect: 16,
};

/// A policy as a body asks for it.
#[derive(Debug, Clone)]
pub(crate) struct PolicyChange {
    key_name: String,
    primary: KeyChange,
    secondary: KeyChange,
    rights: Rights,
}

#[derive(Debug, Clone)]
enum KeyChange {
    /// The key that stands, or a fresh one where none does.
    Keep,
    /// A fresh one.
    Renew,
    /// This one.
    Set(Secret),
}

/// Reads `authorizationPolicies`; `None` where the body does not speak of them.
pub(crate) fn read(properties: &mut Fields, rules: &PolicyRules) -> Result<Option<Vec<PolicyChange>>, ServiceError> {
    let Some(items) = properties.items("authorizationPolicies")? else { return Ok(None) };
    let policies: Vec<PolicyChange> = items.into_iter().map(|item| read_one(item, rules)).collect::<Result<_, _>>()?;
    let with_connect = policies.iter().filter(|policy| policy.rights.contains(Right::ServiceConnect)).count();
    if policies.len() > rules.most || with_connect > rules.most_with_service_connect {
        return Err(invalid(format!(
            "There can be {} shared access policies, {} of them with ServiceConnect.",
            rules.most, rules.most_with_service_connect
        )));
    }
    let twice = policies
        .iter()
        .enumerate()
        .find(|(at, policy)| policies[..*at].iter().any(|other| other.key_name.eq_ignore_ascii_case(&policy.key_name)));
    match twice {
        Some((_, policy)) => Err(invalid(format!("The shared access policy '{}' is there twice.", policy.key_name))),
        None => Ok(Some(policies)),
    }
}

/// The policies that come of a body's, given those that stand.
pub(crate) fn apply(
    changes: &[PolicyChange],
    standing: &[SharedAccessPolicy],
    entropy: &dyn Entropy,
) -> Vec<SharedAccessPolicy> {
    let decide = |change: &KeyChange, stands: Option<&Secret>| match (change, stands) {
        (KeyChange::Set(key), _) | (KeyChange::Keep, Some(key)) => key.clone(),
        (KeyChange::Keep, None) | (KeyChange::Renew, _) => Secret::new(entropy.key(KEY_BYTES)),
    };
    changes
        .iter()
        .map(|change| {
            let stands = standing.iter().find(|policy| policy.key_name == change.key_name);
            SharedAccessPolicy {
                key_name: change.key_name.clone(),
                primary_key: decide(&change.primary, stands.map(|policy| &policy.primary_key)),
                secondary_key: decide(&change.secondary, stands.map(|policy| &policy.secondary_key)),
                rights: change.rights,
            }
        })
        .collect()
}

/// A policy with fresh keys.
pub(crate) fn fresh(key_name: &str, rights: &[Right], entropy: &dyn Entropy) -> SharedAccessPolicy {
    SharedAccessPolicy {
        key_name: key_name.to_owned(),
        primary_key: Secret::new(entropy.key(KEY_BYTES)),
        secondary_key: Secret::new(entropy.key(KEY_BYTES)),
        rights: Rights::of(rights),
    }
}

/// A policy as `listkeys` writes it, keys and all.
pub(crate) fn document(policy: &SharedAccessPolicy) -> Value {
    json!({
        "keyName": policy.key_name,
        "primaryKey": policy.primary_key.reveal(),
        "secondaryKey": policy.secondary_key.reveal(),
        "rights": policy.rights.to_string(),
    })
}

fn read_one(mut item: Fields, rules: &PolicyRules) -> Result<PolicyChange, ServiceError> {
    let missing = |item: &Fields, name| ServiceError::new(&ARGUMENT_NULL, format!("'{}' is missing.", item.path(name)));
    let key_name = item.text("keyName")?.ok_or_else(|| missing(&item, "keyName"))?;
    if !is_policy_name(&key_name) {
        return Err(invalid(format!(
            "'{key_name}' cannot name a shared access policy: 1 to 64 letters, digits, '-', '.' and '_' can."
        )));
    }
    let text = item.text("rights")?.ok_or_else(|| missing(&item, "rights"))?;
    let rights: Rights = text
        .parse()
        .map_err(|_| invalid(format!("The rights '{text}' of the policy '{key_name}' are not all known.")))?;
    if !rules.takes(rights) {
        return Err(invalid(format!(
            "The rights '{text}' of the policy '{key_name}' are not rights of this resource."
        )));
    }
    let primary = read_key(&mut item, "primaryKey", &key_name)?;
    let secondary = read_key(&mut item, "secondaryKey", &key_name)?;
    Ok(PolicyChange { key_name, primary, secondary, rights })
}

fn read_key(item: &mut Fields, name: &str, policy: &str) -> Result<KeyChange, ServiceError> {
    let Some(text) = item.text(name)? else { return Ok(KeyChange::Keep) };
    if text.is_empty() {
        return Ok(KeyChange::Renew);
    }
    if !is_policy_key(&text) {
        return Err(invalid(format!("The {name} of the policy '{policy}' is not 16 to 64 bytes in base64.")));
    }
    Ok(KeyChange::Set(Secret::new(text)))
}

fn invalid(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&ARGUMENT_INVALID, text)
}
