"""A running emulator, as the tests see it: what its ready file says, its control API, and clients that point at it.

The one that `iolite exec` started comes from the environment; a test that needs another world starts its own.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
import urllib.parse
import uuid
from contextlib import contextmanager

import requests
from azure.core.credentials import AccessToken
from azure.digitaltwins.core import DigitalTwinsClient
from azure.identity import ClientSecretCredential, UsernamePasswordCredential
from azure.iot.hub import IoTHubConfigurationManager, IoTHubRegistryManager
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.digitaltwins import AzureDigitalTwinsManagementClient
from azure.mgmt.eventgrid import EventGridManagementClient
from azure.mgmt.iothub import IotHubClient
from azure.mgmt.iothubprovisioningservices import IotDpsClient
from provisioningserviceclient import ProvisioningServiceClient

HUB_API = "2021-04-12"
DPS_API = "2021-10-01"
# The client id of the Azure CLI, a public client that every tenant knows.
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

# Says on one line where the emulator is, then holds it until its own standard input ends.
_HOLD = "import os, sys; print(os.environ['IOLITE_READY'], flush=True); sys.stdin.read()"


def unique(prefix):
    """An id that no other test has."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def fresh_key():
    """A symmetric key, base64."""
    return base64.b64encode(os.urandom(32)).decode()


