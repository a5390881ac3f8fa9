"""azure-identity against the issuer: each credential gets a token that a hub takes, and each bad one Entra's own error."""

import asyncio
import base64
import datetime

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    DeviceCodeCredential,
    ManagedIdentityCredential,
    UsernamePasswordCredential,
    WorkloadIdentityCredential,
)
from azure.identity.aio import CertificateCredential as AsyncCertificateCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator import AZURE_CLI, HUB_API, started_with, unique

HUB_SCOPE = "https://iothubs.azure.net/.default"
HUB_AUDIENCE = "https://iothubs.azure.net"
ISSUER = "https://ci.contoso.example"
SUBJECT = "repo:contoso/firmware:ref:refs/heads/main"
CERTIFIED_CLIENT = "c0ffee00-0000-4000-8000-0000000002c1"
FEDERATED_CLIENT = "c0ffee00-0000-4000-8000-0000000002c2"

WORLD = """
name = "credentials"

[tenant]
id = "c0ffee00-0000-4000-8000-000000000001"
domain = "contoso.example"

[[subscriptions]]
id = "c0ffee00-0000-4000-8000-000000000002"
name = "Contoso development"

[[resource_groups]]
name = "contoso"

[[iot_hubs]]
name = "contoso-hub"
resource_group = "contoso"

[[provisioning_services]]
name = "contoso-dps"
resource_group = "contoso"

[[digital_twins]]
name = "contoso-twins"
resource_group = "contoso"

[[principals]]
name = "certified-app"
kind = "service-principal"
client_id = "{certified}"
certificates = ['''
{certificate}''']
roles = [{{ role = "IoT Hub Data Reader", scope = "hub:contoso-hub" }}]

[[principals]]
name = "federated-app"
kind = "service-principal"
client_id = "{federated}"
roles = [{{ role = "IoT Hub Data Reader", scope = "hub:contoso-hub" }}]
federated_credentials = [{{ issuer = "{issuer}", subject = "{subject}", public_key_pem = '''
{public_key}''' }}]
"""


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def self_signed(key, name):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Outsiders:
    """A world whose applications sign in by certificate and by an outside issuer's token."""

    def __init__(self, folder):
        self.folder = folder
        self.app_key, self.issuer_key = new_key(), new_key()
        certificate = self_signed(self.app_key, "certified-app")
        self.certificate_file = folder / "certified-app.pem"
        self.certificate_file.write_bytes(private_pem(self.app_key) + certificate)
        self.world_file = folder / "credentials.toml"
        self.world_file.write_text(
            WORLD.format(
                certified=CERTIFIED_CLIENT,
                certificate=certificate.decode(),
                federated=FEDERATED_CLIENT,
                issuer=ISSUER,
                subject=SUBJECT,
                public_key=public_pem(self.issuer_key),
            )
        )

    def stranger_certificate(self):
        """A certificate for the same name that the world does not know."""
        key = new_key()
        file = self.folder / "stranger.pem"
        file.write_bytes(private_pem(key) + self_signed(key, "certified-app"))
        return str(file)

    def federated_token_file(self, key=None, **claims):
        now = datetime.datetime.now(datetime.timezone.utc)
        payload = {
            "iss": ISSUER,
            "sub": SUBJECT,
            "aud": "api://AzureADTokenExchange",
            "iat": now,
            "nbf": now,
            "exp": now + datetime.timedelta(minutes=10),
            **claims,
        }
        file = self.folder / unique("token")
        file.write_text(jwt.encode(payload, key or self.issuer_key, algorithm="RS256"))
        return str(file)


@pytest.fixture(scope="module")
def outsiders(tmp_path_factory):
    made = Outsiders(tmp_path_factory.mktemp("credentials"))
    with started_with(made.world_file) as emulator:
        made.emulator = emulator
        yield made


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def verified_claims(emulator, token):
    """The claims of a token that holds against the published keys, as any resource server reads it."""
    configuration = requests.get(f"{emulator.authority}/{emulator.tenant_id}/.well-known/openid-configuration").json()
    keys = requests.get(configuration["jwks_uri"]).json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWK(next(known for known in keys if known["kid"] == kid), algorithm="RS256")
    return jwt.decode(token, key, algorithms=["RS256"], audience=HUB_AUDIENCE, issuer=configuration["issuer"])


