"""Telemetry of real devices, read back by the real Event Hubs client."""

import json

import pytest
from azure.iot.device import Message

from clients import annotation, connected, device_client, from_device, made_device, module_client, reading
from emulator import fresh_key, unique

BOTH = pytest.mark.parametrize("websockets", [False, True], ids=["mqtt", "mqtt-ws"])


@BOTH
def test_a_message_arrives_with_everything_it_carried(emulator, websockets):
    name, key = made_device(emulator)
    message = Message(json.dumps({"temperature": 21.5}))
    message.message_id, message.correlation_id = unique("m"), "pair & 1"
    message.content_type, message.content_encoding = "application/json", "utf-8"
    message.custom_properties["colour"] = "grün=1"
    with connected(device_client(emulator, name, key, websockets=websockets)) as client:
        client.send_message(message)
    with reading(emulator) as events:
        event = events.until(from_device(name))
    assert json.loads(event.body_as_str()) == {"temperature": 21.5}
    assert {key.decode(): value.decode() for key, value in event.properties.items()} == {"colour": "grün=1"}
    assert event.message_id == message.message_id and event.correlation_id == "pair & 1"
    assert event.content_type == "application/json"
    assert annotation(event, "iothub-message-source") == "Telemetry"
    assert json.loads(annotation(event, "iothub-connection-auth-method")) == {
        "scope": "device",
        "type": "sas",
        "issuer": "iothub",
        "acceptingIpFilterRule": None,
    }
    generation = emulator.registry().get_device(name).generation_id
    assert annotation(event, "iothub-connection-auth-generation-id") == generation
    assert event.sequence_number >= 0 and event.enqueued_time is not None


def test_a_device_s_messages_stay_in_order_in_one_partition(emulator):
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key)) as client:
        for number in range(50):
            client.send_message(str(number))
    with reading(emulator) as events:
        events.until(lambda event: from_device(name)(event) and event.body_as_str() == "49")
        mine = [event for event in events.all() if from_device(name)(event)]
    assert [event.body_as_str() for event in mine] == [str(number) for number in range(50)]
    numbers = [event.sequence_number for event in mine]
    assert numbers == sorted(numbers) and len(set(numbers)) == 50


def test_a_module_speaks_for_itself(emulator):
    name, _ = made_device(emulator)
    key = fresh_key()
    emulator.registry().create_module_with_sas(name, "camera", None, key, fresh_key())
    with connected(module_client(emulator, name, "camera", key)) as client:
        client.send_message("from the module")
    with reading(emulator) as events:
        event = events.until(from_device(name))
    assert annotation(event, "iothub-connection-module-id") == "camera"


def test_a_message_of_256_kib_is_too_large(emulator):
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key)) as client:
        client.send_message("x" * 255 * 1024)
        with pytest.raises(ValueError, match="(?i)size"):
            client.send_message("x" * 257 * 1024)
