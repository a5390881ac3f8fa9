"""Who may do what at a hub: roles, their absence, bad tokens, SAS rights, and the switch that denies SAS."""

import base64
import json

import jwt
import pytest
import requests
from azure.iot.hub import IoTHubRegistryManager
from azure.iot.hub.models import CloudToDeviceMethod, QuerySpecification, Twin
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator import HUB_API, fresh_key, sas, unique
from refusals import refused

HUBS = "Microsoft.Devices/IotHubs"
HUB = "contoso-hub"


def new_device(registry):
    return registry.create_device_with_sas(unique("device"), fresh_key(), fresh_key(), "enabled")


@pytest.fixture
def device(emulator):
    """A device made by the hub's owner policy."""
    return new_device(emulator.registry())


def is_unauthorized_access(refusal):
    """The hub's answer to a credential that it does not take at all."""
    assert refusal.headers["iothub-errorcode"] == "IotHubUnauthorizedAccess"
    assert refusal.body["Message"] == "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"
    assert refusal.body["ExceptionMessage"].startswith("Tracking ID:")


def names_the_missing_permission(refusal, principal, method, path):
    """The hub's answer to somebody it knows, who has no role for this."""
    assert refusal.headers["iothub-errorcode"] == "IotHubUnauthorized"
    assert refusal.body["Message"] == (
        f"ErrorCode:IotHubUnauthorized;Principal {principal} is not authorized for {method} on {path} "
        "due to no assigned permissions"
    )


# Roles


def test_a_reader_reads_and_does_not_write(emulator, device):
    reader = emulator.registry("reader-app")
    assert reader.get_device(device.device_id).device_id == device.device_id
    assert reader.get_twin(device.device_id).device_id == device.device_id
    assert len(reader.query_iot_hub(QuerySpecification(query="SELECT * FROM devices")).items) == 1
    attempts = [
        lambda: new_device(reader),
        lambda: reader.delete_device(device.device_id),
        lambda: reader.update_twin(device.device_id, Twin(tags={"a": 1})),
        lambda: reader.invoke_device_method(device.device_id, CloudToDeviceMethod(method_name="reboot")),
    ]
    for attempt in attempts:
        with refused(401) as refusal:
            attempt()
        assert refusal.headers["iothub-errorcode"] == "IotHubUnauthorized"
    assert [known.device_id for known in emulator.registry().get_devices()] == [device.device_id]
    assert emulator.registry().get_twin(device.device_id).tags is None


def test_a_registry_contributor_keeps_devices_and_sees_no_twin(emulator, device):
    registry = emulator.registry("registry-app")
    made = new_device(registry)
    registry.delete_device(made.device_id)
    for attempt in (
        lambda: registry.get_twin(device.device_id),
        lambda: registry.query_iot_hub(QuerySpecification(query="SELECT * FROM devices")),
    ):
        with refused(401) as refusal:
            attempt()
        assert refusal.headers["iothub-errorcode"] == "IotHubUnauthorized"


def test_a_twin_contributor_keeps_twins_and_sees_no_device(emulator, device):
    twins = emulator.registry("twin-app")
    assert twins.update_twin(device.device_id, Twin(tags={"a": 1})).tags == {"a": 1}
    with refused(401):
        twins.get_device(device.device_id)


def test_nobody_without_a_role_is_let_in_and_the_refusal_names_who_and_what(emulator, device):
    with refused(401) as refusal:
        emulator.registry("no-roles-app").get_device(device.device_id)
    names_the_missing_permission(refusal, "no-roles-app", "GET", f"/devices/{device.device_id}")


def test_an_owner_of_the_subscription_has_no_right_to_its_data(emulator, device):
    with refused(401) as refusal:
        emulator.registry("subscription-owner").get_device(device.device_id)
    assert refusal.headers["iothub-errorcode"] == "IotHubUnauthorized"
    assert emulator.hubs("subscription-owner").get(emulator.group, HUB).name == HUB


def test_a_user_reads_by_the_role_of_a_group(emulator, device):
    registry = emulator.registry("operator")
    assert registry.get_device(device.device_id).device_id == device.device_id
    with refused(401):
        new_device(registry)


def test_a_bulk_request_needs_the_right_to_delete_too(emulator):
    client = emulator.authorization()
    scope = emulator.scope(HUBS, HUB)
    role = unique("role")
    role_id = "c0ffee00-0000-4000-8000-0000000000b1"
    client.role_definitions.create_or_update(
        scope,
        role_id,
        {
            "role_name": role,
            "role_type": "CustomRole",
            "permissions": [{"data_actions": ["Microsoft.Devices/IotHubs/devices/write"]}],
            "assignable_scopes": [emulator.scope("group", emulator.group)],
        },
    )
    emulator.assign(role, "no-roles-app", scope)
    registry = emulator.registry("no-roles-app")
    made = new_device(registry)
    with refused(401) as refusal:
        registry.bulk_create_or_update_devices([{"id": made.device_id, "importMode": "delete"}])
    assert refusal.headers["iothub-errorcode"] == "IotHubUnauthorized"
    assert emulator.registry().get_device(made.device_id).device_id == made.device_id


