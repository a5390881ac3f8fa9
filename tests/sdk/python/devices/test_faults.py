"""Faults that a device asks for by a message, as tests of device SDKs do: it is cut off, comes back by itself and goes on.

The names are those that the SDKs' own end-to-end tests send.
"""

from contextlib import suppress

import pytest
from azure.iot.device import Message, MethodResponse
from azure.iot.device.exceptions import ClientError, ConnectionDroppedError, NoConnectionError, OperationCancelled
from azure.iot.hub.models import CloudToDeviceMethod

from clients import PATIENCE, Waited, connected, device_client, from_device, made_device, reading

# What becomes of a message whose connection ended, depending on what the SDK notices first.
GIVEN_UP = (ClientError, ConnectionDroppedError, NoConnectionError, OperationCancelled)
BOTH = pytest.mark.parametrize("websockets", [False, True], ids=["mqtt", "mqtt-ws"])


def fault(name, delay_seconds=0, duration_seconds=0):
    message = Message(" ")
    message.custom_properties.update(
        {
            "AzIoTHub_FaultOperationType": name,
            "AzIoTHub_FaultOperationCloseReason": "boom",
            "AzIoTHub_FaultOperationDelayInSecs": delay_seconds,
            "AzIoTHub_FaultOperationDurationInSecs": duration_seconds,
        }
    )
    return message


class Changes(Waited):
    """How often the client's connection came or went from now on. What it is when the SDK tells of it may be its next state."""

    def __init__(self, client):
        super().__init__()
        client.on_connection_state_change = lambda: self.put(len(self.all()) + 1)

    def came_to(self, number):
        self.until(lambda count: count == number)


def retrying(emulator, name, key, **options):
    return device_client(emulator, name, key, connection_retry_interval=1, **options)


@BOTH
@pytest.mark.parametrize("kind", ["KillTcp", "ShutDownMqtt"])
def test_a_connection_that_is_cut_comes_back_with_all_that_it_had(emulator, websockets, kind):
    name, key = made_device(emulator)
    registry, heard, wishes = emulator.registry(), Waited(), Waited()
    with connected(retrying(emulator, name, key, websockets=websockets)) as client:
        client.on_message_received = heard.put
        client.on_twin_desired_properties_patch_received = wishes.put
        client.on_method_request_received = lambda request: client.send_method_response(
            MethodResponse.create_from_method_request(request, 200, "still here")
        )
        changes = Changes(client)
        client.send_message(fault(kind))
        changes.came_to(2)
        client.send_message("after the fault")
        registry.send_c2d_message(name, "hello again")
        assert heard.until().data == b"hello again"
        twin = registry.get_twin(name)
        twin.properties.desired = {"interval": 5}
        registry.update_twin(name, twin, "*")
        assert wishes.until()["interval"] == 5
        call = CloudToDeviceMethod(method_name="x", payload=None, connect_timeout_in_seconds=PATIENCE)
        assert registry.invoke_device_method(name, call).payload == "still here"


def test_the_message_that_asks_for_a_fault_is_no_event(emulator):
    name, key = made_device(emulator)
    with connected(retrying(emulator, name, key)) as client:
        changes = Changes(client)
        client.send_message(fault("KillTcp"))
        changes.came_to(2)
        client.send_message("after the fault")
    with reading(emulator) as events:
        event = events.until(from_device(name))
    assert event.body_as_str() == "after the fault"


def test_a_fault_waits_for_its_time(emulator):
    name, key = made_device(emulator)
    with connected(retrying(emulator, name, key)) as client:
        changes = Changes(client)
        client.send_message(fault("KillTcp", delay_seconds=600))
        client.send_message("while it waits")
        assert not changes.all()
        try:
            emulator.post("/clock", {"advanceSeconds": 601})
            changes.came_to(1)
        finally:
            emulator.post("/clock", {"reset": True})


@pytest.mark.parametrize("kind", ["InvokeThrottling", "InvokeMaxMessageQuota", "InvokeAuthError"])
def test_events_that_are_refused_end_the_connection_until_the_fault_is_over(emulator, kind):
    name, key = made_device(emulator)
    with connected(retrying(emulator, name, key)) as client:
        changes = Changes(client)
        client.send_message(fault(kind, duration_seconds=600))
        # The SDK may as well keep it for the next connection.
        with suppress(*GIVEN_UP):
            client.send_message("refused")
        changes.came_to(2)
        client.send_message("taken by the next connection")
    with reading(emulator) as events:
        events.until(lambda event: event.body_as_str() == "taken by the next connection")


def test_a_fault_that_nobody_knows_is_refused(emulator):
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key, connection_retry=False)) as client:
        changes = Changes(client)
        with pytest.raises(GIVEN_UP):
            client.send_message(fault("Explode"))
        changes.came_to(1)
