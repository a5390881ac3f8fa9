//! What a world's principals must hold to.

use iolite_entra::{is_certificate, is_public_key};

use super::super::file::{FederatedEntry, PrincipalEntry, PrincipalEntryKind, RoleEntry};
use super::{Checker, WorldError};

impl Checker<'_> {
    pub(super) fn principals(&self) -> Result<(), WorldError> {
        self.unique("principals", self.world.principals.iter().map(|principal| principal.name.as_str()))?;
        for (index, principal) in self.world.principals.iter().enumerate() {
            self.principal(&format!("principals[{index}] ({})", principal.name), principal)?;
        }
        let people = &self.world.principals;
        let identities = || self.world.provisioning_services.iter().filter_map(|service| service.identity.as_ref());
        let object_ids = people.iter().filter_map(|entry| entry.object_id.as_deref());
        self.unique("object_id", object_ids.chain(identities().map(|entry| entry.object_id.as_str())))?;
        let client_ids = people.iter().filter_map(|entry| entry.client_id.as_deref());
        self.unique("client_id", client_ids.chain(identities().map(|entry| entry.client_id.as_str())))?;
        self.unique("user_name", people.iter().filter_map(|entry| entry.user_name.as_deref()))
    }

    fn principal(&self, at: &str, principal: &PrincipalEntry) -> Result<(), WorldError> {
        for (field, id) in [("object_id", &principal.object_id), ("client_id", &principal.client_id)] {
            if let Some(id) = id {
                self.guid(format!("{at}.{field}"), id)?;
            }
        }
        let missing = match principal.kind {
            PrincipalEntryKind::User if principal.user_name.is_none() => Some("user_name"),
            PrincipalEntryKind::User if principal.password.is_none() => Some("password"),
            PrincipalEntryKind::ManagedIdentity if principal.resource_group.is_none() => Some("resource_group"),
            _ => None,
        };
        if let Some(field) = missing {
            return self.wrong(format!("{at}.{field}"), "is missing", "this kind of principal needs it");
        }
        if let Some((field, kind)) = misplaced(principal) {
            let problem = format!("is only for {kind}");
            return self.wrong(format!("{at}.{field}"), problem, "leave it out, or change the principal's kind");
        }
        if let Some(group) = &principal.resource_group {
            self.group(at, group)?;
        }
        for member in &principal.members {
            if !self.world.principals.iter().any(|known| known.name.eq_ignore_ascii_case(member)) {
                let problem = format!("there is no principal `{member}`");
                return self.wrong(format!("{at}.members"), problem, "name members by their `name` in this file");
            }
        }
        self.application_keys(at, principal)?;
        for (index, role) in principal.roles.iter().enumerate() {
            self.role(&format!("{at}.roles[{index}]"), role)?;
        }
        Ok(())
    }

    /// What an application proves itself with must be readable, or it could never sign in.
    fn application_keys(&self, at: &str, principal: &PrincipalEntry) -> Result<(), WorldError> {
        if let Some(index) = principal.certificates.iter().position(|pem| !is_certificate(pem)) {
            let at = format!("{at}.certificates[{index}]");
            return self.wrong(at, "is no certificate", "give the text of a PEM block CERTIFICATE");
        }
        let unreadable = |entry: &FederatedEntry| !is_public_key(&entry.public_key_pem);
        if let Some(index) = principal.federated_credentials.iter().position(unreadable) {
            let at = format!("{at}.federated_credentials[{index}].public_key_pem");
            return self.wrong(at, "is no public key", "give the text of a PEM block PUBLIC KEY");
        }
        Ok(())
    }

    fn role(&self, at: &str, role: &RoleEntry) -> Result<(), WorldError> {
        let scope = self.scope(&format!("{at}.scope"), &role.scope)?;
        if !self.knows_role(&role.role) {
            let problem = format!("there is no role `{}`", role.role);
            let remedy = "`iolite roles` lists the built-in ones by name; add a [[custom_roles]] for one of your own";
            return self.wrong(format!("{at}.role"), problem, remedy);
        }
        if !self.is_assignable(&role.role, &scope) {
            let problem = format!("the role `{}` cannot be assigned at {scope}", role.role);
            let remedy = "add a scope that covers it to the role's assignable_scopes, or assign it below one of them";
            return self.wrong(format!("{at}.scope"), problem, remedy);
        }
        Ok(())
    }
}

/// A field that is given and means nothing to the principal's kind, and the kind that it is for.
fn misplaced(principal: &PrincipalEntry) -> Option<(&'static str, &'static str)> {
    use PrincipalEntryKind::{Group, ManagedIdentity, ServicePrincipal, User};
    let given: [(&str, bool, &[PrincipalEntryKind], &str); 8] = [
        (
            "client_id",
            principal.client_id.is_some(),
            &[ServicePrincipal, ManagedIdentity],
            "applications and identities",
        ),
        ("client_secret", principal.client_secret.is_some(), &[ServicePrincipal], "service principals"),
        ("certificates", !principal.certificates.is_empty(), &[ServicePrincipal], "service principals"),
        (
            "federated_credentials",
            !principal.federated_credentials.is_empty(),
            &[ServicePrincipal],
            "service principals",
        ),
        ("user_name", principal.user_name.is_some(), &[User], "users"),
        ("password", principal.password.is_some(), &[User], "users"),
        ("members", !principal.members.is_empty(), &[Group], "groups"),
        ("resource_group", principal.resource_group.is_some(), &[ManagedIdentity], "managed identities"),
    ];
    let wrong = given.into_iter().find(|(_, is_given, kinds, _)| *is_given && !kinds.contains(&principal.kind));
    wrong.map(|(field, _, _, kind)| (field, kind))
}
