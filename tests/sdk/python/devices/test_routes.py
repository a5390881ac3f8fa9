"""Where messages go: storage, further event hubs, the built-in endpoint as the last resort, and webhooks."""

import io
import json
import re
import time

import fastavro
import pytest
from azure.eventhub.exceptions import AuthenticationError, ConnectError, ConnectionLostError
from azure.iot.device import Message
from azure.mgmt.iothub.models import RouteProperties, RoutingMessage, RoutingTwin
from azure.mgmt.iothub.models import TestAllRoutesInput as AllRoutesInput
from azure.mgmt.iothub.models import TestRouteInput as RouteInput

from clients import PATIENCE, annotation, connected, device_client, events_client, from_device, made_device, reading
from emulator import fresh_key
from routing import Entity, route, set_routing, storage_endpoint


def message(body, content_type="application/json", **properties):
    made = Message(body if isinstance(body, (str, bytes)) else json.dumps(body))
    if content_type:
        made.content_type, made.content_encoding = content_type, "utf-8"
    made.custom_properties.update(properties)
    return made


def sent(emulator, *messages):
    """Sends the messages from a new device, which is answered."""
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key)) as client:
        for each in messages:
            client.send_message(each)
    return name


def written(emulator, container):
    """The blobs that are written once their time has come: name and content, in the order of their names."""
    emulator.post("/clock", {"advanceSeconds": 61})
    end = time.monotonic() + PATIENCE
    while not (found := sorted(blob.name for blob in container.list_blobs())):
        assert time.monotonic() < end, "no blob was written"
        time.sleep(0.05)
    return [(name, container.download_blob(name).readall()) for name in found]


ENRICHMENTS = [
    {"key": "hub", "value": "$iothubname", "endpointNames": ["archive"]},
    {"key": "floor", "value": "$twin.tags.floor", "endpointNames": ["archive"]},
    {"key": "stage", "value": "test", "endpointNames": ["archive"]},
]


@pytest.fixture(autouse=True)
def clock(running):
    """The clock goes with the machine's again after a test."""
    yield
    running.post("/clock", {"reset": True})


class TestStorage:
    def test_lines_of_json_come_under_the_default_name_with_what_was_added(self, emulator, azurite):
        container = azurite.container()
        endpoint = storage_endpoint(azurite, container, encoding="JSON")
        set_routing(emulator, [route("hot", "$body.t > 20", "archive")], endpoint, ENRICHMENTS)
        name, key = made_device(emulator)
        twin = emulator.registry().get_twin(name)
        twin.tags = {"floor": 3}
        emulator.registry().update_twin(name, twin, "*")
        with connected(device_client(emulator, name, key)) as client:
            client.send_message(message({"t": 21.5}, colour="blue"))
            client.send_message(message({"t": 3}))
            client.send_message(message({"t": 22}))
        ((blob, content),) = written(emulator, container)
        assert re.fullmatch(r"contoso-hub/0[0-3]/\d{4}/\d\d/\d\d/\d\d/\d\d", blob), blob
        first, second = [json.loads(line) for line in content.decode().splitlines()]
        assert (first["Body"], second["Body"]) == ({"t": 21.5}, {"t": 22})
        assert first["Properties"] == {"colour": "blue", "hub": "contoso-hub", "floor": "3", "stage": "test"}
        assert first["SystemProperties"]["connectionDeviceId"] == name
        assert first["SystemProperties"]["contentType"] == "application/json"
        assert first["EnqueuedTimeUtc"].endswith("Z")

    def test_a_body_that_is_no_json_is_kept_in_base64(self, emulator, azurite):
        container = azurite.container()
        set_routing(emulator, [route("all", to="archive")], storage_endpoint(azurite, container, encoding="JSON"))
        sent(emulator, message(b"\x00\xff", content_type=None))
        ((_, content),) = written(emulator, container)
        assert json.loads(content)["Body"] == "AP8="

    @pytest.mark.parametrize("encoding", ["Avro", "AvroDeflate", None])
    def test_avro_is_read_by_avro_s_own_readers(self, emulator, azurite, encoding):
        container = azurite.container()
        options = {} if encoding is None else {"encoding": encoding}
        endpoint = storage_endpoint(azurite, container, **options)
        set_routing(emulator, [route("all", to="archive")], endpoint, ENRICHMENTS)
        name = sent(emulator, message({"n": 1}, colour="blue"), message(b"\x00\xff", content_type=None))
        ((_, content),) = written(emulator, container)
        first, second = fastavro.reader(io.BytesIO(content))
        assert (json.loads(first["Body"]), second["Body"]) == ({"n": 1}, b"\x00\xff")
        assert first["Properties"]["colour"] == "blue" and first["Properties"]["stage"] == "test"
        assert first["SystemProperties"]["connectionDeviceId"] == name

    def test_a_file_name_format_of_one_s_own_is_followed(self, emulator, azurite):
        container = azurite.container()
        own = "{YYYY}-{MM}-{DD}/{HH}.{mm}/{iothub}_{partition}.json"
        endpoint = storage_endpoint(azurite, container, encoding="JSON", fileNameFormat=own)
        set_routing(emulator, [route("all", to="archive")], endpoint)
        sent(emulator, message({"n": 1}))
        ((blob, _),) = written(emulator, container)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d/\d\d\.\d\d/contoso-hub_0[0-3]\.json", blob), blob

    def test_what_happens_to_devices_is_stored_too(self, emulator, azurite):
        container = azurite.container()
        routes = [route(source, to="archive", source=source) for source in ("DeviceLifecycleEvents", "TwinChangeEvents")]
        set_routing(emulator, routes, storage_endpoint(azurite, container, encoding="JSON"))
        name, key = made_device(emulator)
        with connected(device_client(emulator, name, key)) as client:
            client.patch_twin_reported_properties({"n": 1})
        ((_, content),) = written(emulator, container)
        made, changed = [json.loads(line) for line in content.decode().splitlines()]
        assert made["Properties"]["opType"] == "createDeviceIdentity" and made["Body"]["deviceId"] == name
        assert changed["Properties"]["opType"] == "updateTwin"
        assert changed["Body"]["properties"]["reported"]["n"] == 1


