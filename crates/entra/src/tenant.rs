//! The first segment of every path: which authority a client talks to. There is one directory; `common` and
//! `organizations` stand for it as they do for any, and `adfs` is the name under which SDKs skip instance discovery.

use iolite_kernel::{ErrorCode, ServiceError};
use iolite_resources::Tenant;

/// An authority that this issuer answers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authority {
    /// The directory, by its id or its domain.
    Directory,
    /// Any directory, and personal accounts.
    Common,
    /// Any directory.
    Organizations,
    /// Active Directory Federation Services, which SDKs believe without asking Microsoft.
    Adfs,
}

impl Authority {
    /// The authority that `segment` names, or a refusal by `unknown`.
    pub(crate) fn of(tenant: &Tenant, segment: &str, unknown: &'static ErrorCode) -> Result<Self, ServiceError> {
        let is = |name: &str| segment.eq_ignore_ascii_case(name);
        if is(&tenant.id) || is(&tenant.domain) {
            Ok(Self::Directory)
        } else if is("common") {
            Ok(Self::Common)
        } else if is("organizations") {
            Ok(Self::Organizations)
        } else if is("adfs") {
            Ok(Self::Adfs)
        } else {
            let segment: String = segment.chars().take(128).collect();
            let text = format!(
                "Tenant '{segment}' is not the directory of this emulator, which is '{}' ({}).",
                tenant.id, tenant.domain
            );
            Err(ServiceError::new(unknown, text))
        }
    }

    /// The segment that addresses in answers carry: the id, where the directory was meant.
    pub(crate) fn segment(self, tenant: &Tenant) -> &str {
        match self {
            Self::Directory => &tenant.id,
            Self::Common => "common",
            Self::Organizations => "organizations",
            Self::Adfs => "adfs",
        }
    }

    /// Every segment that names an authority of this issuer.
    pub(crate) fn segments(tenant: &Tenant) -> [&str; 5] {
        [&tenant.id, &tenant.domain, "common", "organizations", "adfs"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::UNKNOWN_TENANT;
    use crate::testing::{TENANT_ID, tenant};

    #[test]
    fn the_directory_goes_by_its_id_and_its_domain() {
        for segment in [TENANT_ID, &TENANT_ID.to_uppercase(), "contoso.example"] {
            assert_eq!(Authority::of(&tenant(), segment, &UNKNOWN_TENANT).unwrap(), Authority::Directory);
        }
        assert_eq!(Authority::of(&tenant(), "adfs", &UNKNOWN_TENANT).unwrap(), Authority::Adfs);
    }

    #[test]
    fn another_tenant_is_refused_by_name() {
        let refusal = Authority::of(&tenant(), "fabrikam.example", &UNKNOWN_TENANT).unwrap_err();
        assert_eq!(refusal.code.number, 90002);
        assert!(refusal.message.contains("fabrikam.example"));
    }
}
