//! The decision, on a small world: who may, who may not, and why.

use std::sync::Arc;

use iolite_identity::{
    Authentication, Caller, DeviceCaller, Footing, KeyMeans, PolicyCaller, PrincipalCaller, Reason, Rejection,
};
use iolite_kernel::{
    ApiVersions, Ground, Method, Need, Operation, Request, Right, Rights, Scope, Service, SignedDuration,
    SteerableClock, Support, Timestamp,
};
use iolite_resources::{Cloud, Estate, ManagementGroup, Principal, PrincipalKind, Resource, Subscription, Tenant};
use iolite_store::{Store, StoreError};

use crate::*;

const READ: &str = "Microsoft.Devices/IotHubs/devices/read";

const fn operation(name: &'static str, need: Need) -> Operation {
    Operation {
        service: Service::Hub,
        name,
        method: Method::Get,
        path: "/devices/{id}",
        versions: ApiVersions::Unversioned,
        need,
        support: Support::Served,
        summary: "Reads a device.",
    }
}

static GET: Operation = operation("Get", Need::DataPlane { actions: &[READ], rights: &[Right::RegistryRead] });
static BULK: Operation = operation(
    "Bulk",
    Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/devices/write", "Microsoft.Devices/IotHubs/devices/delete"],
        rights: &[Right::RegistryWrite],
    },
);
static LIST_KEYS: Operation =
    operation("ListKeys", Need::Management { action: "Microsoft.Devices/iotHubs/listkeys/Action" });
static OWN: Operation = operation("Own", Need::OwnDevice { device: "id", module: None });

struct World {
    access: Access,
    ground: Ground,
    clock: Arc<SteerableClock>,
}