def test_a_role_takes_effect_when_it_is_assigned_and_ends_when_it_is_taken(emulator, device):
    registry = emulator.registry("no-roles-app")
    with refused(401):
        registry.get_device(device.device_id)
    assignment = emulator.assign("IoT Hub Data Reader", "no-roles-app", emulator.scope(HUBS, HUB))
    assert registry.get_device(device.device_id).device_id == device.device_id
    emulator.authorization().role_assignments.delete_by_id(assignment.id)
    with refused(401):
        registry.get_device(device.device_id)


def test_a_role_on_the_group_or_the_subscription_reaches_the_hub(emulator, device):
    subscription = f"/subscriptions/{emulator.subscription_id}"
    for scope in (emulator.scope("group", emulator.group), subscription):
        assignment = emulator.assign("IoT Hub Data Reader", "no-roles-app", scope, by="subscription-owner")
        assert emulator.registry("no-roles-app").get_device(device.device_id)
        emulator.authorization("subscription-owner").role_assignments.delete_by_id(assignment.id)


def test_the_management_role_called_contributor_grants_no_data(emulator, device):
    emulator.assign("Contributor", "no-roles-app", emulator.scope(HUBS, HUB))
    with refused(401):
        emulator.registry("no-roles-app").get_device(device.device_id)
    assert list(emulator.hubs("no-roles-app").list_keys(emulator.group, HUB))


def test_the_refusal_is_explained_under_its_own_id(emulator, device):
    token = emulator.token("no-roles-app", "hub")
    answer = emulator.hub_request("GET", f"/devices/{device.device_id}", f"Bearer {token}")
    assert answer.status_code == 401
    decision = requests.get(f"{emulator.control}/decisions/{answer.headers['x-iolite-decision']}").json()
    text = json.dumps(decision)
    assert "no-roles-app" in text and "Microsoft.Devices/IotHubs/devices/read" in text
    assert "az role assignment create" in text
    assert token not in text


# Tokens


@pytest.mark.parametrize(
    "flaw", ["expired", "not-yet-valid", "wrong-audience", "wrong-issuer", "bad-signature", "unsigned", "unknown-key"]
)
def test_a_token_with_a_flaw_is_refused(emulator, device, flaw):
    registry = emulator.registry_with_token(emulator.token("owner-app", "hub", flaw))
    with refused(401) as refusal:
        registry.get_device(device.device_id)
    is_unauthorized_access(refusal)


@pytest.mark.parametrize("audience", ["dps", "twins", "arm"])
def test_a_token_for_another_service_is_refused(emulator, device, audience):
    with refused(401) as refusal:
        emulator.registry_with_token(emulator.token("owner-app", audience)).get_device(device.device_id)
    is_unauthorized_access(refusal)


def test_a_token_expires_by_the_emulators_clock_and_its_leeway(emulator, device):
    token = emulator.token("owner-app", "hub")
    claims = jwt.decode(token, options={"verify_signature": False})
    lifetime = claims["exp"] - claims["iat"]
    registry = emulator.registry_with_token(token)
    emulator.post("/clock", {"freeze": True})
    emulator.post("/clock", {"advanceSeconds": lifetime + 200})
    assert registry.get_device(device.device_id)
    emulator.post("/clock", {"advanceSeconds": 200})
    with refused(401) as refusal:
        registry.get_device(device.device_id)
    is_unauthorized_access(refusal)