def hub_takes(emulator, token):
    answer = emulator.hub_request("GET", "/statistics/devices", f"Bearer {token}", HUB_API)
    assert answer.status_code == 200, answer.text
    return True


def only(monkeypatch, **environment):
    """The environment of a DefaultAzureCredential that is told nothing else."""
    for name in (
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_AUTHORITY_HOST",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def test_a_client_secret_gets_a_token_that_the_hub_takes(emulator):
    token = emulator.credential("owner-app").get_token(HUB_SCOPE)
    assert hub_takes(emulator, token.token)


def test_a_token_holds_against_the_published_keys_and_names_its_application(emulator):
    app = emulator.principal("owner-app")
    found = verified_claims(emulator, emulator.credential("owner-app").get_token(HUB_SCOPE).token)
    assert (found["oid"], found["sub"], found["tid"]) == (app["object_id"], app["object_id"], emulator.tenant_id)
    assert app["client_id"] in (found.get("appid"), found.get("azp"))
    assert found["idtyp"] == "app"
    assert found["exp"] - found["iat"] >= 3600


def test_a_client_secret_gets_a_token_through_the_async_client_too(emulator):
    async def token():
        app = emulator.principal("owner-app")
        async with AsyncClientSecretCredential(
            emulator.tenant_id, app["client_id"], app["client_secret"], authority=emulator.authority
        ) as credential:
            return (await credential.get_token(HUB_SCOPE)).token

    assert hub_takes(emulator, asyncio.run(token()))


def test_a_wrong_secret_is_refused_with_entras_code(emulator):
    app = emulator.principal("owner-app")
    credential = ClientSecretCredential(
        emulator.tenant_id, app["client_id"], "guessed", authority=emulator.authority, disable_instance_discovery=True
    )
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(HUB_SCOPE)
    assert "AADSTS7000215" in str(caught.value)
    assert "guessed" not in str(caught.value)


def test_an_unknown_application_is_refused_with_entras_code(emulator):
    credential = ClientSecretCredential(
        emulator.tenant_id,
        "00000000-0000-4000-8000-00000000dead",
        "secret",
        authority=emulator.authority,
        disable_instance_discovery=True,
    )
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(HUB_SCOPE)
    assert "AADSTS700016" in str(caught.value)


def test_an_unknown_tenant_is_refused_with_entras_code(emulator):
    async def ask():
        app = emulator.principal("owner-app")
        async with AsyncClientSecretCredential(
            "00000000-0000-4000-8000-00000000dead", app["client_id"], app["client_secret"], authority=emulator.authority
        ) as credential:
            await credential.get_token(HUB_SCOPE)

    with pytest.raises(ClientAuthenticationError) as caught:
        asyncio.run(ask())
    assert "AADSTS90002" in str(caught.value)


def test_an_unknown_resource_is_refused_with_entras_code(emulator):
    with pytest.raises(ClientAuthenticationError) as caught:
        emulator.credential("owner-app").get_token("https://nothing.contoso.example/.default")
    assert "AADSTS500011" in str(caught.value)


def test_a_certificate_gets_a_token_by_an_rs256_assertion(outsiders):
    emulator = outsiders.emulator
    credential = CertificateCredential(
        emulator.tenant_id,
        CERTIFIED_CLIENT,
        certificate_path=str(outsiders.certificate_file),
        authority=emulator.authority,
        disable_instance_discovery=True,
    )
    assert hub_takes(emulator, credential.get_token(HUB_SCOPE).token)


def test_a_certificate_gets_a_token_through_the_async_client_too(outsiders):
    emulator = outsiders.emulator

    async def token():
        async with AsyncCertificateCredential(
            emulator.tenant_id,
            CERTIFIED_CLIENT,
            certificate_path=str(outsiders.certificate_file),
            authority=emulator.authority,
        ) as credential:
            return (await credential.get_token(HUB_SCOPE)).token

    assert hub_takes(emulator, asyncio.run(token()))


def test_a_certificate_gets_a_token_by_a_ps256_assertion(outsiders):
    emulator = outsiders.emulator
    certificate = x509.load_pem_x509_certificate(outsiders.certificate_file.read_bytes())
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    endpoint = f"{emulator.authority}/{emulator.tenant_id}/oauth2/v2.0/token"
    now = datetime.datetime.now(datetime.timezone.utc)
    assertion = jwt.encode(
        {
            "aud": endpoint,
            "iss": CERTIFIED_CLIENT,
            "sub": CERTIFIED_CLIENT,
            "jti": unique("assertion"),
            "nbf": now,
            "exp": now + datetime.timedelta(minutes=5),
        },
        outsiders.app_key,
        algorithm="PS256",
        headers={"x5t#S256": thumbprint},
    )
    answer = requests.post(
        endpoint,
        data={
            "grant_type": "client_credentials",
            "client_id": CERTIFIED_CLIENT,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
            "scope": HUB_SCOPE,
        },
    )
    assert answer.status_code == 200, answer.text
    assert hub_takes(emulator, answer.json()["access_token"])


def test_a_certificate_that_the_application_does_not_have_is_refused(outsiders):
    emulator = outsiders.emulator
    credential = CertificateCredential(
        emulator.tenant_id,
        CERTIFIED_CLIENT,
        certificate_path=outsiders.stranger_certificate(),
        authority=emulator.authority,
        disable_instance_discovery=True,
    )
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(HUB_SCOPE)
    assert "AADSTS700027" in str(caught.value)


def workload(outsiders, file):
    return WorkloadIdentityCredential(
        tenant_id=outsiders.emulator.tenant_id,
        client_id=FEDERATED_CLIENT,
        token_file_path=file,
        authority=outsiders.emulator.authority,
    )


def test_a_workload_identity_gets_a_token_for_its_outside_one(outsiders):
    token = workload(outsiders, outsiders.federated_token_file()).get_token(HUB_SCOPE)
    assert hub_takes(outsiders.emulator, token.token)


def test_a_bare_default_credential_finds_the_workload_identity(outsiders, monkeypatch):
    only(
        monkeypatch,
        AZURE_AUTHORITY_HOST=outsiders.emulator.authority,
        AZURE_TENANT_ID=outsiders.emulator.tenant_id,
        AZURE_CLIENT_ID=FEDERATED_CLIENT,
        AZURE_FEDERATED_TOKEN_FILE=outsiders.federated_token_file(),
    )
    assert hub_takes(outsiders.emulator, DefaultAzureCredential().get_token(HUB_SCOPE).token)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"sub": "repo:contoso/firmware:ref:refs/heads/other"}, "AADSTS70021"),
        ({"iss": "https://elsewhere.contoso.example"}, "AADSTS70021"),
        ({"aud": "api://somewhere-else"}, "AADSTS70021"),
        ({"exp": datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)}, "AADSTS700024"),
    ],
    ids=["subject", "issuer", "audience", "expired"],
)
def test_an_outside_token_that_does_not_fit_is_refused(outsiders, claims, code):
    with pytest.raises(ClientAuthenticationError) as caught:
        workload(outsiders, outsiders.federated_token_file(**claims)).get_token(HUB_SCOPE)
    assert code in str(caught.value)


