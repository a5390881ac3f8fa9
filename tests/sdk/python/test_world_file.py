"""What a world file decides: the cloud, lifetimes, the delay of role assignments, denials, and more hubs than one."""

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.iot.hub import IoTHubRegistryManager

from emulator import Bearer, started_with, unique
from refusals import refused

HUBS = "Microsoft.Devices/IotHubs"
CHINA_SCOPE = "https://iothubs.chinacloudapi.cn/.default"

WORLD = """
name = "sternly run"

[tenant]
id = "0fab0000-0000-4000-8000-000000000001"
domain = "fabrikam.example"
cloud = "china"
token_lifetime_seconds = 600
role_propagation_seconds = 300

[[management_groups]]
name = "root"

[[subscriptions]]
id = "0fab0000-0000-4000-8000-000000000002"
name = "Fabrikam"
management_group = "root"

[[resource_groups]]
name = "plant"
location = "chinanorth2"

[[iot_hubs]]
name = "north"
resource_group = "plant"

[[iot_hubs]]
name = "south"
resource_group = "plant"
disable_local_auth = true
policies = [{ name = "watcher", rights = "RegistryRead" }]

[[provisioning_services]]
name = "enrol"
resource_group = "plant"
identity = { object_id = "0fab0000-0000-4000-8000-000000000119", client_id = "0fab0000-0000-4000-8000-000000000219" }
links = [{ hub = "south", by = "identity" }]

[[digital_twins]]
name = "twins"
resource_group = "plant"

[[custom_roles]]
name = "Device counter"
data_actions = ["Microsoft.Devices/IotHubs/devices/read"]

[[deny_assignments]]
name = "hands off the south"
scope = "hub:south"
data_actions = ["Microsoft.Devices/IotHubs/devices/write"]
principals = ["everyone"]
excluded_principals = ["foreman"]

[[principals]]
name = "keeper"
kind = "service-principal"
client_secret = "keeper-secret"
roles = [
  { role = "Owner", scope = "group:plant" },
  { role = "IoT Hub Data Contributor", scope = "management-group:root" },
]

[[principals]]
name = "foreman"
kind = "service-principal"
client_secret = "foreman-secret"
roles = [{ role = "IoT Hub Data Contributor", scope = "group:plant" }]

[[principals]]
name = "counter"
kind = "service-principal"
client_secret = "counter-secret"
roles = [{ role = "Device counter", scope = "hub:north" }]

[[principals]]
name = "newcomer"
kind = "service-principal"
client_secret = "newcomer-secret"

[[principals]]
name = "leaver"
kind = "service-principal"
client_secret = "leaver-secret"
enabled = false
roles = [{ role = "IoT Hub Data Reader", scope = "group:plant" }]
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    file = tmp_path_factory.mktemp("world") / "fabrikam.toml"
    file.write_text(WORLD)
    with started_with(file) as emulator:
        yield emulator


@pytest.fixture
def fabrikam(started):
    started.reset()
    return started


def registry(emulator, principal, hub="north"):
    """A hub's registry with a token of this cloud; the SDK itself asks for the public cloud's only."""
    token = emulator.credential(principal).get_token(CHINA_SCOPE).token
    endpoint = next(known["endpoint"] for known in emulator.ready["iot_hubs"] if known["name"] == hub)
    return IoTHubRegistryManager.from_token_credential(endpoint.removeprefix("https://"), Bearer(token))


def new_device(registry):
    return registry.create_device_with_sas(unique("device"), None, None, "enabled")


def test_a_hub_takes_tokens_of_its_own_cloud_only(fabrikam):
    assert registry(fabrikam, "keeper").get_devices() == []
    with pytest.raises(ClientAuthenticationError) as caught:
        fabrikam.credential("keeper").get_token("https://iothubs.azure.net/.default")
    assert "AADSTS500011" in str(caught.value)
    with refused(401):
        fabrikam.registry_with_token(fabrikam.token("keeper", "https://iothubs.azure.net")).get_devices()


def test_a_token_lives_as_long_as_the_world_says(fabrikam):
    claims = jwt.decode(
        fabrikam.credential("keeper").get_token(CHINA_SCOPE).token, options={"verify_signature": False}
    )
    assert claims["exp"] - claims["iat"] == 600
    assert claims["tid"] == "0fab0000-0000-4000-8000-000000000001"


def test_each_hub_has_devices_of_its_own(fabrikam):
    north, south = registry(fabrikam, "foreman", "north"), registry(fabrikam, "foreman", "south")
    first, second = new_device(north), new_device(south)
    assert [device.device_id for device in north.get_devices()] == [first.device_id]
    assert [device.device_id for device in south.get_devices()] == [second.device_id]


def test_a_role_on_the_management_group_reaches_every_hub(fabrikam):
    assert registry(fabrikam, "keeper", "north").get_devices() == []
    assert registry(fabrikam, "keeper", "south").get_devices() == []


def test_a_role_on_one_hub_reaches_no_other(fabrikam):
    assert registry(fabrikam, "counter", "north").get_devices() == []
    with refused(401):
        registry(fabrikam, "counter", "south").get_devices()
    with refused(401):
        new_device(registry(fabrikam, "counter", "north"))


def test_a_denial_outweighs_a_role_but_for_those_it_spares(fabrikam):
    assert new_device(registry(fabrikam, "keeper", "north"))
    with refused(401):
        new_device(registry(fabrikam, "keeper", "south"))
    assert new_device(registry(fabrikam, "foreman", "south"))


def test_a_hub_can_deny_sas_from_the_start(fabrikam):
    north, south = fabrikam.ready["iot_hubs"]
    assert IoTHubRegistryManager.from_connection_string(north["service_connection_string"]).get_devices() == []
    with refused(401):
        IoTHubRegistryManager.from_connection_string(south["service_connection_string"]).get_devices()


def test_a_new_role_takes_the_time_that_the_world_says(fabrikam):
    fabrikam.post("/clock", {"freeze": True})
    fabrikam.assign("IoT Hub Data Reader", "newcomer", fabrikam.scope(HUBS, "north"), by="keeper")
    newcomer = registry(fabrikam, "newcomer")
    with refused(401):
        newcomer.get_devices()
    fabrikam.post("/clock", {"advanceSeconds": 299})
    with refused(401):
        newcomer.get_devices()
    fabrikam.post("/clock", {"advanceSeconds": 2})
    assert newcomer.get_devices() == []


def test_a_principal_that_is_switched_off_gets_no_token(fabrikam):
    with pytest.raises(ClientAuthenticationError) as caught:
        fabrikam.credential("leaver").get_token(CHINA_SCOPE)
    assert "AADSTS7000112" in str(caught.value)
