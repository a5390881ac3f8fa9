//! A decision in plain lines, and as JSON: what was asked, what was checked, what was looked at, and what would help.

use iolite_identity::{Caller, Reason, Rejection};
use iolite_kernel::{Operation, Scope, Service};
use serde_json::{Value, json};

use crate::{Access, Considered, Decision, Denial, DenialCause, Evaluation, Grant, Outcome, Plane, Why};

impl Access {
    /// The decision in plain lines, for `iolite explain`.
    #[must_use]
    pub fn explain(&self, decision: &Decision) -> Vec<String> {
        let mut lines = vec![
            headline(decision),
            format!("  {} at {}", asked(decision), decision.at),
            format!("  operation  {} — {}", decision.operation.name, decision.operation.summary),
            format!("  resource   {}", decision.resource),
            format!("  needs      {}", needs(decision.operation)),
            format!("  caller     {}", caller(decision)),
        ];
        lines.push("  checks".to_owned());
        for check in decision.checks.iter() {
            let mark = if check.passed { "ok" } else { "NO" };
            let what = serde_json::to_value(check.kind).unwrap_or_default();
            let line = format!("    {mark}  {:<16} {}", what.as_str().unwrap_or_default(), check.detail);
            lines.push(line.trim_end().to_owned());
        }
        match &decision.outcome {
            Outcome::Allowed(grant) => lines.extend(grant_lines(grant)),
            Outcome::Denied(denial) => lines.extend(denial_lines(denial)),
        }
        for note in decision.notes.get().into_iter().flatten() {
            lines.push(format!("  note       {note}"));
        }
        for remedy in self.remedies(decision) {
            lines.push(format!("  remedy     {remedy}"));
        }
        lines
    }

    /// What would let the caller through: the smallest role with its command, or the key, policy, audience, clock or
    /// switch to mend.
    #[must_use]
    pub fn remedies(&self, decision: &Decision) -> Vec<String> {
        let Some(denial) = decision.denial() else { return Vec::new() };
        match &denial.cause {
            DenialCause::RoleMissing { action } => match (denial.takes_effect_at(), self.suggestion(decision)) {
                (Some(at), _) => vec![format!(
                    "the role is assigned and takes effect at {at}: wait, or move the clock with `iolite clock advance`"
                )],
                (None, Some(suggestion)) => vec![
                    format!("the smallest built-in role with every needed action is \"{}\":", suggestion.role),
                    suggestion.command,
                ],
                (None, None) => {
                    vec![format!("no built-in role has {action}; a custom role with it, assigned here, would do")]
                }
            },
            DenialCause::DeniedByAssignment { by, .. } => {
                vec![format!(
                    "the deny assignment \"{}\" stands above every role: exclude the caller from it",
                    by.display_name
                )]
            }
            DenialCause::RightMissing { policy, needed, .. } => {
                let names: Vec<&str> = needed.iter().map(|right| right.name()).collect();
                vec![format!("use a policy with {} (`{policy}` lacks it), or an Entra token", names.join(" and "))]
            }
            DenialCause::SomeoneElse { wanted } => {
                vec![format!("sign with the key of `{wanted}`: a caller may only use its own paths")]
            }
            DenialCause::NotAuthenticated(rejection) => self.credential_remedies(decision, rejection),
        }
    }

