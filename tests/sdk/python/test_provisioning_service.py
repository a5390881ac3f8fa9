"""azure-iothub-provisioningserviceclient against a DPS: enrollments, groups, queries, bulk, and who may see them.

The SDK signs with SAS only and speaks the api-version of 2018; what it cannot say is said with plain requests.
"""

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from provisioningserviceclient import (
    BulkEnrollmentOperation,
    EnrollmentGroup,
    IndividualEnrollment,
    ProvisioningServiceClient,
    QuerySpecification,
)
from provisioningserviceclient.models import (
    AttestationMechanism,
    DeviceCapabilities,
    InitialTwin,
    ReprovisionPolicy,
    SymmetricKeyAttestation,
)

from emulator import fresh_key, sas, unique
from refusals import refused

DPS = "Microsoft.Devices/provisioningServices"


@pytest.fixture
def service(emulator):
    return emulator.provisioning()


def by_key(primary=None, secondary=None):
    keys = SymmetricKeyAttestation(primary_key=primary or fresh_key(), secondary_key=secondary or fresh_key())
    return AttestationMechanism(type="symmetricKey", symmetric_key=keys)


def certificate(name="device"):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


def enrollment(**more):
    return IndividualEnrollment.create(more.pop("registration_id", unique("reg")), more.pop("attestation", by_key()), **more)


def group(**more):
    return EnrollmentGroup.create(more.pop("enrollment_group_id", unique("group")), more.pop("attestation", by_key()), **more)


# Individual enrollments


def test_an_enrollment_comes_back_as_it_was_made(service):
    wanted = enrollment(
        device_id=unique("device"),
        initial_twin=InitialTwin.create(tags={"site": "Delft"}, desired_properties={"interval": 5}),
        device_capabilities=DeviceCapabilities.create(iot_edge=True),
        reprovision_policy=ReprovisionPolicy(update_hub_assignment=True, migrate_device_data=False),
        allocation_policy="static",
        iot_hub_host_name="contoso-hub.azure-devices.net",
    )
    service.create_or_update(wanted)
    found = service.get_individual_enrollment(wanted.registration_id)
    assert (found.registration_id, found.device_id) == (wanted.registration_id, wanted.device_id)
    assert (found.provisioning_status, found.allocation_policy) == ("enabled", "static")
    assert found.iot_hub_host_name == "contoso-hub.azure-devices.net"
    assert (found.initial_twin.tags, found.initial_twin.desired_properties) == ({"site": "Delft"}, {"interval": 5})
    assert found.capabilities.iot_edge is True
    assert found.reprovision_policy.migrate_device_data is False
    assert found.etag and found.created_date_time_utc


def test_keys_are_shown_by_the_attestation_call_only(service):
    primary, secondary = fresh_key(), fresh_key()
    made = service.create_or_update(enrollment(attestation=by_key(primary, secondary)))
    assert service.get_individual_enrollment(made.registration_id).attestation.type == "symmetricKey"
    shown = service.get_individual_enrollment_attestation_mechanism(made.registration_id).symmetric_key
    assert (shown.primary_key, shown.secondary_key) == (primary, secondary)
    wanted = QuerySpecification("SELECT * FROM enrollments")
    listed = service.create_individual_enrollment_query(wanted).next()[0].attestation.symmetric_key
    assert listed is None or not {listed.primary_key, listed.secondary_key} & {primary, secondary}


def test_an_enrollment_without_keys_gets_some(service):
    made = service.create_or_update(enrollment(attestation=AttestationMechanism(type="symmetricKey")))
    keys = service.get_individual_enrollment_attestation_mechanism(made.registration_id).symmetric_key
    assert len(base64.b64decode(keys.primary_key)) >= 16
    assert keys.primary_key != keys.secondary_key