class TestFurtherEventHubs:
    @pytest.mark.parametrize("plain", [False, True], ids=["tls", "emulator-flag"])
    def test_one_has_a_connection_string_of_its_own(self, emulator, plain):
        orders = Entity()
        set_routing(emulator, [route("orders", "kind = 'order'", "orders")], orders.endpoint)
        name = sent(emulator, message("for all"), message("one", kind="order"), message("two", kind="order"))
        text = orders.connection_string(plain=plain)
        with reading(emulator, connection_string=text, connection_verify=emulator.ready["ca_certificate"]) as events:
            events.until(lambda event: event.body_as_str() == "two")
            assert [event.body_as_str() for event in events.all()] == ["one", "two"]
            event = events.all()[0]
        assert from_device(name)(event) and event.properties == {b"kind": b"order"}
        assert annotation(event, "iothub-message-source") == "Telemetry"

    def test_a_key_that_is_not_its_own_opens_it_not(self, emulator):
        orders = Entity()
        set_routing(emulator, [route("orders", to="orders")], orders.endpoint)
        with events_client(emulator, orders.connection_string(plain=True)) as client:
            assert client.get_eventhub_properties()["partition_ids"] == ["0", "1", "2", "3"]
        wrong = orders.connection_string(key=fresh_key(), plain=True)
        with events_client(emulator, wrong, retry_total=0) as client:
            with pytest.raises((AuthenticationError, ConnectError, ConnectionLostError)):
                client.get_eventhub_properties()


class TestTheFallbackRoute:
    def test_takes_what_no_other_route_took(self, emulator):
        orders = Entity()
        set_routing(emulator, [route("orders", "kind = 'order'", "orders")], orders.endpoint)
        sent(emulator, message("taken", kind="order"), message("left"))
        with reading(emulator) as events:
            events.until(lambda event: event.body_as_str() == "left")
            assert [event.body_as_str() for event in events.all()] == ["left"]

    def test_takes_nothing_while_it_is_off(self, emulator):
        set_routing(emulator, [route("kept", "kind = 'order'")], fallback=False)
        sent(emulator, message("dropped"), message("kept", kind="order"))
        with reading(emulator) as events:
            events.until(lambda event: event.body_as_str() == "kept")
            assert [event.body_as_str() for event in events.all()] == ["kept"]


def tried(emulator, condition):
    """What a new route of this condition would do with a hot message from the third floor."""
    asked = RouteInput(
        route=RouteProperties(
            name="new", source="DeviceMessages", condition=condition, endpoint_names=["events"], is_enabled=True
        ),
        message=RoutingMessage(app_properties={"level": "hot"}),
        twin=RoutingTwin(tags={"floor": 3}),
    )
    return emulator.hubs().test_route(emulator.hub["name"], emulator.group, asked)


class TestTryingRoutes:
    def test_all_of_them_are_tried_on_a_message(self, emulator):
        conditions = {"hot": "level = 'hot'", "warm": "level = 'warm'", "body": "$body.t > 1"}
        set_routing(emulator, [route(name, condition) for name, condition in conditions.items()])
        system = {"contentType": "application/json", "contentEncoding": "utf-8"}
        message = RoutingMessage(body='{"t": 2}', app_properties={"level": "hot"}, system_properties=system)
        asked = AllRoutesInput(routing_source="DeviceMessages", message=message)
        answer = emulator.hubs().test_all_routes(emulator.hub["name"], emulator.group, asked)
        assert sorted(found.properties.name for found in answer.routes) == ["body", "hot"]

    @pytest.mark.parametrize(
        ("condition", "result"), [("level = 'hot'", "true"), ("level = 'cold'", "false"), ("$twin.tags.floor = 3", "true")]
    )
    def test_a_new_one_is_tried_before_it_is_kept(self, emulator, condition, result):
        assert tried(emulator, condition).result == result

    def test_a_new_one_that_cannot_be_read_is_explained(self, emulator):
        answer = tried(emulator, "level =")
        (error,) = answer.details.compilation_errors
        assert answer.result == "undefined" and (error.location.start.line, error.location.start.column) == (1, 8)

    def test_the_health_of_an_endpoint_is_told(self, emulator, azurite):
        container = azurite.container()
        set_routing(emulator, [route("all", to="archive")], storage_endpoint(azurite, container))
        sent(emulator, message({"n": 1}))
        written(emulator, container)
        health = {each.endpoint_id: each for each in emulator.hubs().get_endpoint_health(emulator.group, "contoso-hub")}
        assert health["archive"].health_status == "healthy", {name: each.as_dict() for name, each in health.items()}