    fn credential_remedies(&self, decision: &Decision, rejection: &Rejection) -> Vec<String> {
        let service = decision.operation.service;
        let audience = self.estate.tenant.cloud.audiences(service).first().copied().unwrap_or_default();
        let name = decision.resource.name();
        let remedy = match rejection.reason {
            Reason::NoCredential => {
                "send an Authorization header: `iolite token` and `iolite sas` print ready ones".to_owned()
            }
            Reason::UnknownScheme => "use `Bearer TOKEN` or `SharedAccessSignature …`".to_owned(),
            Reason::EntraNotAccepted => {
                "this API never takes Entra tokens: use the device's own key or certificate".to_owned()
            }
            Reason::SasNotAccepted => {
                format!("this API takes Entra tokens only; ask for one with --resource {audience}")
            }
            Reason::WrongAudience => {
                format!("ask for a token for {audience}: az account get-access-token --resource {audience}")
            }
            Reason::Expired | Reason::NotYetValid => {
                "renew the credential, or look at both clocks: `iolite clock show` prints the emulator's".to_owned()
            }
            Reason::WrongIssuer | Reason::WrongTenant | Reason::UnknownKey | Reason::AlgorithmNotAllowed => format!(
                "get the token from this emulator's own issuer (AZURE_AUTHORITY_HOST), tenant {}",
                self.estate.tenant.id
            ),
            Reason::BadSignature => {
                format!(
                    "sign with a current key: `iolite sas --hub {name}` shows how a good token looks; keys may have been regenerated"
                )
            }
            Reason::UnknownPolicy => {
                "name a policy that exists (skn): az iot hub policy list, or ARM listkeys".to_owned()
            }
            Reason::PolicyLacksRight => "use a policy with DeviceConnect, or the device's own key".to_owned(),
            Reason::ResourceMismatch => {
                "sign for this very resource: sr is the host name, then the device's path".to_owned()
            }
            Reason::LocalAuthDisabled => {
                format!("`iolite allow-sas {name}` turns service SAS on again; or use an Entra token for {audience}")
            }
            Reason::DeviceSasDisabled | Reason::ModuleSasDisabled => {
                "sign in by certificate, or turn disableDeviceSAS / disableModuleSAS off on the hub".to_owned()
            }
            Reason::UnknownDevice | Reason::UnknownModule => {
                "create the identity first, and mind that ids keep their case".to_owned()
            }
            Reason::DeviceDisabled => "enable the device (status \"enabled\")".to_owned(),
            Reason::CertificateMismatch => "register this certificate's thumbprint with the device".to_owned(),
            Reason::CommonNameMismatch => {
                "issue the device a certificate whose common name is its id, letter case included".to_owned()
            }
            Reason::UntrustedCertificate => {
                "register the authority (az iot hub certificate create) and verify it; let the device send every \
                 certificate between its own and the authority's"
                    .to_owned()
            }
            Reason::AddressNotAllowed => {
                let rules = if service == Service::Hub { "ipFilterRules or networkRuleSets" } else { "ipFilterRules" };
                format!("change {rules} of {name}: {} --set …", update_command(decision))
            }
            Reason::PublicAccessDisabled => {
                format!("turn it on: {} --set properties.publicNetworkAccess=Enabled", update_command(decision))
            }
            Reason::WrongMeans => "sign in by the means the device was registered with".to_owned(),
            Reason::NoEnrollment => "make an enrolment for this registration id, or a group that fits".to_owned(),
            Reason::EnrollmentDisabled => "enable the enrolment (provisioningStatus \"enabled\")".to_owned(),
            Reason::UnknownPrincipal => {
                "the principal is not in this world's directory, or is disabled there".to_owned()
            }
            Reason::TooLarge | Reason::Malformed => "send the token as it was issued: it cannot be read".to_owned(),
        };
        vec![remedy]
    }

