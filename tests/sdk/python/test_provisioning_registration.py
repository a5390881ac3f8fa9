"""A device's own registration at a DPS over HTTPS, and what becomes of it when a hub denies SAS.

Requests as the device SDKs send them: SAS by the enrollment's key, PUT to register, GET to poll.
"""

import json

import pytest
from azure.mgmt.iothubprovisioningservices.models import IotHubDefinitionDescription, ManagedServiceIdentity
from provisioningserviceclient import EnrollmentGroup, IndividualEnrollment
from provisioningserviceclient.models import AttestationMechanism, InitialTwin, SymmetricKeyAttestation

from emulator import derived_key, fresh_key, sas, unique
from refusals import refused

DEVICE_API = "2021-06-01"
HUB = "contoso-hub"
DPS = "contoso-dps"


class Device:
    """A device at the DPS's device API."""

    def __init__(self, emulator, registration_id, key):
        self.emulator, self.registration_id, self.key = emulator, registration_id, key
        self.path = f"/{emulator.dps['id_scope']}/registrations/{registration_id}"

    def send(self, method, path, body, authorization=None):
        resource = f"{self.emulator.dps['id_scope']}/registrations/{self.registration_id}"
        authorization = authorization or sas(resource, self.key, "registration")
        return self.emulator.dps_request(method, f"{self.path}{path}", authorization, DEVICE_API, json=body)

    def ask(self, **body):
        return self.send("PUT", "/register", {"registrationId": self.registration_id, **body})

    def register(self, **body):
        """Registers and polls to the end; answers the operation."""
        answer = self.ask(**body)
        assert answer.status_code == 202, answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["status"] == "assigning"
        polled = self.send("GET", f"/operations/{answer.json()['operationId']}", {})
        assert polled.status_code == 200, polled.text
        return polled.json()


def by_key(primary, secondary=None):
    keys = SymmetricKeyAttestation(primary_key=primary, secondary_key=secondary or fresh_key())
    return AttestationMechanism(type="symmetricKey", symmetric_key=keys)


@pytest.fixture
def device(emulator):
    """A device with an individual enrollment."""
    registration_id, key = unique("meter"), fresh_key()
    emulator.provisioning().create_or_update(IndividualEnrollment.create(registration_id, by_key(key)))
    return Device(emulator, registration_id, key)


def grouped_device(emulator, **group):
    """A device of an enrollment group, which signs by the key derived for it."""
    key, registration_id = fresh_key(), unique("sensor")
    emulator.provisioning().create_or_update(EnrollmentGroup.create(unique("group"), by_key(key), **group))
    return Device(emulator, registration_id, derived_key(key, registration_id))


# Registration


def test_a_device_is_assigned_and_is_in_the_hub_with_its_key(emulator, device):
    operation = device.register()
    state = operation["registrationState"]
    assert (operation["status"], state["status"], state["substatus"]) == ("assigned", "assigned", "initialAssignment")
    assert (state["deviceId"], state["registrationId"]) == (device.registration_id, device.registration_id)
    assert state["assignedHub"] == "localhost"
    made = emulator.registry("owner-app").get_device(device.registration_id)
    assert made.authentication.symmetric_key.primary_key == device.key


def test_a_device_of_a_group_is_assigned_by_its_derived_key(emulator):
    device = grouped_device(emulator)
    assert device.register()["registrationState"]["status"] == "assigned"
    made = emulator.registry("owner-app").get_device(device.registration_id)
    assert made.authentication.symmetric_key.primary_key == device.key


def test_the_new_device_signs_in_to_its_hub_with_its_own_key_only(emulator, device):
    device.register()
    resource = f"{emulator.hub_host}/devices/{device.registration_id}"
    path = f"/devices/{device.registration_id}/messages/deviceBound"
    assert emulator.hub_request("GET", path, sas(resource, device.key)).status_code != 401
    assert emulator.hub_request("GET", path, sas(resource, fresh_key())).status_code == 401


