"""The management SDKs against Azure Resource Manager: resources, keys, names, roles and permissions."""

import uuid

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.digitaltwins.core import DigitalTwinsClient
from azure.iot.hub import IoTHubRegistryManager
from azure.mgmt.iothubprovisioningservices.models import IotHubDefinitionDescription
from provisioningserviceclient import IndividualEnrollment, ProvisioningServiceClient
from provisioningserviceclient.models import AttestationMechanism, SymmetricKeyAttestation

from emulator import fresh_key, unique
from refusals import refused

HUBS = "Microsoft.Devices/IotHubs"
SERVICES = "Microsoft.Devices/provisioningServices"
TWINS = "Microsoft.DigitalTwins/digitalTwinsInstances"


def host(address):
    """The `host:port` of a resource's own origin."""
    return address.removeprefix("https://")


def connection_string(host_name, policy):
    return f"HostName={host_name};SharedAccessKeyName={policy.key_name};SharedAccessKey={policy.primary_key}"


# Hubs


def make_hub(emulator, name=None, **properties):
    body = {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": properties}
    return emulator.hubs().begin_create_or_update(emulator.group, name or unique("hub"), body).result()


def test_a_hub_that_is_made_answers_on_an_origin_of_its_own(emulator):
    hub = make_hub(emulator)
    assert (hub.properties.provisioning_state, hub.properties.state) == ("Succeeded", "Active")
    assert hub.properties.host_name != emulator.hub_host
    owner = emulator.hubs().get_keys_for_key_name(emulator.group, hub.name, "iothubowner")
    registry = IoTHubRegistryManager.from_connection_string(connection_string(hub.properties.host_name, owner))
    device = registry.create_device_with_sas(unique("device"), None, None, "enabled")
    assert [known.device_id for known in registry.get_devices()] == [device.device_id]
    assert emulator.registry().get_devices() == []
    by_token = IoTHubRegistryManager.from_token_credential(hub.properties.host_name, emulator.credential("owner-app"))
    assert by_token.get_device(device.device_id).device_id == device.device_id


def test_the_keys_of_one_hub_open_no_other(emulator):
    hub = make_hub(emulator)
    theirs = emulator.hubs().get_keys_for_key_name(emulator.group, "contoso-hub", "iothubowner")
    with refused(401):
        IoTHubRegistryManager.from_connection_string(connection_string(hub.properties.host_name, theirs)).get_devices()


def test_a_hub_is_listed_read_tagged_and_deleted(emulator):
    hub, hubs = make_hub(emulator), emulator.hubs()
    names = {"contoso-hub", hub.name}
    assert {known.name for known in hubs.list_by_resource_group(emulator.group)} == names
    assert {known.name for known in emulator.hubs("subscription-owner").list_by_subscription()} == names
    found = hubs.get(emulator.group, hub.name)
    assert (found.type.lower(), found.sku.name, found.location) == (HUBS.lower(), "S1", "westeurope")
    assert found.id.lower() == emulator.scope(HUBS, hub.name).lower()
    tagged = hubs.begin_update(emulator.group, hub.name, {"tags": {"stage": "test"}}).result()
    assert tagged.tags == {"stage": "test"}
    hubs.begin_delete(emulator.group, hub.name).result()
    assert [known.name for known in hubs.list_by_resource_group(emulator.group)] == ["contoso-hub"]
    with pytest.raises(ResourceNotFoundError):
        hubs.get(emulator.group, hub.name)


def test_a_hub_made_again_under_its_old_name_is_empty(emulator):
    def registry(hub):
        return IoTHubRegistryManager.from_token_credential(hub.properties.host_name, emulator.credential("owner-app"))

    hub = make_hub(emulator)
    registry(hub).create_device_with_sas(unique("device"), None, None, "enabled")
    emulator.hubs().begin_delete(emulator.group, hub.name).result()
    again = make_hub(emulator, hub.name)
    assert registry(again).get_devices() == []


def test_a_hubs_change_under_an_old_etag_is_refused(emulator):
    hubs, hub = emulator.hubs(), make_hub(emulator)
    stale = hub.etag
    hub.tags = {"a": "1"}
    hub = hubs.begin_create_or_update(emulator.group, hub.name, hub, if_match=stale).result()
    assert hub.tags == {"a": "1"}
    hub.tags = {"a": "2"}
    with refused(412):
        hubs.begin_create_or_update(emulator.group, hub.name, hub, if_match=stale).result()
    assert hubs.get(emulator.group, hub.name).tags == {"a": "1"}


def test_a_hub_has_five_policies_with_two_keys_each(emulator):
    policies = {policy.key_name: policy for policy in emulator.hubs().list_keys(emulator.group, "contoso-hub")}
    assert set(policies) == {"iothubowner", "service", "device", "registryRead", "registryReadWrite"}
    assert policies["registryRead"].rights == "RegistryRead"
    assert {right.strip() for right in policies["iothubowner"].rights.split(",")} >= {"RegistryWrite", "ServiceConnect"}
    keys = [key for policy in policies.values() for key in (policy.primary_key, policy.secondary_key)]
    assert len(set(keys)) == 10


def test_a_policy_of_ones_own_opens_what_it_says(emulator):
    hubs = emulator.hubs()
    hub = hubs.get(emulator.group, "contoso-hub")
    policies = list(hubs.list_keys(emulator.group, "contoso-hub"))
    hub.properties.authorization_policies = [*policies, {"keyName": "watcher", "rights": "RegistryRead"}]
    hubs.begin_create_or_update(emulator.group, "contoso-hub", hub, if_match=hub.etag).result()
    watcher = hubs.get_keys_for_key_name(emulator.group, "contoso-hub", "watcher")
    registry = IoTHubRegistryManager.from_connection_string(connection_string(emulator.hub_host, watcher))
    assert registry.get_devices() == []
    with refused(401):
        registry.create_device_with_sas(unique("device"), None, None, "enabled")


def test_a_regenerated_key_takes_effect_at_once_and_the_other_one_stays(emulator):
    hubs = emulator.hubs()
    before = hubs.get_keys_for_key_name(emulator.group, "contoso-hub", "iothubowner")
    by_primary = IoTHubRegistryManager.from_connection_string(connection_string(emulator.hub_host, before))
    assert by_primary.get_devices() == []
    hub = hubs.get(emulator.group, "contoso-hub")
    policies = list(hubs.list_keys(emulator.group, "contoso-hub"))
    changed = next(policy for policy in policies if policy.key_name == "iothubowner")
    changed.primary_key = fresh_key()
    hub.properties.authorization_policies = policies
    hubs.begin_create_or_update(emulator.group, "contoso-hub", hub, if_match=hub.etag).result()
    with refused(401):
        by_primary.get_devices()
    after = hubs.get_keys_for_key_name(emulator.group, "contoso-hub", "iothubowner")
    assert (after.primary_key, after.secondary_key) == (changed.primary_key, before.secondary_key)
    assert IoTHubRegistryManager.from_connection_string(connection_string(emulator.hub_host, after)).get_devices() == []


def test_a_hubs_name_is_checked(emulator):
    hubs = emulator.hubs("subscription-owner")
    assert hubs.check_name_availability({"name": unique("hub")}).name_available is True
    taken = hubs.check_name_availability({"name": "contoso-hub"})
    assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
    invalid = hubs.check_name_availability({"name": "no_such-name!"})
    assert (invalid.name_available, invalid.reason) == (False, "Invalid")


def test_a_hub_tells_its_statistics_quota_and_skus(emulator):
    hubs = emulator.hubs()
    emulator.registry().create_device_with_sas(unique("device"), None, None, "disabled")
    stats = hubs.get_stats(emulator.group, "contoso-hub")
    assert (stats.total_device_count, stats.disabled_device_count) == (1, 1)
    quotas = {metric.name: metric for metric in hubs.get_quota_metrics(emulator.group, "contoso-hub")}
    assert quotas["TotalDeviceCount"].current_value == 1
    assert "S1" in {sku.sku.name for sku in hubs.get_valid_skus(emulator.group, "contoso-hub")}


def test_consumer_groups_are_kept(emulator):
    hubs, where = emulator.hubs(), (emulator.group, "contoso-hub", "events")
    assert [group.name for group in hubs.list_event_hub_consumer_groups(*where)] == ["$Default"]
    body = {"properties": {"name": "reader"}}
    assert hubs.create_event_hub_consumer_group(*where, "reader", body).name == "reader"
    assert {group.name for group in hubs.list_event_hub_consumer_groups(*where)} == {"$Default", "reader"}
    hubs.delete_event_hub_consumer_group(*where, "reader")
    with pytest.raises(ResourceNotFoundError):
        hubs.get_event_hub_consumer_group(*where, "reader")


@pytest.mark.parametrize(
    "body",
    [
        {"location": "westeurope"},
        {"location": "westeurope", "sku": {"name": "S9", "capacity": 1}},
        {"sku": {"name": "S1", "capacity": 1}},
        {"location": "westeurope", "sku": {"name": "S1", "capacity": 0}},
    ],
    ids=["no sku", "unknown sku", "no location", "no units"],
)
def test_a_hub_that_cannot_be_is_refused(emulator, body):
    name = unique("hub")
    url = f"{emulator.arm}{emulator.scope(HUBS, name)}?api-version=2023-06-30"
    token = emulator.token("owner-app", "arm")
    answer = requests.put(url, json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 400, answer.text
    with pytest.raises(ResourceNotFoundError):
        emulator.hubs().get(emulator.group, name)


# Provisioning services


def make_service(emulator, name=None, **properties):
    body = {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": properties}
    services = emulator.provisioning_services()
    return services.begin_create_or_update(emulator.group, name or unique("dps"), body).result()


def test_a_provisioning_service_that_is_made_answers_on_an_origin_of_its_own(emulator):
    service, services = make_service(emulator), emulator.provisioning_services()
    assert (service.properties.state, service.properties.provisioning_state) == ("Active", "Succeeded")
    assert service.properties.id_scope != emulator.dps["id_scope"]
    owner = services.list_keys_for_key_name(service.name, "provisioningserviceowner", emulator.group)
    where = service.properties.service_operations_host_name
    client = ProvisioningServiceClient(where, owner.key_name, owner.primary_key)
    keys = SymmetricKeyAttestation(primary_key=fresh_key(), secondary_key=fresh_key())
    enrollment = IndividualEnrollment.create(unique("reg"), AttestationMechanism(type="symmetricKey", symmetric_key=keys))
    client.create_or_update(enrollment)
    assert client.get_individual_enrollment(enrollment.registration_id)
    with refused(404):
        emulator.provisioning().get_individual_enrollment(enrollment.registration_id)


def test_a_provisioning_service_is_listed_read_tagged_and_deleted(emulator):
    service, services = make_service(emulator), emulator.provisioning_services()
    names = {"contoso-dps", service.name}
    assert {known.name for known in services.list_by_resource_group(emulator.group)} == names
    assert {known.name for known in emulator.provisioning_services("subscription-owner").list_by_subscription()} == names
    assert services.begin_update(emulator.group, service.name, {"tags": {"a": "b"}}).result().tags == {"a": "b"}
    services.begin_delete(service.name, emulator.group).result()
    with pytest.raises(ResourceNotFoundError):
        services.get(service.name, emulator.group)


def test_links_are_kept_and_their_keys_hidden(emulator):
    owner = emulator.hubs().get_keys_for_key_name(emulator.group, "contoso-hub", "iothubowner")
    link = {
        "connectionString": connection_string("contoso-hub.azure-devices.net", owner),
        "location": "westeurope",
        "allocationWeight": 5,
    }
    service = make_service(emulator, iotHubs=[link])
    found = emulator.provisioning_services().get(service.name, emulator.group)
    assert [(hub.name, hub.allocation_weight) for hub in found.properties.iot_hubs] == [
        ("contoso-hub.azure-devices.net", 5)
    ]
    assert owner.primary_key not in found.properties.iot_hubs[0].connection_string


def test_a_hidden_key_sent_back_leaves_the_link_as_it_is(emulator):
    services = emulator.provisioning_services()
    service = services.get("contoso-dps", emulator.group)
    before = [link.as_dict() for link in service.properties.iot_hubs]
    done = services.begin_create_or_update(emulator.group, "contoso-dps", service).result()
    assert [link.as_dict() for link in done.properties.iot_hubs] == before


def test_a_link_by_identity_needs_the_service_to_have_one(emulator):
    link = IotHubDefinitionDescription(
        host_name="contoso-hub.azure-devices.net", authentication_type="SystemAssigned", location="westeurope"
    )
    with refused(400):
        make_service(emulator, iotHubs=[link.as_dict()])


def test_a_services_key_is_regenerated_at_once(emulator):
    services, where = emulator.provisioning_services(), host(emulator.dps["endpoint"])
    name = "provisioningserviceowner"
    before = services.list_keys_for_key_name("contoso-dps", name, emulator.group)
    service = services.get("contoso-dps", emulator.group)
    changed = {"keyName": name, "rights": before.rights, "primaryKey": fresh_key(), "secondaryKey": before.secondary_key}
    service.properties.authorization_policies = [changed]
    services.begin_create_or_update(emulator.group, "contoso-dps", service).result()
    with refused(401):
        ProvisioningServiceClient(where, name, before.primary_key).get_individual_enrollment("nobody")
    for key in (changed["primaryKey"], before.secondary_key):
        with refused(404):
            ProvisioningServiceClient(where, name, key).get_individual_enrollment("nobody")


def test_a_services_name_is_checked(emulator):
    services = emulator.provisioning_services("subscription-owner")
    assert services.check_provisioning_service_name_availability({"name": unique("dps")}).name_available is True
    taken = services.check_provisioning_service_name_availability({"name": "contoso-dps"})
    assert (taken.name_available, taken.reason) == (False, "AlreadyExists")


# Digital Twins instances


def make_instance(emulator, name=None):
    instances = emulator.twins_instances()
    return instances.begin_create_or_update(emulator.group, name or unique("twins"), {"location": "westeurope"}).result()


def test_an_instance_that_is_made_answers_on_an_origin_of_its_own(emulator):
    instance = make_instance(emulator)
    assert instance.provisioning_state == "Succeeded"
    client = DigitalTwinsClient(f"https://{instance.host_name}", emulator.credential("owner-app"))
    model = {"@context": "dtmi:dtdl:context;2", "@id": "dtmi:com:contoso:Thing;1", "@type": "Interface"}
    client.create_models([model])
    assert [known.id for known in client.list_models()] == ["dtmi:com:contoso:Thing;1"]
    assert list(emulator.twins("owner-app").list_models()) == []


def test_an_instance_is_listed_read_tagged_and_deleted(emulator):
    instance, instances = make_instance(emulator), emulator.twins_instances()
    names = {"contoso-twins", instance.name}
    assert {known.name for known in instances.list_by_resource_group(emulator.group)} == names
    assert {known.name for known in emulator.twins_instances("subscription-owner").list()} == names
    assert instances.begin_update(emulator.group, instance.name, {"tags": {"a": "b"}}).result().tags == {"a": "b"}
    instances.begin_delete(emulator.group, instance.name).result()
    with pytest.raises(ResourceNotFoundError):
        instances.get(emulator.group, instance.name)


def test_an_instances_name_is_checked(emulator):
    instances, kind = emulator.twins_instances("subscription-owner"), TWINS
    free = instances.check_name_availability("westeurope", {"name": unique("twins"), "type": kind})
    taken = instances.check_name_availability("westeurope", {"name": "contoso-twins", "type": kind})
    assert (free.name_available, taken.name_available, taken.reason) == (True, False, "AlreadyExists")


# Who may


def test_management_needs_a_role_too_and_says_which_action(emulator):
    for attempt in (
        lambda: emulator.hubs("no-roles-app").get(emulator.group, "contoso-hub"),
        lambda: emulator.hubs("registry-app").list_keys(emulator.group, "contoso-hub").next(),
        lambda: emulator.provisioning_services("no-roles-app").get("contoso-dps", emulator.group),
        lambda: emulator.twins_instances("no-roles-app").get(emulator.group, "contoso-twins"),
    ):
        with refused(403) as refusal:
            attempt()
        assert refusal.body["error"]["code"] == "AuthorizationFailed"
        assert "does not have authorization to perform action" in refusal.body["error"]["message"]
    assert "no-roles-app" in str(emulator.last_decision())


def test_a_reader_of_the_group_reads_and_does_not_see_keys(emulator):
    emulator.assign("Reader", "no-roles-app", emulator.scope("group", emulator.group))
    hubs = emulator.hubs("no-roles-app")
    assert hubs.get(emulator.group, "contoso-hub").name == "contoso-hub"
    with refused(403) as refusal:
        list(hubs.list_keys(emulator.group, "contoso-hub"))
    assert "Microsoft.Devices/iotHubs/listkeys/action".lower() in refusal.body["error"]["message"].lower()


def test_a_contributor_manages_resources_and_no_roles(emulator):
    scope = emulator.scope("group", emulator.group)
    emulator.assign("Contributor", "no-roles-app", scope)
    hubs = emulator.hubs("no-roles-app")
    name = unique("hub")
    hubs.begin_create_or_update(
        emulator.group, name, {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}}
    ).result()
    with refused(403):
        emulator.assign("Reader", "reader-app", scope, by="no-roles-app")


def test_no_token_and_one_for_a_hub_are_refused(emulator):
    url = f"{emulator.arm}{emulator.scope(HUBS, 'contoso-hub')}?api-version=2023-06-30"
    for headers in ({}, {"Authorization": f"Bearer {emulator.token('owner-app', 'hub')}"}):
        assert requests.get(url, headers=headers).status_code == 401


# Roles


def test_the_iot_roles_are_built_in_under_their_azure_ids(emulator):
    definitions = emulator.authorization().role_definitions
    scope = emulator.scope("group", emulator.group)
    found = {role.role_name: role for role in definitions.list(scope, filter="type eq 'BuiltInRole'")}
    for name, role_id in (
        ("IoT Hub Data Contributor", "4fc6c259-987e-4a07-842e-c321cc9d413f"),
        ("IoT Hub Data Reader", "b447c946-2db7-41ec-983d-d8bf3b1c77e3"),
        ("IoT Hub Registry Contributor", "4ea46cd5-c1b2-4a8e-910b-273211f9ce47"),
        ("IoT Hub Twin Contributor", "494bdba2-168f-4f31-a0a1-191d2f7c028c"),
        ("Azure Digital Twins Data Owner", "bcd981a7-7f74-457b-83e1-cceb9e632ffe"),
        ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
    ):
        assert found[name].name == role_id
        assert found[name].role_type == "BuiltInRole"


def test_a_custom_role_is_made_assigned_changed_and_deleted(emulator):
    client, scope = emulator.authorization(), emulator.scope("group", emulator.group)
    name, role_id = unique("role"), str(uuid.uuid4())

    def define(*data_actions, **more):
        permissions = [{"data_actions": list(data_actions), **more}]
        body = {"role_name": name, "role_type": "CustomRole", "permissions": permissions, "assignable_scopes": [scope]}
        return client.role_definitions.create_or_update(scope, role_id, body)

    made = define("Microsoft.Devices/IotHubs/*", not_data_actions=["Microsoft.Devices/IotHubs/devices/write"])
    assert (made.name, made.role_type, made.role_name) == (role_id, "CustomRole", name)
    assignment = emulator.assign(name, "no-roles-app", emulator.scope(HUBS, "contoso-hub"))
    registry = emulator.registry("no-roles-app")
    assert registry.get_devices() == []
    with refused(401):
        registry.create_device_with_sas(unique("device"), None, None, "enabled")
    define("Microsoft.Devices/IotHubs/devices/write")
    device = registry.create_device_with_sas(unique("device"), None, None, "enabled")
    with refused(401):
        registry.get_device(device.device_id)
    with refused(409):
        client.role_definitions.delete(scope, role_id)
    client.role_assignments.delete_by_id(assignment.id)
    client.role_definitions.delete(scope, role_id)
    with pytest.raises(ResourceNotFoundError):
        client.role_definitions.get(scope, role_id)


def test_a_built_in_role_cannot_be_changed(emulator):
    client, scope = emulator.authorization("subscription-owner"), f"/subscriptions/{emulator.subscription_id}"
    role = next(client.role_definitions.list(scope, filter="roleName eq 'Reader'"))
    body = {"role_name": "Reader", "permissions": [{"actions": ["*"]}], "assignable_scopes": [scope]}
    with pytest.raises(HttpResponseError) as caught:
        client.role_definitions.create_or_update(scope, role.name, body)
    assert caught.value.error.code == "RoleDefinitionUpdateNotPermitted"
    assert client.role_definitions.get(scope, role.name).permissions[0].actions == ["*/read"]


def test_an_assignment_is_made_once(emulator):
    scope = emulator.scope("group", emulator.group)
    emulator.assign("Reader", "no-roles-app", scope)
    with pytest.raises(ResourceExistsError) as caught:
        emulator.assign("Reader", "no-roles-app", scope)
    assert caught.value.error.code == "RoleAssignmentExists"


def test_an_assignment_to_nobody_is_refused(emulator):
    client, scope = emulator.authorization(), emulator.scope("group", emulator.group)
    role = next(client.role_definitions.list(scope, filter="roleName eq 'Reader'"))
    body = {"role_definition_id": role.id, "principal_id": str(uuid.uuid4()), "principal_type": "ServicePrincipal"}
    with pytest.raises(HttpResponseError) as caught:
        client.role_assignments.create(scope, str(uuid.uuid4()), body)
    assert (caught.value.status_code, caught.value.error.code) == (400, "PrincipalNotFound")


def test_assignments_are_listed_at_a_scope_above_it_and_by_principal(emulator):
    client, hub = emulator.authorization(), emulator.scope(HUBS, "contoso-hub")
    made = emulator.assign("IoT Hub Data Reader", "no-roles-app", hub)
    object_id = emulator.principal("no-roles-app")["object_id"]
    here = list(client.role_assignments.list_for_scope(hub, filter=f"principalId eq '{object_id}'"))
    assert [assignment.id for assignment in here] == [made.id]
    from_above = {assignment.scope for assignment in client.role_assignments.list_for_scope(hub, filter="atScope()")}
    assert emulator.scope("group", emulator.group) in from_above
    assert client.role_assignments.get_by_id(made.id).principal_id == object_id


def test_permissions_tell_what_the_caller_may(emulator):
    emulator.assign("Reader", "reader-app", emulator.scope("group", emulator.group))
    hub = ("Microsoft.Devices", "", "IotHubs", "contoso-hub")
    found = list(emulator.authorization("reader-app").permissions.list_for_resource(emulator.group, *hub))
    assert ["*/read"] in [each.actions for each in found]
    assert any("Microsoft.Devices/IotHubs/*/read" in (each.data_actions or []) for each in found)
    owner = list(emulator.authorization("owner-app").permissions.list_for_resource_group(emulator.group))
    assert any(each.actions == ["*"] for each in owner)
    with refused(403):
        list(emulator.authorization("no-roles-app").permissions.list_for_resource_group(emulator.group))