    /// The decision as JSON, for the control API.
    #[must_use]
    pub fn decision_json(&self, decision: &Decision) -> Value {
        let (scopes, evaluations): (&[Scope], &[Evaluation]) = match &decision.outcome {
            Outcome::Allowed(Grant::Roles(granted)) => (&granted.scopes, &granted.evaluations),
            Outcome::Denied(denial) => (&denial.scopes, &denial.evaluations),
            Outcome::Allowed(_) => (&[], &[]),
        };
        json!({
            "id": decision.id.to_string(),
            "at": decision.at.to_string(),
            "outcome": if decision.is_allowed() { "allowed" } else { "denied" },
            "service": decision.operation.service,
            "operation": decision.operation.name,
            "method": decision.method(),
            "origin": decision.origin,
            "path": decision.path(),
            "resource": decision.resource,
            "client": {
                "address": decision.client.address.map(|address| address.to_string()),
                "agent": decision.client.agent,
            },
            "credential": decision.credential,
            "caller": decision.caller.as_deref(),
            "principal": decision.caller.as_deref().map(Caller::display_name),
            "needs": {"actions": decision.operation.need.actions(), "rights": decision.operation.need.rights()},
            "checks": &decision.checks[..],
            "reason": reason(decision),
            "scopes": scopes,
            "evaluations": evaluations.iter().map(evaluation_json).collect::<Vec<_>>(),
            "notes": decision.notes.get(),
            "suggestion": self.suggestion(decision),
            "remedies": self.remedies(decision),
            "explanation": self.explain(decision),
        })
    }
}

/// An evaluation as JSON.
pub(crate) fn evaluation_json(evaluation: &Evaluation) -> Value {
    json!({
        "action": evaluation.action,
        "plane": evaluation.plane,
        "allowed": evaluation.is_allowed(),
        "deniedBy": evaluation.denied_by.as_ref().map(|deny| &deny.display_name),
        "considered": evaluation.considered.iter().map(|considered| json!({
            "assignment": considered.assignment.id(),
            "principalId": considered.assignment.principal_id,
            "group": considered.group,
            "scope": considered.assignment.scope,
            "role": considered.role.as_ref().map(|role| &role.name),
            "why": considered.why,
        })).collect::<Vec<_>>(),
    })
}

impl Evaluation {
    /// The evaluation as JSON, for the control API.
    #[must_use]
    pub fn to_json(&self) -> Value {
        evaluation_json(self)
    }

    /// The evaluation in plain lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        evaluation_lines(self)
    }
}

/// What was asked: method and path of a request; of a connection or a link, where it was made, which has no method.
fn asked(decision: &Decision) -> String {
    match decision.method() {
        Some(method) => format!("{method} {}", decision.path()),
        None => format!("{}{}", decision.origin, decision.path()),
    }
}

fn headline(decision: &Decision) -> String {
    let word = if decision.is_allowed() { "ALLOWED" } else { "REFUSED" };
    format!("{word}  {}  {}", decision.operation.service.title(), reason(decision))
}

fn reason(decision: &Decision) -> String {
    match &decision.outcome {
        Outcome::Allowed(Grant::Public { because }) => format!("open to anyone: {because}"),
        Outcome::Allowed(Grant::Rights { .. }) => "the policy carries the right".to_owned(),
        Outcome::Allowed(Grant::Roles(_)) => "a role grants every needed action".to_owned(),
        Outcome::Allowed(Grant::Itself) => "the caller is the one that the path names".to_owned(),
        Outcome::Allowed(Grant::SignedIn) => "any signed-in caller may".to_owned(),
        Outcome::Denied(denial) => match &denial.cause {
            DenialCause::NotAuthenticated(rejection) => {
                let word = serde_json::to_value(rejection.reason).unwrap_or_default();
                format!("the credential was not accepted ({}): {}", word.as_str().unwrap_or_default(), rejection.detail)
            }
            DenialCause::RightMissing { policy, held, .. } => format!("the policy `{policy}` has only: {held}"),
            DenialCause::RoleMissing { action } => format!("no role of the caller grants {action} here"),
            DenialCause::DeniedByAssignment { action, by } => format!("\"{}\" denies {action}", by.display_name),
            DenialCause::SomeoneElse { wanted } => format!("the caller is not `{wanted}`"),
        },
    }
}

/// The command that changes the properties of what was asked, without the change.
fn update_command(decision: &Decision) -> String {
    let name = decision.resource.name();
    match decision.operation.service {
        Service::Hub => format!("az iot hub update --name {name}"),
        Service::Dps => format!("az iot dps update --name {name}"),
        _ => format!("az resource update --ids {}", decision.resource),
    }
}

