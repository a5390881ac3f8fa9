"""The built-in endpoint, as the Event Hubs client sees it."""

import pytest
from azure.eventhub import TransportType
from azure.eventhub.exceptions import AuthenticationError, ConnectError, ConnectionLostError, EventHubError

from clients import connected, device_client, events_client, from_device, made_device, reading


def sent(emulator, *bodies):
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key)) as client:
        for body in bodies:
            client.send_message(body)
    return name


def test_its_facts_are_told(emulator):
    name = sent(emulator, "one", "two")
    with events_client(emulator) as client:
        facts = client.get_eventhub_properties()
        assert facts["eventhub_name"] == "contoso-hub" and facts["partition_ids"] == ["0", "1", "2", "3"]
        with reading(emulator) as events:
            event = events.until(lambda event: from_device(name)(event) and event.body_as_str() == "two")
        partitions = [client.get_partition_properties(partition) for partition in facts["partition_ids"]]
        mine = [each for each in partitions if not each["is_empty"]]
        assert len(mine) == 1
        assert mine[0]["last_enqueued_sequence_number"] == event.sequence_number
        assert str(mine[0]["last_enqueued_offset"]) == str(event.offset)


def test_reading_begins_where_it_is_told_to(emulator):
    name = sent(emulator, "one", "two", "three")
    with reading(emulator) as events:
        two = events.until(lambda event: event.body_as_str() == "two")
    for position in (two.sequence_number, two.offset):
        with reading(emulator, starting_position=position) as events:
            events.until(lambda event: event.body_as_str() == "three")
            assert "one" not in [event.body_as_str() for event in events.all() if from_device(name)(event)]


def test_it_is_read_over_websockets_too(emulator):
    name = sent(emulator, "by port 443 alone")
    # Without the flag for emulators: a WebSocket is one over TLS.
    text = emulator.hub["event_hub_connection_string"].replace("UseDevelopmentEmulator=true", "").replace(":5672", "")
    over = {"transport_type": TransportType.AmqpOverWebsocket, "connection_verify": emulator.ready["ca_certificate"]}
    with reading(emulator, connection_string=text, **over) as events:
        assert events.until(from_device(name)).body_as_str() == "by port 443 alone"


def test_a_wrong_key_is_refused(emulator):
    text = emulator.hub["event_hub_connection_string"]
    key = text.split("SharedAccessKey=")[1].split(";")[0]
    with events_client(emulator, text.replace(key, "A" * 43 + "="), retry_total=0) as client:
        with pytest.raises((AuthenticationError, ConnectError, ConnectionLostError)):
            client.get_eventhub_properties()


def test_a_higher_epoch_ends_the_lower(emulator):
    sent(emulator, "one")
    with reading(emulator, owner_level=1, retry_total=0) as first:
        first.until(lambda event: event.body_as_str() == "one")
        with reading(emulator, owner_level=2) as second:
            second.until(lambda event: event.body_as_str() == "one")
            assert "epoch" in str(first.failures.until()).lower()


def test_switching_sas_off_ends_open_readers(emulator):
    sent(emulator, "one")
    with reading(emulator, retry_total=0) as events:
        events.until(lambda event: event.body_as_str() == "one")
        hub = emulator.hubs().get(emulator.group, emulator.hub["name"])
        hub.properties.disable_local_auth = True
        emulator.hubs().begin_create_or_update(emulator.group, emulator.hub["name"], hub).result()
        assert isinstance(events.failures.until(), EventHubError)
