//! Where a role can be assigned and what it reaches: management group, subscription, resource group, resource.
//!
//! Azure compares every segment without case; so does this.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A scope: the root `/`, a management group, a subscription, a resource group or a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Arc<str>);

/// The full id of one resource, itself the narrowest [`Scope`] that is supported.
pub type ResourceId = Scope;

/// The longest scope, in bytes.
const LONGEST: usize = 2048;

/// A text that is no scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeError(pub String);

impl fmt::Display for ScopeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "`{}` is not a scope: expected /, /providers/Microsoft.Management/managementGroups/NAME, \
             /subscriptions/ID, /subscriptions/ID/resourceGroups/NAME or a resource id below it",
            self.0
        )
    }
}

impl std::error::Error for ScopeError {}

impl Scope {
    /// Reads a scope; a trailing slash is dropped. One of more than 2 KiB is refused: Azure's limits on names add up to less,
    /// and scopes out of requests are remembered.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let trimmed = text.trim_end_matches('/');
        if trimmed.is_empty() && text.starts_with('/') {
            return Ok(Self::root());
        }
        let refuse = || ScopeError(text.chars().take(200).collect());
        if trimmed.len() > LONGEST {
            return Err(refuse());
        }
        let mut segments = trimmed.strip_prefix('/').ok_or_else(refuse)?.split('/');
        if segments.clone().any(str::is_empty) {
            return Err(refuse());
        }
        let rest = segments.clone().count();
        let known = match segments.next() {
            Some(first) if first.eq_ignore_ascii_case("subscriptions") => {
                let third = segments.nth(1);
                match rest {
                    2 => true,
                    3 => false,
                    _ => third.is_some_and(|word| {
                        word.eq_ignore_ascii_case("resourceGroups") || word.eq_ignore_ascii_case("providers")
                    }),
                }
            }
            Some(first) if first.eq_ignore_ascii_case("providers") => {
                rest == 4
                    && segments.next().is_some_and(|word| word.eq_ignore_ascii_case("Microsoft.Management"))
                    && segments.next().is_some_and(|word| word.eq_ignore_ascii_case("managementGroups"))
            }
            _ => false,
        };
        if known { Ok(Self(trimmed.into())) } else { Err(refuse()) }
    }

    /// The root, above everything of the tenant.
    #[must_use]
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The scope of a subscription.
    #[must_use]
    pub fn subscription(id: &str) -> Self {
        Self(format!("/subscriptions/{id}").into())
    }

    /// The scope of a resource group.
    #[must_use]
    pub fn resource_group(subscription: &str, group: &str) -> Self {
        Self(format!("/subscriptions/{subscription}/resourceGroups/{group}").into())
    }

    /// The scope of a management group.
    #[must_use]
    pub fn management_group(name: &str) -> Self {
        Self(format!("/providers/Microsoft.Management/managementGroups/{name}").into())
    }

    /// The id of a resource; `kind` is `Microsoft.Devices/IotHubs` and the like.
    #[must_use]
    pub fn resource(subscription: &str, group: &str, kind: &str, name: &str) -> Self {
        Self(format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}").into())
    }

    /// The scope as text, in the case it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this scope is `other` or holds it by name. Management groups hold subscriptions by the world's own
    /// arrangement, which is not in the name: see `iolite-resources`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if self.as_str() == "/" {
            return true;
        }
        let (mine, theirs) = (self.0.as_bytes(), other.0.as_bytes());
        theirs.len() >= mine.len()
            && theirs[..mine.len()].eq_ignore_ascii_case(mine)
            && matches!(theirs.get(mine.len()), None | Some(b'/'))
    }

    /// The scope one level up that a role can be assigned at: resource → group → subscription; a subscription's own
    /// parent is the world's to tell.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let segments: Vec<&str> = self.0.split('/').collect();
        match segments.len() {
            0..=3 => None,
            5 => Some(Self(segments[..3].join("/").into())),
            length if length > 5 && segments[3].eq_ignore_ascii_case("resourceGroups") => {
                Some(Self(segments[..5].join("/").into()))
            }
            _ if segments[1].eq_ignore_ascii_case("subscriptions") => Some(Self(segments[..3].join("/").into())),
            _ => None,
        }
    }

    /// The subscription's id, where the scope is in one.
    #[must_use]
    pub fn subscription_id(&self) -> Option<&str> {
        let mut segments = self.0.split('/').skip(1);
        segments.next().filter(|word| word.eq_ignore_ascii_case("subscriptions"))?;
        segments.next()
    }

    /// The resource group's name, where the scope is in one.
    #[must_use]
    pub fn group_name(&self) -> Option<&str> {
        let mut segments = self.0.split('/').skip(3);
        segments.next().filter(|word| word.eq_ignore_ascii_case("resourceGroups"))?;
        segments.next()
    }

    /// The last segment: a resource's, group's or subscription's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        // From the end: a name is short, and an id is long.
        self.0.bytes().rposition(|byte| byte == b'/').map_or(&*self.0, |slash| &self.0[slash + 1..])
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Scope {}

impl Hash for Scope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Equal scopes end in the same name, whatever its case, and few that are not equal do.
        state.write_usize(self.0.len());
        let mut room = [0; 32];
        for piece in self.name().as_bytes().chunks(room.len()) {
            let lower = &mut room[..piece.len()];
            lower.copy_from_slice(piece);
            lower.make_ascii_lowercase();
            state.write(lower);
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        Self::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_itself_and_what_is_below_it_by_whole_segment() {
        let group = Scope::resource_group("s", "contoso");
        let hub = Scope::resource("s", "Contoso", "Microsoft.Devices/IotHubs", "h");
        let other = Scope::resource("s", "contoso-2", "Microsoft.Devices/IotHubs", "h");
        assert!(group.covers(&hub) && group.covers(&group));
        assert!(!group.covers(&other));
        assert!(!hub.covers(&group));
        assert!(Scope::parse("/").unwrap().covers(&hub));
    }

    #[test]
    fn parents_lead_up_to_the_subscription() {
        let hub = Scope::resource("s", "g", "Microsoft.Devices/IotHubs", "h");
        let group = hub.parent().unwrap();
        assert_eq!(group, Scope::resource_group("s", "g"));
        assert_eq!(group.parent().unwrap(), Scope::subscription("s"));
        assert_eq!(Scope::subscription("s").parent(), None);
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for text in
            ["", "contoso", "/tenants/x", "/subscriptions", "/subscriptions/a//b", "/subscriptions/a/resourceGroups"]
        {
            assert!(Scope::parse(text).is_err(), "{text}");
        }
        assert!(Scope::parse(&format!("/subscriptions/{}", "a".repeat(60_000))).is_err());
        assert!(Scope::parse("/providers/Microsoft.Management/managementGroups/root/").is_ok());
    }
}