def test_a_key_inside_the_token_makes_no_difference(emulator, device):
    """A stranger's key, offered by the token itself in every place a header has for one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    good = emulator.token("owner-app", "hub")
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    own = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    for header in ({"kid": kid}, {"jwk": own}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example"}):
        forged = jwt.encode(claims, key, algorithm="RS256", headers=header)
        with refused(401) as refusal:
            emulator.registry_with_token(forged).get_device(device.device_id)
        is_unauthorized_access(refusal)


def test_a_public_key_used_as_a_secret_makes_no_token(emulator, device):
    good = emulator.token("owner-app", "hub")
    keys = requests.get(f"{emulator.authority}/{emulator.tenant_id}/discovery/v2.0/keys").json()["keys"]
    header = {"alg": "HS256", "typ": "JWT", "kid": jwt.get_unverified_header(good)["kid"]}
    claims = jwt.decode(good, options={"verify_signature": False})
    forged = jwt.encode(claims, base64.urlsafe_b64decode(keys[0]["n"] + "=="), algorithm="HS256", headers=header)
    with refused(401) as refusal:
        emulator.registry_with_token(forged).get_device(device.device_id)
    is_unauthorized_access(refusal)


def test_tokens_of_a_retired_signing_key_are_refused_and_new_ones_taken(emulator, device):
    old = emulator.registry_with_token(emulator.token("owner-app", "hub"))
    assert old.get_device(device.device_id)
    emulator.post("/keys/rotate", {"overlapSeconds": 0})
    with refused(401):
        old.get_device(device.device_id)
    assert emulator.registry_with_token(emulator.token("owner-app", "hub")).get_device(device.device_id)


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer x", "Bearer a.b.c", "Basic dXNlcjpwYXNz", "nonsense"])
def test_no_credential_and_nonsense_are_refused(emulator, authorization):
    answer = emulator.hub_request("GET", "/devices", authorization)
    assert answer.status_code == 401
    assert answer.headers["iothub-errorcode"] == "IotHubUnauthorizedAccess"


def test_an_entra_token_is_no_credential_for_a_devices_own_api(emulator, device):
    token = emulator.token("owner-app", "hub")
    path = f"/devices/{device.device_id}/messages/deviceBound"
    assert emulator.hub_request("GET", path, f"Bearer {token}").status_code == 401


# SAS


def connection_string(emulator, policy):
    keys = emulator.hubs().get_keys_for_key_name(emulator.group, HUB, policy)
    return f"HostName={emulator.hub_host};SharedAccessKeyName={policy};SharedAccessKey={keys.primary_key}"


def by_policy(emulator, policy):
    return IoTHubRegistryManager.from_connection_string(connection_string(emulator, policy))


def test_a_policy_reaches_as_far_as_its_rights(emulator, device):
    reading, writing = by_policy(emulator, "registryRead"), by_policy(emulator, "registryReadWrite")
    service = by_policy(emulator, "service")
    assert reading.get_device(device.device_id) and new_device(writing)
    assert service.get_twin(device.device_id).device_id == device.device_id
    for attempt in (
        lambda: new_device(reading),
        lambda: reading.get_twin(device.device_id),
        lambda: service.get_device(device.device_id),
        lambda: by_policy(emulator, "device").get_device(device.device_id),
    ):
        with refused(401) as refusal:
            attempt()
        is_unauthorized_access(refusal)


def test_both_keys_of_a_policy_hold_and_no_other(emulator):
    keys = emulator.hubs().get_keys_for_key_name(emulator.group, HUB, "iothubowner")
    host = emulator.hub_host
    for key, status in ((keys.primary_key, 200), (keys.secondary_key, 200), (fresh_key(), 401)):
        answer = emulator.hub_request("GET", "/devices", sas(host, key, "iothubowner"))
        assert answer.status_code == status


@pytest.mark.parametrize(
    "spoil",
    [
        lambda host, key: sas(host, key, "iothubowner", ttl_seconds=-600),
        lambda host, key: sas("elsewhere.azure-devices.net", key, "iothubowner"),
        lambda host, key: sas(f"{host}x", key, "iothubowner"),
        lambda host, key: sas(f"{host}/dev", key, "iothubowner"),
        lambda host, key: sas(host, key, "nobody"),
        lambda host, key: sas(host, key),
        lambda host, key: sas(host, key, "iothubowner").replace("sig=", "sig=A"),
    ],
    ids=["expired", "other host", "longer host", "part of a segment", "unknown policy", "no policy", "other signature"],
)
def test_a_signature_that_does_not_fit_is_refused(emulator, spoil):
    key = emulator.hubs().get_keys_for_key_name(emulator.group, HUB, "iothubowner").primary_key
    answer = emulator.hub_request("GET", "/devices", spoil(emulator.hub_host, key))
    assert answer.status_code == 401
    assert answer.headers["iothub-errorcode"] == "IotHubUnauthorizedAccess"


def test_a_signature_for_the_registry_reaches_no_twin(emulator, device):
    key = emulator.hubs().get_keys_for_key_name(emulator.group, HUB, "iothubowner").primary_key
    token = sas(f"{emulator.hub_host}/devices", key, "iothubowner")
    assert emulator.hub_request("GET", f"/devices/{device.device_id}", token).status_code == 200
    assert emulator.hub_request("GET", f"/twins/{device.device_id}", token).status_code == 401


def test_a_signature_for_one_device_opens_that_device_alone_and_only_by_a_policy(emulator, device):
    policy_key = emulator.hubs().get_keys_for_key_name(emulator.group, HUB, "iothubowner").primary_key
    device_key = device.authentication.symmetric_key.primary_key
    resource = f"{emulator.hub_host}/devices/{device.device_id}"
    by_policy = sas(resource, policy_key, "iothubowner")
    assert emulator.hub_request("GET", f"/devices/{device.device_id}", by_policy).status_code == 200
    for path in ("/devices", f"/devices/{device.device_id}x", f"/twins/{device.device_id}"):
        assert emulator.hub_request("GET", path, by_policy).status_code == 401
    by_device = sas(resource, device_key)
    assert emulator.hub_request("GET", f"/devices/{device.device_id}", by_device).status_code == 401


# The switch


def set_local_auth(emulator, disabled):
    """Through azure-mgmt-iothub, as an administrator does: read, change, put."""
    hubs = emulator.hubs()
    hub = hubs.get(emulator.group, HUB)
    hub.properties.disable_local_auth = disabled
    return hubs.begin_create_or_update(emulator.group, HUB, hub, if_match=hub.etag).result()


def test_the_switch_refuses_sas_at_once_and_entra_goes_on(emulator, device):
    by_sas, by_token = emulator.registry(), emulator.registry("owner-app")
    assert by_sas.get_device(device.device_id)
    assert set_local_auth(emulator, True).properties.disable_local_auth is True
    with refused(401) as refusal:
        by_sas.get_device(device.device_id)
    is_unauthorized_access(refusal)
    assert by_token.get_device(device.device_id)
    assert new_device(by_token)
    assert set_local_auth(emulator, False).properties.disable_local_auth is False
    assert by_sas.get_device(device.device_id)


def device_is_let_in(emulator, device):
    """Whether the device's own key opens its own API; what that then answers is another matter."""
    resource = f"{emulator.hub_host}/devices/{device.device_id}"
    token = sas(resource, device.authentication.symmetric_key.primary_key)
    answer = emulator.hub_request("GET", f"/devices/{device.device_id}/messages/deviceBound", token)
    return answer.status_code not in (401, 403)


