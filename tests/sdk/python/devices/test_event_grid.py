"""Event Grid subscriptions to a hub's events, made by azure-mgmt-eventgrid, received by a webhook."""

import time

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.iot.device import Message
from azure.mgmt.eventgrid.models import (
    EventSubscription,
    EventSubscriptionFilter,
    WebHookEventSubscriptionDestination,
)

from clients import PATIENCE, connected, device_client, made_device
from emulator import unique
from webhook import listening

DEVICES = "Microsoft.Devices"
ALL = [f"{DEVICES}.Device{what}" for what in ("Created", "Deleted", "Connected", "Disconnected", "Telemetry")]


def hub_scope(emulator):
    return emulator.scope("Microsoft.Devices/IotHubs", emulator.hub["name"])


def subscribe(emulator, webhook, schema="CloudEventSchemaV1_0", types=ALL, **filters):
    """Subscribes the webhook to these events; answers the subscription."""
    subscription = EventSubscription(
        destination=WebHookEventSubscriptionDestination(endpoint_url=webhook.url),
        event_delivery_schema=schema,
        filter=EventSubscriptionFilter(included_event_types=types, **filters),
    )
    subscriptions = emulator.event_subscriptions()
    return subscriptions.begin_create_or_update(hub_scope(emulator), unique("hook"), subscription).result()


def of_type(kind, field="type"):
    return lambda request: request.body[field] == f"{DEVICES}.{kind}"


def test_a_device_s_life_is_told_as_cloud_events(emulator):
    with listening() as webhook:
        made = subscribe(emulator, webhook)
        assert made.provisioning_state == "Succeeded" and made.event_delivery_schema == "CloudEventSchemaV1_0"
        handshake = webhook.handshakes.until()
        assert handshake.method == "OPTIONS" and handshake.headers["WebHook-Request-Origin"]
        name, key = made_device(emulator)
        message = Message('{"t": 21}')
        message.content_type, message.content_encoding = "application/json", "utf-8"
        message.custom_properties["level"] = "hot"
        with connected(device_client(emulator, name, key)) as client:
            client.send_message(message)
        emulator.registry().delete_device(name)
        events = {kind: webhook.events.until(of_type(kind.rsplit(".")[-1])) for kind in ALL}
    for kind, event in events.items():
        assert event.headers["content-type"].startswith("application/cloudevents+json"), kind
        assert (event.body["specversion"], event.body["subject"]) == ("1.0", f"devices/{name}"), kind
        assert event.body["source"].lower() == hub_scope(emulator).lower()
    told = events[f"{DEVICES}.DeviceTelemetry"].body["data"]
    assert (told["body"], told["properties"]) == ({"t": 21}, {"level": "hot"})
    assert told["systemProperties"]["iothub-connection-device-id"] == name
    assert events[f"{DEVICES}.DeviceCreated"].body["data"]["twin"]["deviceId"] == name
    assert events[f"{DEVICES}.DeviceConnected"].body["data"]["deviceId"] == name


def test_event_grid_s_own_schema_comes_in_lists_after_a_code_was_returned(emulator):
    with listening() as webhook:
        subscribe(emulator, webhook, schema="EventGridSchema", types=[f"{DEVICES}.DeviceCreated"])
        (asked,) = webhook.handshakes.until().body
        assert asked["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
        name, _ = made_device(emulator)
        (event,) = webhook.events.until().body
    assert (event["eventType"], event["subject"]) == (f"{DEVICES}.DeviceCreated", f"devices/{name}")
    assert event["topic"].lower() == hub_scope(emulator).lower()


@pytest.mark.parametrize("schema", ["CloudEventSchemaV1_0", "EventGridSchema"])
def test_a_webhook_that_does_not_agree_gets_no_subscription(emulator, schema):
    with listening(agrees=False) as webhook:
        with pytest.raises(HttpResponseError) as refused:
            subscribe(emulator, webhook, schema)
        assert refused.value.error.code == "Url validation"
        assert webhook.handshakes.all()
    subscriptions = emulator.event_subscriptions()
    assert not list(subscriptions.list_by_resource(emulator.group, DEVICES, "IotHubs", emulator.hub["name"]))


def test_a_subscription_hears_of_the_types_and_subjects_that_it_asked_for(emulator):
    wanted, _ = made_device(emulator)
    with listening() as webhook:
        subscribe(emulator, webhook, types=[f"{DEVICES}.DeviceDeleted"], subject_begins_with=f"devices/{wanted}")
        other, _ = made_device(emulator)
        emulator.registry().delete_device(other)
        emulator.registry().delete_device(wanted)
        assert webhook.events.until().body["subject"] == f"devices/{wanted}"
        assert len(webhook.events.all()) == 1


def test_a_delivery_that_failed_is_tried_again(emulator):
    with listening(refusals=1) as webhook:
        subscribe(emulator, webhook, types=[f"{DEVICES}.DeviceCreated"])
        name, _ = made_device(emulator)
        end = time.monotonic() + PATIENCE
        try:
            # The second attempt is due ten seconds after the first one failed.
            while not webhook.events.all():
                assert time.monotonic() < end, "no second attempt came"
                emulator.post("/clock", {"advanceSeconds": 11})
                time.sleep(0.05)
        finally:
            emulator.post("/clock", {"reset": True})
        assert webhook.events.until().body["subject"] == f"devices/{name}"


def test_a_subscription_is_read_without_its_secret_and_ends_with_its_deletion(emulator):
    with listening() as webhook:
        made = subscribe(emulator, webhook)
        subscriptions, scope = emulator.event_subscriptions(), hub_scope(emulator)
        read = subscriptions.get(scope, made.name)
        assert read.destination.endpoint_base_url == webhook.url.split("?")[0]
        assert subscriptions.get_full_url(scope, made.name).endpoint_url == webhook.url
        subscriptions.begin_delete(scope, made.name).result()
        with pytest.raises(ResourceNotFoundError):
            subscriptions.get(scope, made.name)
