"""Devices, back ends and readers as the tests make them: the real SDKs, at the ports that they know."""

import datetime
import threading
import time
from contextlib import contextmanager

from azure.eventhub import EventHubConsumerClient
from azure.iot.device import IoTHubDeviceClient, IoTHubModuleClient, X509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from emulator import fresh_key, unique

# Longer than anything takes; a test that waits so long has failed.
PATIENCE = 20


class Certificate:
    """A certificate and its key, as PEM files."""

    def __init__(self, folder, name, issuer=None, authority=False):
        self.name, self.key = name, ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        self.chain = [self, *(issuer.chain if issuer else [])]
        self.certificate_file, self.key_file = folder / f"{name}.pem", folder / f"{name}.key"
        self.certificate_file.write_bytes(b"".join(each.pem for each in self.chain))
        self.key_file.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def thumbprint(self):
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()

    @property
    def sdk(self):
        return X509(str(self.certificate_file), str(self.key_file))


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