def derived_key(group_key, registration_id):
    """The key of one device of an enrollment group, as the DPS documents derive it."""
    mac = hmac.new(base64.b64decode(group_key), registration_id.encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def sas(resource, key, policy=None, ttl_seconds=3600):
    """A shared access signature, computed here and not by the emulator."""
    scope = urllib.parse.quote_plus(resource)
    expiry = int(time.time()) + ttl_seconds
    mac = hmac.new(base64.b64decode(key), f"{scope}\n{expiry}".encode(), hashlib.sha256).digest()
    signature = urllib.parse.quote_plus(base64.b64encode(mac))
    token = f"SharedAccessSignature sr={scope}&sig={signature}&se={expiry}"
    return token if policy is None else f"{token}&skn={policy}"


class Bearer:
    """A credential that always hands out the same token."""

    def __init__(self, token):
        self._token = token

    def get_token(self, *scopes, **kwargs):
        return AccessToken(self._token, int(time.time()) + 3600)


class Emulator:
    """An emulator by its ready file."""

    def __init__(self, ready_file):
        with open(ready_file, encoding="utf-8") as file:
            ready = json.load(file)
        self.ready = ready
        self.control = ready["control"]
        self.authority = ready["entra"]["authority"]
        self.tenant_id = ready["entra"]["tenant_id"]
        self.arm = ready["arm"]["endpoint"]
        self.subscription_id = ready["arm"]["subscription_id"]
        self.group = ready["arm"]["resource_group"]
        self.hub = ready["iot_hubs"][0]
        self.dps = ready["provisioning_services"][0]
        self.twins_instance = ready["digital_twins"][0]
        self._credentials = {}

    # The control API

    def post(self, path, body=None):
        answer = requests.post(f"{self.control}{path}", json=body)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def reset(self):
        self.post("/reset?seed=world")
        self._credentials.clear()

    def token(self, principal, audience, flaw=None):
        body = {"principal": principal, "audience": audience}
        return self.post("/token", {**body, "flaw": flaw} if flaw else body)["access_token"]

    def last_decision(self, outcome="denied"):
        answer = requests.get(f"{self.control}/decisions/last", params={"outcome": outcome})
        answer.raise_for_status()
        return answer.json()

    # People and programs

    def principal(self, name):
        return next(known for known in self.ready["principals"] if known["name"] == name)

    def credential(self, name):
        """How the principal signs in with azure-identity."""
        if name not in self._credentials:
            self._credentials[name] = self._sign_in(self.principal(name))
        return self._credentials[name]

    def _sign_in(self, principal):
        if principal["kind"] == "user":
            return UsernamePasswordCredential(
                AZURE_CLI,
                principal["username"],
                principal["password"],
                # For any other tenant MSAL first asks for the user's realm, at the authority's port 443 whatever its port.
                tenant_id="adfs",
                authority=self.authority,
            )
        return ClientSecretCredential(
            self.tenant_id,
            principal["client_id"],
            principal["client_secret"],
            authority=self.authority,
            disable_instance_discovery=True,
        )

    # IoT Hub

    @property
    def hub_host(self):
        return self.hub["endpoint"].removeprefix("https://")

    def registry(self, principal=None):
        """The hub's registry: for a principal, or by the connection string of `iothubowner`."""
        if principal is None:
            return IoTHubRegistryManager.from_connection_string(self.hub["service_connection_string"])
        return IoTHubRegistryManager.from_token_credential(self.hub_host, self.credential(principal))

    def registry_with_token(self, token):
        return IoTHubRegistryManager.from_token_credential(self.hub_host, Bearer(token))

    def configurations(self):
        return IoTHubConfigurationManager.from_connection_string(self.hub["service_connection_string"])

    def hub_request(self, method, path, authorization=None, api_version=HUB_API, **options):
        """A request to the hub with no SDK in between."""
        headers = {"Authorization": authorization} if authorization else {}
        headers.update(options.pop("headers", {}))
        params = {"api-version": api_version} if api_version else {}
        return requests.request(method, f"{self.hub['endpoint']}{path}", headers=headers, params=params, **options)

    # DPS

    def provisioning(self):
        return ProvisioningServiceClient.create_from_connection_string(self.dps["service_connection_string"])

    def dps_request(self, method, path, authorization=None, api_version=DPS_API, **options):
        """A request to the DPS with no SDK in between."""
        headers = {"Authorization": authorization} if authorization else {}
        headers.update(options.pop("headers", {}))
        params = {"api-version": api_version}
        return requests.request(method, f"{self.dps['endpoint']}{path}", headers=headers, params=params, **options)

    # Digital Twins

    def twins(self, principal):
        return DigitalTwinsClient(self.twins_instance["endpoint"], self.credential(principal))

    # Azure Resource Manager

    def _management(self, client, principal):
        scopes = [f"{self.arm}/.default"]
        return client(
            self.credential(principal), self.subscription_id, base_url=self.arm, credential_scopes=scopes, polling_interval=1
        )

    def hubs(self, principal="owner-app"):
        return self._management(IotHubClient, principal).iot_hub_resource

    def authorities(self, principal="owner-app"):
        """The certificate authorities of hubs."""
        return self._management(IotHubClient, principal).certificates

    def event_subscriptions(self, principal="owner-app"):
        return self._management(EventGridManagementClient, principal).event_subscriptions

    def provisioning_services(self, principal="owner-app"):
        return self._management(IotDpsClient, principal).iot_dps_resource

    def twins_instances(self, principal="owner-app"):
        return self._management(AzureDigitalTwinsManagementClient, principal).digital_twins

    def authorization(self, principal="owner-app"):
        return self._management(AuthorizationManagementClient, principal)

    def scope(self, kind, name):
        """The id of a resource of the group, or of the group itself (`group`)."""
        group = f"/subscriptions/{self.subscription_id}/resourceGroups/{self.group}"
        return group if kind == "group" else f"{group}/providers/{kind}/{name}"

    def assign(self, role, principal, scope, by="owner-app"):
        """Gives a principal a role, by the role's name; answers the assignment."""
        client = self.authorization(by)
        found = list(client.role_definitions.list(scope, filter=f"roleName eq '{role}'"))
        assert len(found) == 1, f"{role}: {found}"
        kind = "User" if self.principal(principal)["kind"] == "user" else "ServicePrincipal"
        return client.role_assignments.create(
            scope,
            str(uuid.uuid4()),
            {
                "role_definition_id": found[0].id,
                "principal_id": self.principal(principal)["object_id"],
                "principal_type": kind,
            },
        )


@contextmanager
def started_with(world_file):
    """Another emulator, of another world, for as long as the block lasts."""
    command = [os.environ["IOLITE_BINARY"], "exec", "--world", str(world_file), "--", sys.executable, "-c", _HOLD]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        ready_file = process.stdout.readline().strip()
        assert ready_file, "the emulator did not start"
        yield Emulator(ready_file)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