fn hub() -> Scope {
    Scope::resource("sub", "contoso", "Microsoft.Devices/IotHubs", "contoso-hub")
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(SteerableClock::new());
        let ground = Ground { clock: clock.clone(), ..Ground::system() };
        let tenant = Tenant {
            id: "t".into(),
            domain: "contoso.example".into(),
            cloud: Cloud::Public,
            token_lifetime_seconds: 3600,
            propagation_delay_seconds: 0,
        };
        let store = Store::memory();
        let book = RoleBook::new(&store).unwrap();
        let estate = Estate::new(store, tenant);
        let access = Access::new(estate, ground.clone(), book, vec![&GET, &BULK, &LIST_KEYS, &OWN]);
        Self { access, ground, clock }
    }

    async fn assign(&self, principal: &str, role: &str, scope: Scope, delay: SignedDuration) {
        let role = self.access.book().role_named(role).unwrap();
        let now = self.ground.now();
        let assignment = RoleAssignment {
            name: format!("{principal}-{}", role.id),
            scope,
            role_id: role.id.clone(),
            principal_id: principal.into(),
            principal_type: "ServicePrincipal".into(),
            description: None,
            created_at: now,
            effective_at: now.checked_add(delay).unwrap(),
            created_by: None,
        };
        let book = self.access.book();
        self.access
            .estate
            .store
            .transact(|transaction| {
                transaction.put(&book.assignments, &assignment.key(), assignment.clone());
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    }

    fn ask(&self, caller: impl Into<Shown>, operation: &'static Operation) -> Result<Permit, Arc<Decision>> {
        self.ask_at("/devices/dev1", caller, operation)
    }

    fn ask_at(
        &self,
        target: &str,
        caller: impl Into<Shown>,
        operation: &'static Operation,
    ) -> Result<Permit, Arc<Decision>> {
        self.ask_over("https://localhost", target, caller, operation)
    }

    fn ask_over(
        &self,
        origin: &str,
        target: &str,
        caller: impl Into<Shown>,
        operation: &'static Operation,
    ) -> Result<Permit, Arc<Decision>> {
        let mut request = Request::new(self.ground.uuid(), self.ground.now(), target);
        request.params.push(("id", "dev1".into()));
        request.origin = origin.into();
        self.access.decide(Ask {
            operation,
            resource: &Resource::Scope(hub()),
            request: &request,
            credential: CredentialKind::Bearer,
            authentication: Authentication { checks: Arc::from([]), outcome: caller.into().0.map(Arc::new) },
        })
    }
}

/// What came of the credential: a caller, or a rejection.
struct Shown(Result<Caller, Rejection>);

impl From<Caller> for Shown {
    fn from(caller: Caller) -> Self {
        Self(Ok(caller))
    }
}

impl From<Rejection> for Shown {
    fn from(rejection: Rejection) -> Self {
        Self(Err(rejection))
    }
}

fn app(groups: &[&str]) -> Caller {
    Caller::Principal(PrincipalCaller {
        object_id: "app".into(),
        name: "app".into(),
        principal_kind: "servicePrincipal",
        client_id: None,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        expires_at: Timestamp::MAX,
    })
}

fn policy(rights: &[Right]) -> Caller {
    Caller::Policy(PolicyCaller {
        resource: hub(),
        policy: "service".into(),
        rights: Rights::of(rights),
        means: KeyMeans::PrimaryKey,
        footing: Footing::default(),
        expires_at: Timestamp::MAX,
    })
}

fn why(decision: &Decision) -> Vec<Why> {
    decision.denial().unwrap().evaluations[0].considered.iter().map(|considered| considered.why.clone()).collect()
}

#[tokio::test]
async fn owner_without_a_data_role_is_refused_and_told_which_role_would_do() {
    let world = World::new();
    world.assign("app", "Owner", Scope::subscription("sub"), SignedDuration::ZERO).await;
    let decision = world.ask(app(&[]), &GET).unwrap_err();
    assert_eq!(why(&decision), [Why::ControlPlaneOnly]);
    let suggestion = world.access.suggestion(&decision).unwrap();
    assert_eq!(suggestion.role, "IoT Hub Data Reader", "reading needs no role that writes");
    assert!(suggestion.command.starts_with("az role assignment create --assignee-object-id app "));
    assert!(suggestion.command.ends_with(hub().as_str()));
    assert!(world.ask(app(&[]), &LIST_KEYS).is_ok(), "Owner can list keys all the same");
}

#[tokio::test]
async fn a_role_at_every_scope_above_reaches_the_hub() {
    for scope in [hub(), Scope::resource_group("sub", "CONTOSO"), Scope::subscription("sub"), Scope::root()] {
        let world = World::new();
        world.assign("app", "IoT Hub Data Reader", scope.clone(), SignedDuration::ZERO).await;
        assert!(world.ask(app(&[]), &GET).is_ok(), "{scope}");
    }
}

#[tokio::test]
async fn a_role_at_a_management_group_reaches_its_subscriptions_only() {
    let world = World::new();
    let estate = &world.access.estate;
    let subscription = |id: &str, group: Option<&str>| Subscription {
        id: id.into(),
        display_name: id.into(),
        management_group: group.map(str::to_owned),
    };
    estate
        .store
        .transact(|transaction| {
            for (name, parent) in [("root", None), ("child", Some("root".to_owned()))] {
                let group = ManagementGroup { name: name.into(), display_name: name.into(), parent };
                transaction.put(&estate.management_groups, name, group);
            }
            transaction.put(&estate.subscriptions, "sub", subscription("sub", Some("child")));
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    world.assign("app", "IoT Hub Data Reader", Scope::management_group("ROOT"), SignedDuration::ZERO).await;
    assert!(world.ask(app(&[]), &GET).is_ok());
    let world = World::new();
    world.assign("app", "IoT Hub Data Reader", Scope::management_group("root"), SignedDuration::ZERO).await;
    assert_eq!(why(&world.ask(app(&[]), &GET).unwrap_err()), [Why::OtherScope]);
}

#[tokio::test]
async fn a_role_of_a_group_reaches_its_members() {
    let world = World::new();
    world.assign("operators", "IoT Hub Data Reader", hub(), SignedDuration::ZERO).await;
    assert!(world.ask(app(&["operators"]), &GET).is_ok());
    assert!(world.ask(app(&["others"]), &GET).is_err());
}

#[tokio::test]
async fn a_role_of_another_hub_does_not_reach() {
    let world = World::new();
    let other = Scope::resource("sub", "contoso", "Microsoft.Devices/IotHubs", "contoso-hub-2");
    world.assign("app", "IoT Hub Data Contributor", other, SignedDuration::ZERO).await;
    assert_eq!(why(&world.ask(app(&[]), &GET).unwrap_err()), [Why::OtherScope]);
}

#[tokio::test]
async fn a_bulk_update_needs_both_writing_and_deleting() {
    let world = World::new();
    let writer = RoleDefinition {
        id: "c1".into(),
        name: "Writer".into(),
        description: String::new(),
        custom: true,
        permissions: vec![Permission {
            data_actions: vec!["Microsoft.Devices/IotHubs/devices/*".into()],
            not_data_actions: vec!["Microsoft.Devices/IotHubs/devices/delete".into()],
            ..Permission::default()
        }],
        assignable_scopes: vec![Scope::root()],
        created_at: None,
        changed_at: None,
    };
    let book = world.access.book().clone();
    let store = world.access.estate.store.clone();
    store
        .transact(|transaction| {
            transaction.put(&book.custom, "c1", writer.clone());
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    world.assign("app", "Writer", hub(), SignedDuration::ZERO).await;
    let decision = world.ask(app(&[]), &BULK).unwrap_err();
    let denial = decision.denial().unwrap();
    assert!(matches!(denial.cause, DenialCause::RoleMissing { action } if action.ends_with("devices/delete")));
    assert!(matches!(&denial.evaluations[1].considered[0].why, Why::Excepted { by } if by.ends_with("devices/delete")));
    world.assign("app", "IoT Hub Registry Contributor", hub(), SignedDuration::ZERO).await;
    assert!(world.ask(app(&[]), &BULK).is_ok());
}

#[tokio::test]
async fn an_assignment_that_is_still_spreading_does_not_grant() {
    let world = World::new();
    world.assign("app", "IoT Hub Data Reader", hub(), SignedDuration::from_mins(5)).await;
    let decision = world.ask(app(&[]), &GET).unwrap_err();
    assert!(matches!(why(&decision)[..], [Why::NotYetEffective { .. }]));
    let remedies = world.access.remedies(&decision);
    assert!(remedies.len() == 1 && remedies[0].contains("iolite clock advance"), "{remedies:?}");
    assert!(world.access.suggestion(&decision).is_none(), "it is assigned already");
    world
        .assign("app", "IoT Hub Registry Contributor", Scope::resource_group("sub", "other"), SignedDuration::ZERO)
        .await;
    let halfway = world.ask(app(&[]), &BULK).unwrap_err();
    assert!(world.access.suggestion(&halfway).is_some(), "no role for it is on its way");
}

#[tokio::test]
async fn a_deny_assignment_stands_above_every_role() {
    let world = World::new();
    world.assign("app", "IoT Hub Data Contributor", hub(), SignedDuration::ZERO).await;
    let deny = DenyAssignment {
        name: "d".into(),
        display_name: "locked".into(),
        description: String::new(),
        scope: Scope::resource_group("sub", "contoso"),
        does_not_apply_to_child_scopes: false,
        permissions: vec![Permission { data_actions: vec!["*/read".into()], ..Permission::default() }],
        principals: vec!["00000000-0000-0000-0000-000000000000".into()],
        excluded_principals: vec!["operators".into()],
    };
    let book = world.access.book().clone();
    let store = world.access.estate.store.clone();
    store
        .transact(|transaction| {
            transaction.put(&book.denies, "d", deny.clone());
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let decision = world.ask(app(&[]), &GET).unwrap_err();
    assert!(matches!(decision.denial().unwrap().cause, DenialCause::DeniedByAssignment { .. }));
    assert!(world.ask(app(&["operators"]), &GET).is_ok(), "the excluded group is spared");
}

#[test]
fn a_policy_without_the_right_is_refused_by_name() {
    let world = World::new();
    assert!(world.ask(policy(&[Right::RegistryRead]), &GET).is_ok());
    let decision = world.ask(policy(&[Right::ServiceConnect]), &GET).unwrap_err();
    assert!(
        matches!(&decision.denial().unwrap().cause, DenialCause::RightMissing { policy, .. } if policy == "service")
    );
    assert!(world.access.remedies(&decision)[0].contains("RegistryRead"));
}

#[test]
fn a_device_may_use_its_own_path_only() {
    let world = World::new();
    let device = |id: &str| {
        Caller::Device(DeviceCaller {
            hub: hub(),
            device_id: id.into(),
            module_id: None,
            means: KeyMeans::PrimaryKey,
            footing: Footing::default(),
            policy: None,
            expires_at: None,
        })
    };
    assert!(world.ask(device("dev1"), &OWN).is_ok());
    assert!(world.ask(device("DEV1"), &OWN).is_err(), "device ids keep their case");
    assert!(world.ask(device("dev1"), &GET).is_err(), "a device has no business with the service API");
    assert!(world.ask(app(&[]), &OWN).is_err(), "a principal has none with the device API");
}

#[test]
fn a_refused_credential_is_a_denial_with_its_remedy() {
    let world = World::new();
    let rejection = Rejection { reason: Reason::WrongAudience, detail: "aud is https://vault.azure.net".into() };
    let decision = world.ask(rejection, &GET).unwrap_err();
    let lines = world.access.explain(&decision).join("\n");
    assert!(lines.contains("az account get-access-token --resource https://iothubs.azure.net"), "{lines}");
    assert_eq!(world.access.decision_json(&decision)["outcome"], "denied");
}

#[test]
fn a_request_is_told_by_its_method_and_a_connection_by_where_it_was_made() {
    let world = World::new();
    let told = |origin: &str| {
        let decision = world.ask_over(origin, "/devices/dev1", app(&[]), &OWN).unwrap_err();
        (world.access.explain(&decision)[1].clone(), world.access.decision_json(&decision))
    };
    let (line, request) = told("https://localhost");
    assert!(line.starts_with("  GET /devices/dev1 at "), "{line}");
    assert_eq!((&request["method"], &request["origin"]), (&"GET".into(), &"https://localhost".into()));
    let (line, connection) = told("mqtts://localhost");
    assert!(line.starts_with("  mqtts://localhost/devices/dev1 at "), "{line}");
    assert_eq!((&connection["method"], &connection["origin"]), (&serde_json::Value::Null, &"mqtts://localhost".into()));
}

#[tokio::test]
async fn a_check_answers_without_a_request() {
    let world = World::new();
    let estate = &world.access.estate;
    let principal = Principal {
        object_id: "app".into(),
        name: "reader".into(),
        enabled: true,
        kind: PrincipalKind::Group { members: vec![] },
    };
    estate
        .store
        .transact(|transaction| {
            transaction.put(&estate.principals, "app", principal.clone());
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let hub = hub();
    let ask = |with_role, without_role| {
        let ask = HypotheticalAsk { principal: "reader", action: READ, resource: &hub, with_role, without_role };
        world.access.check(&ask).unwrap().is_allowed()
    };
    assert!(!ask(None, None));
    assert!(ask(Some("IoT Hub Data Reader"), None));
    world.assign("app", "IoT Hub Registry Contributor", hub.clone(), SignedDuration::ZERO).await;
    assert!(ask(None, None));
    assert!(!ask(None, Some("IoT Hub Registry Contributor")));
    let unknown = HypotheticalAsk { principal: "x", action: READ, resource: &hub, with_role: None, without_role: None };
    assert!(matches!(world.access.check(&unknown), Err(HypotheticalError::UnknownPrincipal(_))));
}

#[tokio::test]
async fn a_grant_is_forgotten_when_its_assignment_goes() {
    let world = World::new();
    world.assign("app", "IoT Hub Data Reader", hub(), SignedDuration::ZERO).await;
    assert!(world.ask(app(&[]), &GET).is_ok());
    assert!(world.ask(app(&[]), &GET).is_ok(), "remembered");
    assert!(world.ask(app(&[]), &BULK).is_err(), "for that operation only");
    let book = world.access.book().clone();
    let store = world.access.estate.store.clone();
    store
        .transact(|transaction| {
            for (key, _) in transaction.all(&book.assignments, "") {
                transaction.delete(&book.assignments, &key);
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    assert!(world.ask(app(&[]), &GET).is_err());
}

#[tokio::test]
async fn a_grant_is_not_remembered_before_its_assignment_took_effect() {
    let world = World::new();
    world.assign("app", "IoT Hub Data Reader", hub(), SignedDuration::from_mins(5)).await;
    world.clock.advance(SignedDuration::from_mins(6));
    assert!(world.ask(app(&[]), &GET).is_ok());
    world.clock.reset();
    assert!(world.ask(app(&[]), &GET).is_err());
}

/// Anyone can cause a decision, and thousands are kept.
#[tokio::test]
async fn a_decision_keeps_a_part_of_a_very_long_path() {
    let world = World::new();
    let path = format!("/devices/{}", "é".repeat(30_000));
    let decision = world.ask_at(&path, app(&[]), &GET).unwrap_err();
    assert!(decision.target.len() < 1024 && decision.path().starts_with("/devices/é"), "{}", decision.target.len());
}
