"""Devices, back ends and readers as the tests make them: the real SDKs, at the ports that they know."""

import threading
import time
from contextlib import contextmanager

from azure.eventhub import EventHubConsumerClient
from azure.iot.device import IoTHubDeviceClient, IoTHubModuleClient

from emulator import fresh_key, unique

# Longer than anything takes; a test that waits so long has failed.
PATIENCE = 20


def made_device(emulator, prefix="device"):
    """A device with a key of its own: its id and its key."""
    name, key = unique(prefix), fresh_key()
    emulator.registry().create_device_with_sas(name, key, fresh_key(), "enabled")
    return name, key


def device_client(emulator, name, key, **options):
    """The device SDK's client, by connection string."""
    text = f"HostName={emulator.hub['host_name']};DeviceId={name};SharedAccessKey={key}"
    return IoTHubDeviceClient.create_from_connection_string(text, **options)


def module_client(emulator, device, module, key, **options):
    text = f"HostName={emulator.hub['host_name']};DeviceId={device};ModuleId={module};SharedAccessKey={key}"
    return IoTHubModuleClient.create_from_connection_string(text, **options)


def client_with_certificate(emulator, certificate, device, **options):
    """The device SDK's client that shows a certificate."""
    host = emulator.hub["host_name"]
    return IoTHubDeviceClient.create_from_x509_certificate(certificate.sdk, host, device, **options)


def module_with_certificate(emulator, certificate, device, module, **options):
    host = emulator.hub["host_name"]
    return IoTHubModuleClient.create_from_x509_certificate(certificate.sdk, host, device, module, **options)


@contextmanager
def connected(client):
    """`client` while it is connected, and shut down after."""
    try:
        client.connect()
        yield client
    finally:
        client.shutdown()


class Waited:
    """Collects what callbacks bring until a test has seen what it wants."""

    def __init__(self):
        self._found, self._changed = [], threading.Condition()

    def put(self, value):
        with self._changed:
            self._found.append(value)
            self._changed.notify_all()

    def all(self):
        with self._changed:
            return list(self._found)

    def until(self, wanted=lambda value: True, patience=PATIENCE):
        """The first value that is `wanted`."""
        end = time.monotonic() + patience
        with self._changed:
            while True:
                for value in self._found:
                    if wanted(value):
                        return value
                left = end - time.monotonic()
                assert left > 0, f"not seen within {patience} s; seen: {self._found}"
                self._changed.wait(left)


def events_client(emulator, connection_string=None, consumer_group="$Default", **options):
    text = connection_string or emulator.hub["event_hub_connection_string"]
    return EventHubConsumerClient.from_connection_string(text, consumer_group, **options)


@contextmanager
def reading(emulator, starting_position="-1", owner_level=None, **options):
    """What arrives in every partition, from the beginning, as `Waited` events."""
    events, failures = Waited(), Waited()
    client = events_client(emulator, **options)

    def receive():
        # One by one, the client would wait at every empty partition in turn between two events.
        client.receive_batch(
            on_event_batch=lambda partition, batch: [events.put(event) for event in batch],
            max_wait_time=0.2,
            on_error=lambda partition, error: failures.put(error),
            starting_position=starting_position,
            starting_position_inclusive=starting_position == "-1",
            owner_level=owner_level,
        )

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    events.failures = failures
    try:
        yield events
    finally:
        client.close()
        thread.join(PATIENCE)


def annotation(event, name):
    """A system annotation of an event, as text."""
    value = event.raw_amqp_message.annotations.get(name.encode()) or event.raw_amqp_message.annotations.get(name)
    return value.decode() if isinstance(value, bytes) else value


def from_device(name):
    return lambda event: annotation(event, "iothub-connection-device-id") == name
