"""Who is let in over MQTT, who is not, and who is turned out again."""

import pytest
from azure.iot.device.exceptions import CredentialError

from clients import Waited, connected, device_client, made_device
from emulator import fresh_key, unique


def attempt(client):
    with pytest.raises(CredentialError):
        client.connect()
    client.shutdown()


@pytest.mark.parametrize("websockets", [False, True], ids=["mqtt", "mqtt-ws"])
def test_a_wrong_key_is_refused_and_explained(emulator, websockets):
    name, _ = made_device(emulator)
    attempt(device_client(emulator, name, fresh_key(), websockets=websockets))
    decision = emulator.last_decision()
    assert name in str(decision) and "ignature" in str(decision)


def test_a_disabled_device_is_refused(emulator):
    name, key = made_device(emulator)
    registry = emulator.registry()
    device = registry.get_device(name)
    registry.update_device_with_sas(name, device.etag, key, fresh_key(), "disabled")
    attempt(device_client(emulator, name, key))


def test_an_unknown_device_is_refused(emulator):
    attempt(device_client(emulator, unique("nobody"), fresh_key()))


def test_a_replaced_key_ends_the_connection(emulator):
    name, key = made_device(emulator)
    states = Waited()
    client = device_client(emulator, name, key, connection_retry=False)
    client.on_connection_state_change = lambda: states.put(client.connected)
    with connected(client):
        states.until(lambda up: up)
        device = emulator.registry().get_device(name)
        emulator.registry().update_device_with_sas(name, device.etag, fresh_key(), fresh_key(), "enabled")
        states.until(lambda up: not up)


def test_a_second_connection_ends_the_first(emulator):
    name, key = made_device(emulator)
    states = Waited()
    first = device_client(emulator, name, key, connection_retry=False)
    first.on_connection_state_change = lambda: states.put(first.connected)
    with connected(first):
        states.until(lambda up: up)
        with connected(device_client(emulator, name, key)) as second:
            states.until(lambda up: not up)
            second.send_message("the second one is in")


def test_an_entra_token_is_no_device_s_credential(emulator):
    name, _ = made_device(emulator)
    token = emulator.token("owner-app", "hub")
    answer = emulator.hub_request("POST", f"/devices/{name}/messages/events", f"Bearer {token}", data=b"x")
    assert answer.status_code == 401
