"""The interoperability checks of MQTT 3.1.1, as far as they apply to a hub, with clients that know no IoT Hub.

The checks are those that Eclipse's test suite makes of a broker, said for a hub: what a device publishes is found at the
events endpoint, what it is sent comes from a back end. docs/mqtt-conformance.md lists them all, also those that a hub
cannot pass.
"""

import time

import pytest
from azure.iot.hub.models import Twin, TwinProperties

from clients import PATIENCE, annotation, from_device, made_device, reading
from mqtt_clients import CLIENTS, Refused, Will, identity


@pytest.fixture(params=CLIENTS, ids=lambda client: client.__name__)
def device(request, emulator):
    """A device of its own, not connected."""
    client = request.param(identity(emulator, *made_device(emulator)))
    yield client
    client.end()


def events_of(device):
    return f"{device.who.branch}/messages/events/"


def bound_of(device):
    return f"{device.who.branch}/messages/devicebound/#"


def send(emulator, device, text):
    emulator.registry().send_c2d_message(device.who.client_id, text)


def waiting(emulator, device):
    return emulator.registry().get_device(device.who.client_id).cloud_to_device_message_count


def event_of(device, body):
    return lambda event: from_device(device.who.client_id)(event) and event.body_as_str() == body


def becomes(wanted, read):
    """Reads until it is as wanted: what a device did last may still be on its way to the hub."""
    end = time.monotonic() + PATIENCE
    while (found := read()) != wanted:
        assert time.monotonic() < end, found


def bodies(device):
    return [arrived.payload for arrived in device.arrived.all()]


def test_basic(emulator, device):
    assert device.connect() is False
    device.disconnect()
    assert device.connect() is False
    device.publish(events_of(device), b"qos 0", 0)
    device.publish(events_of(device), b"qos 1", 1)
    device.disconnect()
    with reading(emulator) as events:
        events.until(event_of(device, "qos 0"))
        events.until(event_of(device, "qos 1"))


def test_a_second_connect_ends_the_connection(device):
    device.connect()
    device.connect_again_on_the_same_connection()
    assert device.lost.wait(PATIENCE)


def test_another_protocol_name_is_refused(device):
    with pytest.raises(Refused) as refused:
        device.connect(old_protocol=True)
    assert refused.value.code in (None, 1)


def test_qos_2_is_granted_as_1_and_ends_the_connection_where_it_is_used(emulator, device):
    device.connect()
    assert device.subscribe(bound_of(device), 2) == 1
    packet = device.offer(events_of(device), b"qos 2", 2)
    assert device.lost.wait(PATIENCE)
    assert not device.acknowledges(packet)
    device.connect()
    device.publish(events_of(device), b"after", 1)
    with reading(emulator) as events:
        events.until(event_of(device, "after"))
        assert not [event for event in events.all() if event_of(device, "qos 2")(event)]


def test_a_retained_message_is_said_to_be_one_and_not_kept(emulator, device):
    device.connect()
    device.publish(events_of(device), b"retained 0", 0, retained=True)
    device.publish(events_of(device), b"retained 1", 1, retained=True)
    with reading(emulator) as events:
        for body in ("retained 0", "retained 1"):
            assert events.until(event_of(device, body)).properties == {b"mqtt-retain": b"true"}
    device.subscribe(bound_of(device), 1)
    send(emulator, device, "fresh")
    assert device.arrived.until().retained is False
    assert bodies(device) == [b"fresh"]


def test_a_will_is_sent_when_the_connection_breaks_and_not_after_a_goodbye(emulator, device):
    assert device.connect(will=Will(events_of(device), b"said goodbye", 1)) is False
    device.disconnect()
    device.connect(will=Will(events_of(device), b"not disconnected", 1))
    device.terminate()
    with reading(emulator) as events:
        event = events.until(event_of(device, "not disconnected"))
        assert event.properties == {b"iothub-MessageType": b"Will"}
        assert not [event for event in events.all() if event_of(device, "said goodbye")(event)]


def test_a_will_is_sent_when_the_same_client_connects_anew(emulator, device):
    device.connect(will=Will(events_of(device), b"taken over", 1))
    other = type(device)(device.who)
    try:
        other.connect()
        assert device.lost.wait(PATIENCE)
        with reading(emulator) as events:
            events.until(event_of(device, "taken over"))
        other.publish(events_of(device), b"the other is in", 1)
    finally:
        other.end()


@pytest.mark.parametrize("clean", [True, False])
def test_an_empty_client_id_is_refused(device, clean):
    # MQTT-3.1.3-8 for a lasting session; a hub gives no identifiers to clean ones either.
    with pytest.raises((Refused, ValueError)):
        device.connect(client_id="", clean=clean)


