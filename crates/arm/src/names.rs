//! The rules for resources' names, and the ids made of them.

use iolite_kernel::{ResourceId, Scope};
use iolite_resources::ResourceGroup;

/// A hub's name: 3 to 50 letters, digits and inner hyphens.
pub(crate) fn is_hub_name(name: &str) -> bool {
    is_host_label(name, 3..=50)
}

/// A provisioning service's name: 3 to 64 letters, digits and inner hyphens.
pub(crate) fn is_provisioning_service_name(name: &str) -> bool {
    is_host_label(name, 3..=64)
}

/// A Digital Twins instance's name: 3 to 63 letters, digits and inner hyphens, by the pattern of its specification.
pub(crate) fn is_twins_instance_name(name: &str) -> bool {
    is_host_label(name, 3..=63)
}

/// A resource group's name: 1 to 90 letters, digits and `-_.()`, not ending in a full stop.
pub(crate) fn is_group_name(name: &str) -> bool {
    (1..=90).contains(&name.chars().count())
        && !name.ends_with('.')
        && name.chars().all(|letter| letter.is_alphanumeric() || "-_.()".contains(letter))
}

/// The id of a resource of `kind` in `group`.
pub(crate) fn resource_id(group: &ResourceGroup, kind: &str, name: &str) -> ResourceId {
    let subscription = group.id.subscription_id().unwrap_or_default();
    Scope::resource(subscription, group.id.name(), kind, name)
}

fn is_host_label(name: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_host_names() {
        assert!(is_hub_name("contoso-hub") && is_hub_name("123"));
        for name in ["ab", "-ab", "ab-", "a.b", "ä-hub", ""] {
            assert!(!is_hub_name(name), "{name}");
        }
        assert!(is_provisioning_service_name(&"a".repeat(64)) && !is_twins_instance_name(&"a".repeat(64)));
    }

    #[test]
    fn groups_have_rules_of_their_own() {
        assert!(is_group_name("rg_1.(test)") && is_group_name("ä"));
        for name in ["", "a.", "a b", "a/b"] {
            assert!(!is_group_name(name), "{name}");
        }
    }
}