def test_an_enrollment_by_certificate_tells_what_the_certificate_is(service):
    made = certificate("meter")
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    wanted = enrollment(attestation=AttestationMechanism.create_with_x509_client_certs(pem))
    service.create_or_update(wanted)
    info = service.get_individual_enrollment(wanted.registration_id).attestation.x509.client_certificates.primary.info
    assert info.sha1_thumbprint.lower() == made.fingerprint(hashes.SHA1()).hex()
    assert info.sha256_thumbprint.lower() == made.fingerprint(hashes.SHA256()).hex()
    assert "meter" in info.subject_name


def test_an_enrollment_is_updated_under_its_etag_and_not_under_an_old_one(service):
    made = service.create_or_update(enrollment())
    old = made.etag
    made.provisioning_status = "disabled"
    changed = service.create_or_update(made)
    assert (changed.provisioning_status, changed.etag != old) == ("disabled", True)
    changed.etag, changed.provisioning_status = old, "enabled"
    with refused(412):
        service.create_or_update(changed)
    assert service.get_individual_enrollment(made.registration_id).provisioning_status == "disabled"


def test_a_second_enrollment_of_the_same_id_is_refused(service):
    made = service.create_or_update(enrollment())
    with refused(409) as refusal:
        service.create_or_update(enrollment(registration_id=made.registration_id))
    assert refusal.body["errorCode"] == 409201


def test_a_deleted_enrollment_is_gone(service):
    made = service.create_or_update(enrollment())
    with refused(412):
        service.delete_individual_enrollment_by_param(made.registration_id, '"old"')
    service.delete(made)
    with refused(404) as refusal:
        service.get_individual_enrollment(made.registration_id)
    assert refusal.body["errorCode"] == 404201
    assert refusal.body["trackingId"] and refusal.body["timestampUtc"]


@pytest.mark.parametrize("registration_id", ["with space", "slash/inside", "a" * 129, "ends-with-a-dot.", "naïve"])
def test_a_registration_id_that_breaks_the_rules_is_refused(service, registration_id):
    with refused(400):
        service.create_or_update(enrollment(registration_id=registration_id))


def test_an_enrollment_for_a_hub_that_is_not_linked_is_refused(service):
    with refused(400):
        service.create_or_update(enrollment(iot_hub_host_name="elsewhere.azure-devices.net"))


# Groups


def test_a_group_is_created_read_updated_and_deleted(service):
    primary, secondary = fresh_key(), fresh_key()
    made = service.create_or_update(group(attestation=by_key(primary, secondary), allocation_policy="hashed"))
    found = service.get_enrollment_group(made.enrollment_group_id)
    assert (found.provisioning_status, found.allocation_policy) == ("enabled", "hashed")
    keys = service.get_enrollment_group_attestation_mechanism(made.enrollment_group_id).symmetric_key
    assert (keys.primary_key, keys.secondary_key) == (primary, secondary)
    found.provisioning_status = "disabled"
    changed = service.create_or_update(found)
    assert changed.provisioning_status == "disabled"
    with refused(412):
        service.create_or_update(found)
    service.delete(changed)
    with refused(404) as refusal:
        service.get_enrollment_group(made.enrollment_group_id)
    assert refusal.body["errorCode"] == 404204


def test_a_second_group_of_the_same_id_is_refused(service):
    made = service.create_or_update(group())
    with refused(409) as refusal:
        service.create_or_update(group(enrollment_group_id=made.enrollment_group_id))
    assert refusal.body["errorCode"] == 409202


# Queries and bulk


def pages(query):
    found = []
    while query.has_next:
        try:
            found.append(query.next())
        except StopIteration:
            break
    return found


def test_a_query_goes_through_every_enrollment_page_by_page(service):
    ids = {service.create_or_update(enrollment()).registration_id for _ in range(5)}
    found = pages(service.create_individual_enrollment_query(QuerySpecification("SELECT * FROM enrollments"), 2))
    assert [len(page) for page in found] == [2, 2, 1]
    assert {item.registration_id for page in found for item in page} == ids


