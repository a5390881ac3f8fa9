//! Signing in by SASL: a token as a PLAIN password, or nothing that counts yet.

use iolite_identity::Credential;
use iolite_kernel::Secret;
use iolite_messaging::{Audience, SignInError, TokenGrant, bare_host};

use super::Conversation;
use super::address::Address;
use super::tokens::Token;
use crate::codec::SaslInit;
use crate::sasl::{SaslCode, Shown};

/// Who a PLAIN user name names.
#[derive(Debug, PartialEq, Eq)]
enum User {
    /// `{policy}@sas.root.{hub}`.
    Policy { hub: String },
    /// `{device}[/{module}]@sas.{hub}`: what of the hub it speaks for.
    Device { hub: String, path: String },
    /// `{idScope}/registrations/{id}`: a device of the Device Provisioning Service.
    Registrant,
}

impl User {
    fn read(user: &str) -> Option<Self> {
        if Address::read(user) == Address::Provisioning {
            return Some(Self::Registrant);
        }
        let (name, rest) = user.rsplit_once("@sas.")?;
        if let Some(hub) = rest.strip_prefix("root.") {
            return (!name.is_empty()).then(|| Self::Policy { hub: hub.to_owned() });
        }
        let path = match name.split_once('/') {
            Some((device, module)) => format!("devices/{device}/modules/{module}"),
            None => format!("devices/{name}"),
        };
        (!name.is_empty()).then(|| Self::Device { hub: rest.to_owned(), path })
    }
}

impl Conversation {
    pub(super) fn on_sasl(&mut self, init: &SaslInit) {
        match Shown::read(init) {
            None => self.engine.sasl_outcome(SaslCode::Auth),
            Some(Shown::Nothing) => self.engine.sasl_outcome(SaslCode::Ok),
            Some(Shown::Certificate) => {
                let code = if self.arrival.certificate.is_some() { SaslCode::Ok } else { SaslCode::Auth };
                self.engine.sasl_outcome(code);
            }
            Some(Shown::Plain { user, password }) => self.on_plain(init, &user, &password),
        }
    }

    fn on_plain(&mut self, init: &SaslInit, user: &str, password: &Secret) {
        // The name says the hub without its domain: the host that was dialled says more.
        let host = |hub: String| {
            let named = init.hostname.as_deref().map(bare_host).filter(|host| !host.is_empty());
            let dialled = Some(self.arrival.host.clone()).filter(|host| !host.is_empty());
            dialled.or(named).unwrap_or_else(|| bare_host(&hub))
        };
        let audience = match User::read(user) {
            None => return self.engine.sasl_outcome(SaslCode::Auth),
            // Nobody was believed; its link is refused by name.
            Some(User::Registrant) => return self.engine.sasl_outcome(SaslCode::Ok),
            Some(User::Policy { hub }) => host(hub),
            Some(User::Device { hub, path }) => format!("{}/{path}", host(hub)),
        };
        let credential = Credential::from_authorization(Some(password.reveal()));
        if !matches!(credential, Credential::SharedAccessSignature(_)) {
            return self.engine.sasl_outcome(SaslCode::Auth);
        }
        let (door, arrival) = (self.surroundings.services.clone(), self.arrival.clone());
        self.jobs.begin(async move {
            let judged = door.check_token(&arrival, &audience, &credential).await;
            move |conversation: &mut Self| conversation.on_plain_judged(&audience, credential, judged)
        });
    }

    fn on_plain_judged(&mut self, audience: &str, credential: Credential, judged: Result<TokenGrant, SignInError>) {
        let code = match judged {
            Ok(TokenGrant { expires_at }) => {
                self.tokens.put(Token { audience: Audience::read(audience), credential, expires_at });
                self.engine.trust();
                SaslCode::Ok
            }
            Err(SignInError::Unavailable(_)) => SaslCode::Temporary,
            Err(_) => SaslCode::Auth,
        };
        self.engine.sasl_outcome(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_tells_who_signs_in() {
        let hub = || "contoso".to_owned();
        assert_eq!(User::read("service@sas.root.contoso"), Some(User::Policy { hub: hub() }));
        let device = |path: &str| Some(User::Device { hub: hub(), path: path.into() });
        assert_eq!(User::read("press-1@sas.contoso"), device("devices/press-1"));
        assert_eq!(User::read("a@sas.b@sas.contoso"), device("devices/a@sas.b"));
        assert_eq!(User::read("press-1/vision@sas.contoso"), device("devices/press-1/modules/vision"));
        assert_eq!(User::read("0ne1/registrations/r"), Some(User::Registrant));
        assert_eq!(User::read("someone"), None);
        assert_eq!(User::read("@sas.contoso"), None);
    }
}