def test_an_outside_token_under_another_key_is_refused(outsiders):
    with pytest.raises(ClientAuthenticationError) as caught:
        workload(outsiders, outsiders.federated_token_file(key=new_key())).get_token(HUB_SCOPE)
    assert "AADSTS50013" in str(caught.value)


def test_managed_identity_answers_as_the_instance_metadata_service(emulator, monkeypatch):
    identity = emulator.principal("contoso-workload")
    only(monkeypatch, AZURE_POD_IDENTITY_AUTHORITY_HOST=emulator.ready["managed_identity"]["imds"])
    token = ManagedIdentityCredential(client_id=identity["client_id"]).get_token(HUB_SCOPE).token
    found = verified_claims(emulator, token)
    assert found["oid"] == identity["object_id"]
    assert found["xms_mirid"].endswith("/Microsoft.ManagedIdentity/userAssignedIdentities/contoso-workload")
    assert hub_takes(emulator, token)


def test_managed_identity_answers_as_app_service(emulator, monkeypatch):
    place = emulator.ready["managed_identity"]
    only(monkeypatch, IDENTITY_ENDPOINT=place["identity_endpoint"], IDENTITY_HEADER=place["identity_header"])
    identity = emulator.principal("contoso-workload")
    token = ManagedIdentityCredential(client_id=identity["client_id"]).get_token(HUB_SCOPE).token
    assert claims(token)["oid"] == identity["object_id"]
    assert hub_takes(emulator, token)


