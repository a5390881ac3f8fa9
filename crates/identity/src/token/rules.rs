//! What an access token's claims must say. Sources: RFC 8725 for the rules, `Tenant` and `Cloud` for the values.
//!
//! Every rule runs, so that an explanation names everything that is wrong with a token and not only the first thing.

use iolite_kernel::{Service, SignedDuration, Timestamp};
use iolite_resources::Tenant;

use super::claims::{Claims, Moment};
use crate::sas::{LOCAL_HOSTS, dialled_host};
use crate::trail::{Refused, Trail};
use crate::{CheckKind, Reason};

/// How far clocks may be apart, as Entra's own validators allow. Whole seconds: exactly this much is still in.
pub(super) const LEEWAY: SignedDuration = SignedDuration::from_mins(5);

/// The door that a token is shown at.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    /// The service behind it.
    pub service: Service,
    /// The origin that the caller dialled, `https://localhost:8443`.
    pub origin: &'a str,
}

/// What the rules leave of the claims.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) object_id: String,
    pub(super) client_id: Option<String>,
    pub(super) expires_at: Timestamp,
    /// The token may be used from this second.
    pub(super) first_second: i64,
    /// The token may be used until the end of this second.
    pub(super) last_second: i64,
    /// Whether the audience is the door's own origin: then the token is good at that origin only.
    pub(super) by_origin: bool,
}

/// Judges `claims` at `door`; `now` is the world's clock.
pub(super) fn judge(
    claims: &Claims,
    door: Door<'_>,
    tenant: &Tenant,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Judged, Refused> {
    check_issuer(claims, tenant, trail);
    let by_origin = check_audience(claims, door, tenant, trail);
    check_tenant(claims, tenant, trail);
    let starts = check_start(claims, now, trail);
    let expires = check_expiry(claims, now, trail);
    trail.so_far()?;
    let (Some(expires_at), Some(object_id)) = (expires, claims.text("oid")) else {
        let detail = format!("oid is {}; it must be the object id of a principal", claims.shown("oid"));
        return Err(trail.fail(CheckKind::Principal, Reason::UnknownPrincipal, detail));
    };
    Ok(Judged {
        object_id: object_id.to_owned(),
        client_id: claims.text("appid").or_else(|| claims.text("azp")).map(str::to_owned),
        expires_at,
        first_second: starts.map_or(i64::MIN, |at| ceiling(at).saturating_sub(LEEWAY.as_secs())),
        last_second: expires_at.as_second().saturating_add(LEEWAY.as_secs()),
        by_origin,
    })
}

/// `iss` must be the tenant's, in the form that goes with `ver`.
fn check_issuer(claims: &Claims, tenant: &Tenant, trail: &mut Trail) {
    let wanted = match claims.text("ver") {
        Some("1.0") => tenant.issuer_v1(),
        Some("2.0") => tenant.issuer_v2(),
        _ => {
            let detail = format!("ver is {}; it must be `1.0` or `2.0`", claims.shown("ver"));
            trail.fail(CheckKind::Issuer, Reason::WrongIssuer, detail);
            return;
        }
    };
    if claims.text("iss") == Some(wanted.as_str()) {
        trail.pass(CheckKind::Issuer, wanted);
    } else {
        let detail = format!("iss is {}; with this ver it must be `{wanted}`", claims.shown("iss"));
        trail.fail(CheckKind::Issuer, Reason::WrongIssuer, detail);
    }
}

/// `aud` must be one text, and one of the door's. Tells whether it is the door's origin.
fn check_audience(claims: &Claims, door: Door<'_>, tenant: &Tenant, trail: &mut Trail) -> bool {
    let known = tenant.cloud.audiences(door.service);
    let found = claims.text("aud");
    // Resource Manager's own clients ask for `…//.default`, which leaves one slash at the end; no other service's do.
    let stem = found.map(|audience| match door.service {
        Service::Arm => audience.strip_suffix('/').unwrap_or(audience),
        _ => audience,
    });
    let by_name = stem.is_some_and(|audience| known.contains(&audience));
    let by_origin = !by_name && door.service == Service::Arm && stem == Some(door.origin) && is_local(door.origin);
    if by_name || by_origin {
        trail.pass(CheckKind::Audience, found.unwrap_or_default().to_owned());
    } else {
        let wanted = if known.is_empty() { "nothing: it takes no token".to_owned() } else { known.join("` or `") };
        let detail = format!("aud is {}; {} wants `{wanted}`", claims.shown("aud"), door.service);
        trail.fail(CheckKind::Audience, Reason::WrongAudience, detail);
    }
    by_origin
}

/// Whether an origin is this machine's own: a caller who dials another name, by Host alone, must not make the tokens that
/// are meant for that name Resource Manager's.
fn is_local(origin: &str) -> bool {
    let host = dialled_host(origin);
    LOCAL_HOSTS.contains(&host) || host.ends_with(".localhost")
}

fn check_tenant(claims: &Claims, tenant: &Tenant, trail: &mut Trail) {
    if claims.text("tid") == Some(tenant.id.as_str()) {
        trail.pass(CheckKind::Tenant, tenant.id.clone());
    } else {
        let detail = format!("tid is {}; the tenant is `{}`", claims.shown("tid"), tenant.id);
        trail.fail(CheckKind::Tenant, Reason::WrongTenant, detail);
    }
}

/// `nbf` and `iat`, where they are there, must not lie ahead. Gives the later of the two.
fn check_start(claims: &Claims, now: Timestamp, trail: &mut Trail) -> Option<Timestamp> {
    let mut starts = None;
    for name in ["nbf", "iat"] {
        match claims.moment(name) {
            Moment::Missing => {}
            Moment::Illegal => {
                let detail = format!("{name} is {}; it must be a number of seconds since 1970", claims.shown(name));
                trail.fail(CheckKind::NotBefore, Reason::Malformed, detail);
                return None;
            }
            Moment::At(at) if ceiling(at).saturating_sub(LEEWAY.as_secs()) > now.as_second() => {
                let detail = format!("{name} is {at}; the clock shows {now}, {} s may lie between", LEEWAY.as_secs());
                trail.fail(CheckKind::NotBefore, Reason::NotYetValid, detail);
                return None;
            }
            Moment::At(at) => starts = starts.max(Some(at)),
        }
    }
    trail.pass(CheckKind::NotBefore, starts.map_or_else(String::new, |at| format!("good from {at}")));
    starts
}

fn check_expiry(claims: &Claims, now: Timestamp, trail: &mut Trail) -> Option<Timestamp> {
    match claims.moment("exp") {
        Moment::Missing | Moment::Illegal => {
            let detail = format!("exp is {}; it must be a number of seconds since 1970", claims.shown("exp"));
            trail.fail(CheckKind::Expiry, Reason::Malformed, detail);
            None
        }
        Moment::At(at) if now.as_second() > at.as_second().saturating_add(LEEWAY.as_secs()) => {
            let detail = format!("exp is {at}; the clock shows {now}, {} s may lie between", LEEWAY.as_secs());
            trail.fail(CheckKind::Expiry, Reason::Expired, detail);
            None
        }
        Moment::At(at) => {
            trail.pass(CheckKind::Expiry, format!("good until {at}"));
            Some(at)
        }
    }
}

/// The first whole second at or after `at`.
fn ceiling(at: Timestamp) -> i64 {
    at.as_second().saturating_add(i64::from(at.subsec_nanosecond() > 0))
}