def test_devices_keep_their_sas_until_that_is_denied_too(emulator, device):
    set_local_auth(emulator, True)
    assert device_is_let_in(emulator, device)
    hubs = emulator.hubs()
    for denied in (True, False):
        hub = hubs.get(emulator.group, HUB)
        hub.properties.disable_device_sas = denied
        hubs.begin_create_or_update(emulator.group, HUB, hub, if_match=hub.etag).result()
        assert device_is_let_in(emulator, device) is not denied


def test_a_disabled_device_is_not_let_in(emulator, device):
    assert device_is_let_in(emulator, device)
    keys = device.authentication.symmetric_key
    emulator.registry().update_device_with_sas(
        device.device_id, device.etag, keys.primary_key, keys.secondary_key, "disabled"
    )
    assert not device_is_let_in(emulator, device)


def test_the_switch_leaves_the_policies_keys_as_they_are(emulator):
    def keys():
        return [key.as_dict() for key in emulator.hubs().list_keys(emulator.group, HUB)]

    before = keys()
    set_local_auth(emulator, True)
    set_local_auth(emulator, False)
    assert keys() == before


def test_the_switch_closes_an_open_connection_to_sas(emulator):
    key = emulator.hubs().get_keys_for_key_name(emulator.group, HUB, "iothubowner").primary_key
    headers = {"Authorization": sas(emulator.hub_host, key, "iothubowner")}
    with requests.Session() as session:
        url = f"{emulator.hub['endpoint']}/devices?api-version={HUB_API}"
        assert session.get(url, headers=headers).status_code == 200
        set_local_auth(emulator, True)
        assert session.get(url, headers=headers).status_code == 401
        set_local_auth(emulator, False)
        assert session.get(url, headers=headers).status_code == 200


def test_the_switch_is_flipped_by_a_patch_too(emulator, device):
    url = f"{emulator.arm}{emulator.scope(HUBS, HUB)}?api-version=2023-06-30"
    headers = {"Authorization": f"Bearer {emulator.token('owner-app', 'arm')}"}
    answer = requests.patch(url, headers=headers, json={"properties": {"disableLocalAuth": True}})
    assert answer.status_code in (200, 202), answer.text
    with refused(401):
        emulator.registry().get_device(device.device_id)


def test_the_rehearsal_names_who_uses_sas_and_what_would_break(emulator, device):
    emulator.registry().get_device(device.device_id)
    plan = requests.get(f"{emulator.control}/hubs/{HUB}/local-auth").json()
    assert plan["disabled"] is False
    assert "iothubowner" in [user["policy"] for user in plan["rehearsal"]["sasUsers"]]
    links = plan["rehearsal"]["linkedServices"]
    assert [(link["name"], link["link"], link["breaks"]) for link in links] == [("contoso-dps", "connectionString", True)]
    assert plan["rehearsal"]["lines"]


def test_the_explanation_of_a_refused_signature_names_the_switch(emulator, device):
    set_local_auth(emulator, True)
    with refused(401):
        emulator.registry().get_device(device.device_id)
    assert "disableLocalAuth" in json.dumps(emulator.last_decision())