def test_a_query_goes_through_every_group(service):
    ids = {service.create_or_update(group()).enrollment_group_id for _ in range(3)}
    found = pages(service.create_enrollment_group_query(QuerySpecification("SELECT * FROM enrollmentGroups"), 2))
    assert {item.enrollment_group_id for page in found for item in page} == ids


def test_a_query_that_cannot_be_read_is_refused(service):
    with refused(400):
        service.create_individual_enrollment_query(QuerySpecification("SELECT everything")).next()


def test_a_bulk_operation_creates_updates_and_deletes(service):
    items = [enrollment() for _ in range(3)]
    made = service.run_bulk_operation(BulkEnrollmentOperation("create", items))
    assert (made.is_successful, made.errors or []) == (True, [])
    changed = service.get_individual_enrollment(items[0].registration_id)
    changed.provisioning_status = "disabled"
    assert service.run_bulk_operation(BulkEnrollmentOperation("update", [changed])).is_successful
    assert service.get_individual_enrollment(items[0].registration_id).provisioning_status == "disabled"
    assert service.run_bulk_operation(BulkEnrollmentOperation("delete", items)).is_successful
    with refused(404):
        service.get_individual_enrollment(items[0].registration_id)


def test_a_bulk_operation_tells_which_enrollments_it_could_not_take(service):
    taken, free = service.create_or_update(enrollment()), enrollment()
    again = enrollment(registration_id=taken.registration_id)
    result = service.run_bulk_operation(BulkEnrollmentOperation("create", [again, free]))
    assert result.is_successful is False
    errors = [(error.registration_id, error.error_code) for error in result.errors]
    assert errors == [(taken.registration_id, 409201)]
    assert service.get_individual_enrollment(free.registration_id)


def test_a_bulk_operation_of_more_than_ten_is_refused(service):
    items = [enrollment() for _ in range(11)]
    with refused(400) as refusal:
        service.run_bulk_operation(BulkEnrollmentOperation("create", items))
    assert refusal.body["errorCode"] == 400205
    with refused(404):
        service.get_individual_enrollment(items[0].registration_id)


# Who may


@pytest.fixture
def enrolled(service):
    return service.create_or_update(enrollment()).registration_id


def ask(emulator, principal, method, path, **options):
    return emulator.dps_request(method, path, f"Bearer {emulator.token(principal, 'dps')}", **options)


def test_a_token_does_what_sas_does(emulator, enrolled):
    found = ask(emulator, "owner-app", "GET", f"/enrollments/{enrolled}")
    assert (found.status_code, found.json()["registrationId"]) == (200, enrolled)
    body = {"registrationId": unique("reg"), "attestation": {"type": "symmetricKey"}}
    body["attestation"]["symmetricKey"] = {"primaryKey": fresh_key(), "secondaryKey": fresh_key()}
    made = ask(emulator, "owner-app", "PUT", f"/enrollments/{body['registrationId']}", json=body)
    assert made.status_code == 200, made.text
    answer = ask(emulator, "owner-app", "POST", "/enrollments/query", json={"query": "SELECT * FROM enrollments"})
    assert {item["registrationId"] for item in answer.json()} == {enrolled, body["registrationId"]}


def test_a_reader_reads_and_does_not_write(emulator, enrolled):
    assert ask(emulator, "reader-app", "GET", f"/enrollments/{enrolled}").status_code == 200
    refusal = ask(emulator, "reader-app", "DELETE", f"/enrollments/{enrolled}")
    assert refusal.status_code == 401
    assert ask(emulator, "owner-app", "GET", f"/enrollments/{enrolled}").status_code == 200


def test_nobody_without_a_role_is_let_in(emulator, enrolled):
    refusal = ask(emulator, "no-roles-app", "GET", f"/enrollments/{enrolled}")
    assert refusal.status_code == 401
    assert refusal.json()["errorCode"] == 401003
    assert "no-roles-app" in refusal.json()["message"]