def test_app_service_refuses_a_wrong_identity_header(emulator, monkeypatch):
    place = emulator.ready["managed_identity"]
    only(monkeypatch, IDENTITY_ENDPOINT=place["identity_endpoint"], IDENTITY_HEADER="guessed")
    with pytest.raises(ClientAuthenticationError):
        ManagedIdentityCredential().get_token(HUB_SCOPE)


def test_an_unknown_managed_identity_is_refused(emulator, monkeypatch):
    only(monkeypatch, AZURE_POD_IDENTITY_AUTHORITY_HOST=emulator.ready["managed_identity"]["imds"])
    with pytest.raises(ClientAuthenticationError):
        ManagedIdentityCredential(client_id="00000000-0000-4000-8000-00000000dead").get_token(HUB_SCOPE)


def test_a_bare_default_credential_finds_the_managed_identity_by_one_variable(emulator, monkeypatch):
    only(monkeypatch, AZURE_POD_IDENTITY_AUTHORITY_HOST=emulator.ready["managed_identity"]["imds"])
    token = DefaultAzureCredential().get_token(HUB_SCOPE).token
    assert claims(token)["oid"] == emulator.principal("contoso-workload")["object_id"]
    assert hub_takes(emulator, token)


def test_a_bare_default_credential_signs_in_by_secret_where_the_tenant_is_adfs(emulator, monkeypatch):
    app = emulator.principal("reader-app")
    only(
        monkeypatch,
        AZURE_AUTHORITY_HOST=emulator.authority,
        AZURE_TENANT_ID="adfs",
        AZURE_CLIENT_ID=app["client_id"],
        AZURE_CLIENT_SECRET=app["client_secret"],
    )
    token = DefaultAzureCredential().get_token(HUB_SCOPE).token
    assert claims(token)["oid"] == app["object_id"]
    assert hub_takes(emulator, token)


def test_the_environment_of_exec_serves_a_default_credential_as_it_is(emulator):
    token = DefaultAzureCredential(disable_instance_discovery=True).get_token(HUB_SCOPE).token
    assert claims(token)["oid"] == emulator.principal("owner-app")["object_id"]
    assert hub_takes(emulator, token)


def test_the_environment_of_exec_serves_an_async_default_credential_as_it_is(emulator):
    async def token():
        async with AsyncDefaultAzureCredential() as credential:
            return (await credential.get_token(HUB_SCOPE)).token

    assert hub_takes(emulator, asyncio.run(token()))


def test_a_user_signs_in_by_name_and_password(emulator):
    token = emulator.credential("operator").get_token(HUB_SCOPE).token
    found = verified_claims(emulator, token)
    user = emulator.principal("operator")
    assert (found["oid"], found["upn"]) == (user["object_id"], user["username"])
    assert hub_takes(emulator, token)


def test_a_wrong_password_is_refused_with_entras_code(emulator):
    credential = UsernamePasswordCredential(
        AZURE_CLI,
        emulator.principal("operator")["username"],
        "guessed",
        tenant_id="adfs",
        authority=emulator.authority,
    )
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(HUB_SCOPE)
    assert "AADSTS50126" in str(caught.value)


def device_code(emulator, decide):
    """A device-code credential whose user decides as soon as the code is shown."""

    def prompt(verification_uri, user_code, expires_on):
        user = emulator.principal("operator")
        form = {"user_code": user_code, "username": user["username"], "password": user["password"], "action": decide}
        answer = requests.post(verification_uri, data=form)
        assert answer.ok, answer.text

    return DeviceCodeCredential(
        client_id=AZURE_CLI,
        tenant_id=emulator.tenant_id,
        authority=emulator.authority,
        disable_instance_discovery=True,
        prompt_callback=prompt,
    )


def test_a_device_code_gets_a_token_once_the_user_approves(emulator):
    token = device_code(emulator, "approve").get_token(HUB_SCOPE).token
    assert claims(token)["oid"] == emulator.principal("operator")["object_id"]
    assert hub_takes(emulator, token)


def test_a_device_code_is_refused_once_the_user_declines(emulator):
    with pytest.raises(ClientAuthenticationError) as caught:
        device_code(emulator, "decline").get_token(HUB_SCOPE)
    assert "declined" in str(caught.value)