def test_messages_wait_for_a_client_that_is_away(emulator, device):
    assert device.connect(clean=False) is False
    device.subscribe(bound_of(device), 1)
    device.disconnect()
    for text in ("one", "two", "three"):
        send(emulator, device, text)
    assert device.connect(clean=False) is True
    device.arrived.until(lambda arrived: arrived.payload == b"three")
    assert bodies(device) == [b"one", b"two", b"three"]


def test_a_clean_session_forgets_the_subscription(emulator, device):
    device.connect(clean=False)
    device.subscribe(bound_of(device), 1)
    device.disconnect()
    assert device.connect(clean=True) is False
    device.disconnect()
    assert device.connect(clean=False) is False
    send(emulator, device, "for nobody yet")
    device.subscribe("$iothub/twin/res/#", 0)
    device.publish("$iothub/twin/GET/?$rid=1", b"", 0)
    assert device.arrived.until().topic == "$iothub/twin/res/200/?$rid=1"
    assert len(device.arrived.all()) == 1 and waiting(emulator, device) == 1


def test_a_filter_subscribed_to_twice_brings_a_message_once(emulator, device):
    device.connect()
    assert device.subscribe(bound_of(device), 0) == 0
    assert device.subscribe(bound_of(device), 1) == 1
    send(emulator, device, "one")
    send(emulator, device, "two")
    device.arrived.until(lambda arrived: arrived.payload == b"two")
    assert [(arrived.payload, arrived.qos) for arrived in device.arrived.all()] == [(b"one", 1), (b"two", 1)]


def test_a_silent_client_is_kicked_off_and_its_will_sent(emulator, device):
    device.connect(keep_alive=2, will=Will(events_of(device), b"keepalive expiry", 1))
    device.fall_silent()
    with reading(emulator) as events:
        events.until(event_of(device, "keepalive expiry"))
    registry = emulator.registry()
    becomes("Disconnected", lambda: registry.get_device(device.who.client_id).connection_state)


def test_what_was_not_acknowledged_comes_again(emulator, device):
    device.connect(clean=False)
    device.subscribe(bound_of(device), 1)
    device.pause()
    send(emulator, device, "one")
    send(emulator, device, "two")
    device.arrived.until(lambda arrived: arrived.payload == b"two")
    assert waiting(emulator, device) == 2
    device.terminate()
    assert bodies(device) == [b"one", b"two"]
    device.resume()
    assert device.connect(clean=False) is True
    device.arrived.until(lambda arrived: len(device.arrived.all()) == 4)
    again = device.arrived.all()[2:]
    assert [arrived.payload for arrived in again] == [b"one", b"two"]
    assert all(arrived.duplicate in (True, None) for arrived in again)
    becomes(0, lambda: waiting(emulator, device))


@pytest.mark.parametrize("topic", ["#", "+/+", "test/nosubscribe", "$SYS/#", "devices/another/messages/devicebound/#"])
def test_a_filter_that_is_not_the_hub_s_ends_the_connection(device, topic):
    device.connect()
    device.ask_for(topic, 1)
    assert device.lost.wait(PATIENCE)


@pytest.mark.parametrize("topic", ["TopicA", "$SYS/broker", "devices/another/messages/events/"])
def test_a_topic_that_is_not_the_hub_s_ends_the_connection(device, topic):
    device.connect()
    packet = device.offer(topic, b"x", 1)
    assert device.lost.wait(PATIENCE)
    assert not device.acknowledges(packet)


def test_unsubscribe(emulator, device):
    device.connect()
    device.subscribe(bound_of(device), 1)
    device.subscribe("$iothub/twin/PATCH/properties/desired/#", 0)
    device.unsubscribe(bound_of(device))
    send(emulator, device, "not now")
    twin = Twin(properties=TwinProperties(desired={"colour": "blue"}))
    emulator.registry().update_twin(device.who.client_id, twin, "*")
    device.arrived.until(lambda arrived: arrived.topic.startswith("$iothub/twin/PATCH/properties/desired/"))
    assert len(device.arrived.all()) == 1
    device.subscribe(bound_of(device), 1)
    device.arrived.until(lambda arrived: arrived.payload == b"not now")


def test_what_arrives_is_known_to_be_the_device_s(emulator, device):
    device.connect()
    device.publish(f"{events_of(device)}colour=gr%C3%BCn&%24.mid=m-1", b"x", 1)
    with reading(emulator) as events:
        event = events.until(event_of(device, "x"))
    assert event.properties == {b"colour": "grün".encode()} and event.message_id == "m-1"
    assert annotation(event, "iothub-message-source") == "Telemetry"
