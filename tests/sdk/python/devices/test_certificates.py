"""Devices and modules that sign in with a certificate: one that signed itself, or one of an authority of the hub."""

import datetime
import json

import pytest
from azure.iot.device.exceptions import CredentialError

from certificates import Certificate, registered
from clients import (
    Waited,
    annotation,
    client_with_certificate,
    connected,
    from_device,
    module_with_certificate,
    reading,
)
from emulator import unique
from refusals import refused

BOTH = pytest.mark.parametrize("websockets", [False, True], ids=["mqtt", "mqtt-ws"])
HOUR = datetime.timedelta(hours=1)


def turned_away(emulator, client, why):
    """The client is refused, and the emulator tells this reason."""
    with pytest.raises(CredentialError):
        client.connect()
    client.shutdown()
    assert why in json.dumps(emulator.last_decision())


@pytest.fixture
def authority(emulator, tmp_path):
    """A root that the hub knows to be ours."""
    root = Certificate(tmp_path, unique("root"), authority=True)
    shown = registered(emulator, root, lambda code: Certificate(tmp_path, code, issuer=root))
    assert shown.properties.is_verified and shown.properties.thumbprint == root.thumbprint
    return root


@pytest.fixture
def device(emulator):
    """A device that any certificate of an authority may stand for, if it has its name."""
    name = unique("by-authority")
    emulator.registry().create_device_with_certificate_authority(name, "enabled")
    return name


@BOTH
def test_a_certificate_of_a_proven_authority_signs_in(emulator, authority, device, tmp_path, websockets):
    leaf = Certificate(tmp_path, device, issuer=authority)
    with connected(client_with_certificate(emulator, leaf, device, websockets=websockets)) as client:
        client.send_message("by authority")
        assert emulator.registry().get_device(device).connection_state == "Connected"


def test_an_event_tells_that_its_device_signed_in_with_a_certificate(emulator, authority, device, tmp_path):
    leaf = Certificate(tmp_path, device, issuer=authority)
    with connected(client_with_certificate(emulator, leaf, device)) as client:
        client.send_message("by authority")
    with reading(emulator) as events:
        event = events.until(from_device(device))
    means = json.loads(annotation(event, "iothub-connection-auth-method"))
    assert (means["scope"], means["type"]) == ("device", "x509Certificate")


@BOTH
def test_a_chain_of_authorities_leads_to_the_proven_one(emulator, authority, device, tmp_path, websockets):
    factory = Certificate(tmp_path, unique("factory"), issuer=authority, authority=True)
    line = Certificate(tmp_path, unique("line"), issuer=factory, authority=True)
    leaf = Certificate(tmp_path, device, issuer=line)
    with connected(client_with_certificate(emulator, leaf, device, websockets=websockets)) as client:
        assert client.get_twin()["desired"] == {"$version": 1}


@BOTH
def test_a_certificate_with_another_name_is_refused(emulator, authority, device, tmp_path, websockets):
    leaf = Certificate(tmp_path, device.upper(), issuer=authority)
    client = client_with_certificate(emulator, leaf, device, websockets=websockets)
    turned_away(emulator, client, "common name")


def test_a_certificate_of_an_authority_that_nobody_proved_is_refused(emulator, device, tmp_path):
    root = Certificate(tmp_path, unique("root"), authority=True)
    assert registered(emulator, root).properties.is_verified is False
    leaf = Certificate(tmp_path, device, issuer=root)
    turned_away(emulator, client_with_certificate(emulator, leaf, device), "verified")


def test_a_certificate_of_an_unknown_authority_is_refused(emulator, authority, device, tmp_path):
    stranger = Certificate(tmp_path, authority.name, authority=True)
    leaf = Certificate(tmp_path, device, issuer=stranger)
    turned_away(emulator, client_with_certificate(emulator, leaf, device), "authorit")


def test_a_certificate_out_of_its_time_is_refused(emulator, authority, device, tmp_path):
    old = Certificate(tmp_path, device, issuer=authority, begins=-2 * HOUR, ends=-HOUR)
    turned_away(emulator, client_with_certificate(emulator, old, device), "it was good until")
    early = Certificate(tmp_path, device, issuer=authority, begins=HOUR, ends=2 * HOUR)
    turned_away(emulator, client_with_certificate(emulator, early, device), "it is good from")


def test_a_chain_with_an_expired_authority_in_it_is_refused(emulator, authority, device, tmp_path):
    factory = Certificate(tmp_path, unique("factory"), authority, authority=True, begins=-2 * HOUR, ends=-HOUR)
    leaf = Certificate(tmp_path, device, issuer=factory)
    turned_away(emulator, client_with_certificate(emulator, leaf, device), "xpired")


def test_possession_is_proven_by_a_certificate_of_the_code_alone(emulator, tmp_path):
    root = Certificate(tmp_path, unique("root"), authority=True)
    other = Certificate(tmp_path, unique("other"), authority=True)
    wrong = {
        "another name": lambda code: Certificate(tmp_path, "not-the-code", issuer=root),
        "another authority": lambda code: Certificate(tmp_path, code, issuer=other),
    }
    for proof in wrong.values():
        with refused(400) as refusal:
            registered(emulator, root, proof)
        assert refusal.body["code"] == 400053


def test_an_authority_that_is_deleted_ends_what_it_let_in(emulator, authority, device, tmp_path):
    leaf = Certificate(tmp_path, device, issuer=authority)
    states = Waited()
    client = client_with_certificate(emulator, leaf, device, connection_retry=False)
    client.on_connection_state_change = lambda: states.put(client.connected)
    with connected(client):
        states.until(lambda up: up)
        authorities = emulator.authorities()
        (known,) = authorities.list_by_iot_hub(emulator.group, emulator.hub["name"]).value
        authorities.delete(emulator.group, emulator.hub["name"], known.name, known.etag)
        states.until(lambda up: not up)
    turned_away(emulator, client_with_certificate(emulator, leaf, device), "authorit")


@BOTH
def test_a_self_signed_certificate_is_known_by_its_thumbprint(emulator, tmp_path, websockets):
    name = unique("thumbprint")
    mine, spare, other = (Certificate(tmp_path, name) for _ in range(3))
    emulator.registry().create_device_with_x509(name, mine.thumbprint, spare.thumbprint, "enabled")
    for certificate in (mine, spare):
        with connected(client_with_certificate(emulator, certificate, name, websockets=websockets)) as client:
            client.send_message("by certificate")
    client = client_with_certificate(emulator, other, name, websockets=websockets)
    turned_away(emulator, client, "thumbprint")


def test_a_module_signs_in_by_thumbprint_or_authority_as_a_device_does(emulator, authority, device, tmp_path):
    registry, mine = emulator.registry(), Certificate(tmp_path, "any name does")
    registry.create_module_with_x509(device, "own", None, mine.thumbprint, mine.thumbprint)
    registry.create_module_with_certificate_authority(device, "issued", None)
    issued = Certificate(tmp_path, f"{device}/issued", issuer=authority)
    for module, certificate in (("own", mine), ("issued", issued)):
        with connected(module_with_certificate(emulator, certificate, device, module)) as client:
            client.patch_twin_reported_properties({"by": module})
        assert registry.get_module_twin(device, module).properties.reported["by"] == module
    nameless = Certificate(tmp_path, "issued", issuer=authority)
    turned_away(emulator, module_with_certificate(emulator, nameless, device, "issued"), "common name")