def test_the_twin_starts_as_the_enrollment_says(emulator):
    twin = InitialTwin.create(tags={"site": "Delft"}, desired_properties={"interval": 5})
    device = grouped_device(emulator, initial_twin=twin)
    device.register()
    found = emulator.registry("owner-app").get_twin(device.registration_id)
    assert (found.tags, found.properties.desired["interval"]) == ({"site": "Delft"}, 5)


def test_the_device_has_the_id_that_its_enrollment_gives(emulator):
    registration_id, device_id, key = unique("reg"), unique("Device"), fresh_key()
    emulator.provisioning().create_or_update(
        IndividualEnrollment.create(registration_id, by_key(key), device_id=device_id)
    )
    assert Device(emulator, registration_id, key).register()["registrationState"]["deviceId"] == device_id
    assert emulator.registry("owner-app").get_device(device_id).device_id == device_id


def test_the_service_knows_the_registration(emulator, device):
    device.register()
    service = emulator.provisioning()
    state = service.get_registration_state(device.registration_id)
    assert (state.status, state.assigned_hub) == ("assigned", "contoso-hub.azure-devices.net")
    assert service.get_individual_enrollment(device.registration_id).registration_state.status == "assigned"
    service.delete_registration_state_by_param(device.registration_id)
    with refused(404) as refusal:
        service.get_registration_state(device.registration_id)
    assert refusal.body["errorCode"] == 404202


def test_a_device_that_registers_again_keeps_its_hub_its_keys_and_its_twin(emulator, device):
    device.register()
    registry = emulator.registry("owner-app")
    registry.update_twin(device.registration_id, {"tags": {"site": "Utrecht"}})
    before = registry.get_device(device.registration_id)
    assert device.register()["registrationState"]["substatus"] == "reprovisionedToInitialAssignment"
    after = registry.get_device(device.registration_id)
    assert (after.generation_id, after.authentication.symmetric_key.primary_key) == (before.generation_id, device.key)
    assert registry.get_twin(device.registration_id).tags == {"site": "Utrecht"}


def test_the_registration_answers_what_it_is_asked(emulator, device):
    device.register()
    answer = device.send("POST", "", {"registrationId": device.registration_id})
    assert (answer.status_code, answer.json()["status"]) == (200, "assigned")


def test_a_disabled_enrollment_assigns_nothing(emulator, device):
    service = emulator.provisioning()
    enrollment = service.get_individual_enrollment(device.registration_id)
    enrollment.provisioning_status = "disabled"
    service.create_or_update(enrollment)
    answer = device.ask()
    assert (answer.status_code, answer.json()["errorCode"]) == (401, 401002)
    with refused(404):
        emulator.registry("owner-app").get_device(device.registration_id)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda device, resource: sas(resource, fresh_key(), "registration"),
        lambda device, resource: sas(resource, device.key, "registration", ttl_seconds=-600),
        lambda device, resource: sas(resource + "x", device.key, "registration"),
        lambda device, resource: sas("0ne000ELSEWHERE/registrations/" + device.registration_id, device.key, "registration"),
        lambda device, resource: "Bearer " + device.emulator.token("owner-app", "dps"),
    ],
    ids=["other key", "expired", "other registration", "other scope", "Entra token"],
)
def test_a_device_that_cannot_prove_itself_is_refused(emulator, device, spoil):
    resource = f"{emulator.dps['id_scope']}/registrations/{device.registration_id}"
    body = {"registrationId": device.registration_id}
    answer = device.send("PUT", "/register", body, authorization=spoil(device, resource))
    assert answer.status_code == 401, answer.text
    with refused(404):
        emulator.registry("owner-app").get_device(device.registration_id)


def test_a_device_of_a_group_cannot_speak_for_another(emulator):
    device = grouped_device(emulator)
    impostor = Device(emulator, unique("sensor"), device.key)
    assert impostor.ask().status_code == 401