fn needs(operation: &Operation) -> String {
    let actions = operation.need.actions().join(" and ");
    let rights: Vec<&str> = operation.need.rights().iter().map(|right| right.name()).collect();
    match (actions.is_empty(), rights.is_empty()) {
        (false, false) => format!("{actions}, or a SAS policy with {}", rights.join(" and ")),
        (false, true) => actions,
        _ => match operation.need {
            iolite_kernel::Need::Public { because } => format!("nothing: {because}"),
            iolite_kernel::Need::OwnDevice { .. } => "the device's own key or certificate".to_owned(),
            iolite_kernel::Need::OwnRegistration => "the attestation of an enrolment".to_owned(),
            _ => "a valid Entra token".to_owned(),
        },
    }
}

fn caller(decision: &Decision) -> String {
    match decision.caller.as_deref() {
        None => "not established".to_owned(),
        Some(Caller::Principal(principal)) => {
            format!("{} {} (object id {})", principal.principal_kind, principal.name, principal.object_id)
        }
        Some(Caller::Policy(policy)) => format!("shared access policy {}", policy.policy),
        Some(Caller::Device(device)) => match &device.module_id {
            Some(module) => format!("module {}/{module}", device.device_id),
            None => format!("device {}", device.device_id),
        },
        Some(Caller::Registrant(registrant)) => format!("registration {}", registrant.registration_id),
        Some(Caller::Anonymous) => "nobody in particular".to_owned(),
    }
}

fn grant_lines(grant: &Grant) -> Vec<String> {
    match grant {
        Grant::Roles(granted) => granted.evaluations.iter().flat_map(evaluation_lines).collect(),
        Grant::Rights { held, .. } => vec![format!("  policy has {held}")],
        Grant::Public { .. } | Grant::Itself | Grant::SignedIn => Vec::new(),
    }
}

fn denial_lines(denial: &Denial) -> Vec<String> {
    let mut lines: Vec<String> = denial.evaluations.iter().flat_map(evaluation_lines).collect();
    if !denial.scopes.is_empty() {
        lines.push("  scopes looked at, the narrowest first".to_owned());
        lines.extend(denial.scopes.iter().map(|scope| format!("    {scope}")));
    }
    lines
}

fn evaluation_lines(evaluation: &Evaluation) -> Vec<String> {
    let plane = if evaluation.plane == Plane::Data { "data action" } else { "action" };
    let verdict = if evaluation.is_allowed() { "granted" } else { "not granted" };
    let mut lines = vec![format!("  {plane} {}: {verdict}", evaluation.action)];
    if evaluation.considered.is_empty() {
        lines.push("    the caller has no role assignment anywhere".to_owned());
    }
    lines.extend(evaluation.considered.iter().map(considered_line));
    if let Some(deny) = &evaluation.denied_by {
        lines.push(format!("    denied by \"{}\" at {}", deny.display_name, deny.scope));
    }
    lines
}

fn considered_line(considered: &Considered) -> String {
    let role = considered.role.as_ref().map_or("(role gone)", |role| role.name.as_str());
    let why = match &considered.why {
        Why::Grants => "grants it".to_owned(),
        Why::OtherScope => "holds at another scope".to_owned(),
        Why::ControlPlaneOnly => "manages resources only: it has no data action at all".to_owned(),
        Why::ActionNotListed => "does not list the action".to_owned(),
        Why::Excepted { by } => format!("takes the action away again by {by}"),
        Why::NotYetEffective { at } => format!("takes effect at {at}"),
        Why::RoleGone => "names a role that is no longer there".to_owned(),
    };
    let holder = considered.group.as_ref().map(|group| format!(" through the group {group}")).unwrap_or_default();
    format!("    \"{role}\"{holder} at {}: {why}", considered.assignment.scope)
}