def test_a_role_assigned_on_the_service_takes_effect(emulator, enrolled):
    emulator.assign("Device Provisioning Service Data Reader", "no-roles-app", emulator.scope(DPS, "contoso-dps"))
    assert ask(emulator, "no-roles-app", "GET", f"/enrollments/{enrolled}").status_code == 200


@pytest.mark.parametrize("audience", ["hub", "twins", "arm"])
def test_a_token_for_another_service_is_refused(emulator, enrolled, audience):
    token = emulator.token("owner-app", audience)
    assert emulator.dps_request("GET", f"/enrollments/{enrolled}", f"Bearer {token}").status_code == 401


@pytest.mark.parametrize(
    "flaw", ["expired", "not-yet-valid", "wrong-audience", "wrong-issuer", "bad-signature", "unsigned", "unknown-key"]
)
def test_a_token_with_a_flaw_is_refused(emulator, enrolled, flaw):
    token = emulator.token("owner-app", "dps", flaw)
    refusal = emulator.dps_request("GET", f"/enrollments/{enrolled}", f"Bearer {token}")
    assert (refusal.status_code, refusal.json()["errorCode"]) == (401, 401002)


def policy_client(emulator, rights):
    """A client by a policy of these rights, made through ARM."""
    services = emulator.provisioning_services()
    found = services.get("contoso-dps", emulator.group)
    name = unique("policy")
    policies = list(services.list_keys("contoso-dps", emulator.group))
    found.properties.authorization_policies = [*policies, {"keyName": name, "rights": rights}]
    services.begin_create_or_update(emulator.group, "contoso-dps", found).result()
    key = services.list_keys_for_key_name("contoso-dps", name, emulator.group).primary_key
    return ProvisioningServiceClient(emulator.dps["endpoint"].removeprefix("https://"), name, key)


def test_a_policy_reaches_as_far_as_its_rights(emulator, enrolled):
    reading = policy_client(emulator, "EnrollmentRead")
    assert reading.get_individual_enrollment(enrolled).registration_id == enrolled
    with refused(401) as refusal:
        reading.create_or_update(enrollment())
    assert refusal.body["errorCode"] == 401002
    with refused(401):
        policy_client(emulator, "RegistrationStatusRead").get_individual_enrollment(enrolled)


def test_a_wrong_key_and_an_expired_signature_are_refused(emulator, enrolled):
    host = emulator.dps["endpoint"].removeprefix("https://")
    owner = emulator.provisioning_services().list_keys_for_key_name(
        "contoso-dps", "provisioningserviceowner", emulator.group
    )
    for key, ttl, status in (
        (owner.primary_key, 600, 200),
        (owner.secondary_key, 600, 200),
        (owner.primary_key, -600, 401),
        (fresh_key(), 600, 401),
    ):
        token = sas(host, key, "provisioningserviceowner", ttl)
        assert emulator.dps_request("GET", f"/enrollments/{enrolled}", token).status_code == status


def test_a_hubs_key_opens_no_provisioning_service(emulator, enrolled):
    key = emulator.hubs().get_keys_for_key_name(emulator.group, "contoso-hub", "iothubowner").primary_key
    token = sas(emulator.dps["endpoint"].removeprefix("https://"), key, "iothubowner")
    assert emulator.dps_request("GET", f"/enrollments/{enrolled}", token).status_code == 401


def test_a_tpm_attestation_keeps_its_endorsement_key(service):
    endorsement = base64.b64encode(b"\x00" * 314).decode()
    made = service.create_or_update(enrollment(attestation=AttestationMechanism.create_with_tpm(endorsement)))
    found = service.get_individual_enrollment_attestation_mechanism(made.registration_id)
    assert (found.type, found.tpm.endorsement_key) == ("tpm", endorsement)