def test_an_unknown_id_scope_is_refused(emulator, device):
    answer = emulator.dps_request(
        "PUT",
        f"/0ne000ELSEWHERE/registrations/{device.registration_id}/register",
        sas(f"0ne000ELSEWHERE/registrations/{device.registration_id}", device.key, "registration"),
        DEVICE_API,
        json={"registrationId": device.registration_id},
    )
    assert (answer.status_code, answer.json()["errorCode"]) == (404, 404000)


# The switch


def set_local_auth(emulator, disabled):
    hubs = emulator.hubs()
    hub = hubs.get(emulator.group, HUB)
    hub.properties.disable_local_auth = disabled
    hubs.begin_create_or_update(emulator.group, HUB, hub, if_match=hub.etag).result()


def link(emulator, definition):
    """Replaces the links of the DPS, which has its identity besides."""
    services = emulator.provisioning_services()
    service = services.get(DPS, emulator.group)
    service.identity = ManagedServiceIdentity(type="SystemAssigned")
    service.properties.iot_hubs = [definition]
    done = services.begin_create_or_update(emulator.group, DPS, service).result()
    assert len(done.properties.iot_hubs) == 1
    return done


def link_by_identity(emulator):
    return link(
        emulator,
        IotHubDefinitionDescription(
            host_name="contoso-hub.azure-devices.net", authentication_type="SystemAssigned", location="westeurope"
        ),
    )


def failure(operation):
    """What the hub said, out of a registration that failed."""
    state = operation["registrationState"]
    assert (operation["status"], state["status"]) == ("failed", "failed")
    return state["errorCode"], json.loads(state["errorMessage"])["Message"]


def test_denying_sas_breaks_provisioning_through_a_connection_string(emulator, device):
    set_local_auth(emulator, True)
    code, message = failure(device.register())
    assert code == 401002
    assert message == "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"
    with refused(404):
        emulator.registry("owner-app").get_device(device.registration_id)
    set_local_auth(emulator, False)
    assert device.register()["registrationState"]["status"] == "assigned"


def test_denying_sas_breaks_groups_too(emulator):
    device = grouped_device(emulator)
    set_local_auth(emulator, True)
    assert failure(device.register())[0] == 401002


def test_an_identity_without_a_role_fails_and_names_what_is_missing(emulator, device):
    link_by_identity(emulator)
    set_local_auth(emulator, True)
    code, message = failure(device.register())
    assert code == 401003
    assert message.startswith("ErrorCode:IotHubUnauthorized;Principal ")
    assert "is not authorized for PUT on /devices/" in message


def test_an_identity_with_the_role_provisions_while_sas_is_denied(emulator, device):
    service = link_by_identity(emulator)
    assert service.identity.principal_id == emulator.principal(DPS)["object_id"]
    emulator.assign("IoT Hub Data Contributor", DPS, emulator.scope("Microsoft.Devices/IotHubs", HUB))
    set_local_auth(emulator, True)
    assert device.register()["registrationState"]["status"] == "assigned"
    assert emulator.registry("owner-app").get_device(device.registration_id)


def test_a_link_keeps_the_key_it_was_made_with(emulator, device):
    """A regenerated key breaks the link that carries the old one, and no switch is needed for that."""
    hubs = emulator.hubs()
    hub = hubs.get(emulator.group, HUB)
    policies = list(hubs.list_keys(emulator.group, HUB))
    owner = next(policy for policy in policies if policy.key_name == "iothubowner")
    owner.primary_key = fresh_key()
    hub.properties.authorization_policies = policies
    hubs.begin_create_or_update(emulator.group, HUB, hub, if_match=hub.etag).result()
    assert failure(device.register())[0] == 401002
    link(
        emulator,
        IotHubDefinitionDescription(
            connection_string=(
                f"HostName=contoso-hub.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey={owner.primary_key}"
            ),
            location="westeurope",
        ),
    )
    assert device.register()["registrationState"]["status"] == "assigned"
