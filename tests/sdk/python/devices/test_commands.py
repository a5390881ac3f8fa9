"""What a back end does with a connected device: twins, direct methods, messages; and what it hears back."""

import json

import pytest
from azure.iot.device import MethodResponse
from azure.iot.hub.models import CloudToDeviceMethod, Twin, TwinProperties
from msrest.exceptions import HttpOperationError

from clients import PATIENCE, Waited, connected, device_client, made_device

BOTH = pytest.mark.parametrize("websockets", [False, True], ids=["mqtt", "mqtt-ws"])


@BOTH
def test_a_twin_is_read_and_reported_and_its_wishes_arrive(emulator, websockets):
    name, key = made_device(emulator)
    wishes = Waited()
    with connected(device_client(emulator, name, key, websockets=websockets)) as client:
        client.on_twin_desired_properties_patch_received = wishes.put
        assert client.get_twin() == {"desired": {"$version": 1}, "reported": {"$version": 1}}
        client.patch_twin_reported_properties({"firmware": {"version": "1.2"}, "gone": None})
        registry = emulator.registry()
        assert registry.get_twin(name).properties.reported["firmware"] == {"version": "1.2"}
        registry.update_twin(name, Twin(properties=TwinProperties(desired={"interval": 5, "nested": {"a": [1, 2]}})), "*")
        patch = wishes.until()
        assert patch == {"interval": 5, "nested": {"a": [1, 2]}, "$version": 2}
        twin = client.get_twin()
        assert twin["desired"]["interval"] == 5 and twin["reported"]["$version"] == 2


@BOTH
def test_a_method_is_called_and_answered(emulator, websockets):
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key, websockets=websockets)) as client:

        def answer(request):
            payload = {"heard": request.payload, "name": request.name}
            client.send_method_response(MethodResponse.create_from_method_request(request, 222, payload))

        client.on_method_request_received = answer
        call = CloudToDeviceMethod(method_name="reboot", payload={"in": 5}, response_timeout_in_seconds=PATIENCE)
        result = emulator.registry().invoke_device_method(name, call)
    assert result.status == 222 and result.payload == {"heard": {"in": 5}, "name": "reboot"}


def test_a_method_on_a_device_that_is_away_is_not_found(emulator):
    name, _ = made_device(emulator)
    with pytest.raises(HttpOperationError) as failure:
        emulator.registry().invoke_device_method(name, CloudToDeviceMethod(method_name="x", payload=None))
    assert failure.value.response.status_code == 404 and "404103" in failure.value.response.text


def test_a_method_that_is_not_answered_times_out(emulator):
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key)) as client:
        client.on_method_request_received = lambda request: None
        call = CloudToDeviceMethod(method_name="x", payload=None, response_timeout_in_seconds=5)
        with pytest.raises(HttpOperationError) as failure:
            emulator.registry().invoke_device_method(name, call)
    assert failure.value.response.status_code == 504 and "504101" in failure.value.response.text


@BOTH
def test_a_message_to_a_device_arrives_and_is_reported_as_received(emulator, websockets):
    name, key = made_device(emulator)
    heard, registry = Waited(), emulator.registry()
    properties = {"messageId": "c2d-1", "ack": "full", "colour": "blue & green", "contentType": "application/json"}
    registry.send_c2d_message(name, json.dumps({"n": 1}), properties=properties)
    with connected(device_client(emulator, name, key, websockets=websockets)) as client:
        client.on_message_received = heard.put
        message = heard.until()
        registry.send_c2d_message(name, "second, while connected")
        heard.until(lambda each: each.data == b"second, while connected")
    assert message.data == b'{"n": 1}' and message.message_id == "c2d-1"
    assert message.custom_properties["colour"] == "blue & green"
    assert registry.get_device(name).cloud_to_device_message_count == 0


def test_presence_is_seen_in_the_registry(emulator):
    name, key = made_device(emulator)
    registry = emulator.registry()
    assert registry.get_device(name).connection_state == "Disconnected"
    with connected(device_client(emulator, name, key)):
        assert registry.get_device(name).connection_state == "Connected"
        assert registry.get_service_statistics().connected_device_count == 1
    assert registry.get_device(name).connection_state == "Disconnected"
