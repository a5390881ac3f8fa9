// A running emulator, as the tests see it: what its ready file says, its control API, and clients that point at it.
//
// The one that `run` started comes from the environment; a test that needs another world starts its own (`startedWith`).

import { spawn } from 'node:child_process';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { DigitalTwinsClient } from '@azure/digital-twins-core';
import { ClientSecretCredential, UsernamePasswordCredential } from '@azure/identity';
import provisioning from 'azure-iot-provisioning-service';
import iothub from 'azure-iothub';

export const HUB_API = '2021-04-12';
export const DPS_API = '2021-10-01';
export const HUB_SCOPE = 'https://iothubs.azure.net/.default';
const HUB_ARM_API = '2023-06-30';
const DPS_ARM_API = '2026-11-01';
const AUTHORIZATION_API = '2022-04-01';
// The client id of the Azure CLI, a public client that every tenant knows.
export const AZURE_CLI = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

// Says on one line where the emulator is, then holds it until its own standard input ends.
const HOLD = 'console.log(process.env.IOLITE_READY); process.stdin.resume();';

/** An id that no other test has. */
export const unique = (prefix) => `${prefix}-${randomBytes(6).toString('hex')}`;

/** A symmetric key, base64. */
export const freshKey = () => randomBytes(32).toString('base64');

/** The key of one device of an enrollment group, as the DPS documents derive it. */
export const derivedKey = (groupKey, registrationId) =>
  createHmac('sha256', Buffer.from(groupKey, 'base64')).update(registrationId).digest('base64');

/** A shared access signature, computed here and not by the emulator. */
export function sas(resource, key, policy, ttlSeconds = 3600) {
  const scope = encodeURIComponent(resource);
  const expiry = Math.floor(Date.now() / 1000) + ttlSeconds;
  const mac = createHmac('sha256', Buffer.from(key, 'base64')).update(`${scope}\n${expiry}`).digest('base64');
  const token = `SharedAccessSignature sr=${scope}&sig=${encodeURIComponent(mac)}&se=${expiry}`;
  return policy ? `${token}&skn=${policy}` : token;
}

/** The claims of a token, unchecked. */
export const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** Fields of a connection string, by name. */
export const fields = (connectionString) =>
  Object.fromEntries(connectionString.split(';').map((field) => [field.split('=', 1)[0], field.replace(/^[^=]*=/, '')]));

/** A credential that always hands out the same token. */
export const bearer = (token) => ({ getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) });

/** An emulator by its ready file. */
export class Emulator {
  #credentials = new Map();

  constructor(readyFile) {
    this.ready = JSON.parse(readFileSync(readyFile, 'utf8'));
    this.control = this.ready.control;
    this.authority = this.ready.entra.authority;
    this.tenantId = this.ready.entra.tenant_id;
    this.arm = this.ready.arm.endpoint;
    this.hub = this.ready.iot_hubs[0];
    this.dps = this.ready.provisioning_services[0];
    this.twinsInstance = this.ready.digital_twins[0];
  }

  // The control API

  async post(path, body) {
    const answer = await fetch(`${this.control}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  async reset() {
    await this.post('/reset?seed=world');
    this.#credentials.clear();
  }

  async token(principal, audience, flaw) {
    return (await this.post('/token', { principal, audience, ...(flaw && { flaw }) })).access_token;
  }

  async lastDecision(outcome = 'denied') {
    return (await fetch(`${this.control}/decisions/last?outcome=${outcome}`)).json();
  }

  // People and programs

  principal(name) {
    return this.ready.principals.find((known) => known.name === name);
  }

  /** How the principal signs in with @azure/identity. */
  credential(name) {
    if (!this.#credentials.has(name)) this.#credentials.set(name, this.#signIn(this.principal(name)));
    return this.#credentials.get(name);
  }

  #signIn(principal) {
    const options = { authorityHost: this.authority, disableInstanceDiscovery: true };
    return principal.kind === 'user'
      ? new UsernamePasswordCredential(this.tenantId, AZURE_CLI, principal.username, principal.password, options)
      : new ClientSecretCredential(this.tenantId, principal.client_id, principal.client_secret, options);
  }

  // IoT Hub

  get hubConnectionString() {
    return onPort443(this.hub.service_connection_string);
  }

  get hubHost() {
    return fields(this.hubConnectionString).HostName;
  }

  /** The hub's registry: for a principal, or by the connection string of `iothubowner`. */
  registry(principal) {
    return principal === undefined
      ? iothub.Registry.fromConnectionString(this.hubConnectionString)
      : iothub.Registry.fromTokenCredential(this.hubHost, this.credential(principal));
  }

  registryWithToken(token) {
    return iothub.Registry.fromTokenCredential(this.hubHost, bearer(token));
  }

  serviceClient(principal) {
    return principal === undefined
      ? iothub.Client.fromConnectionString(this.hubConnectionString)
      : iothub.Client.fromTokenCredential(this.hubHost, this.credential(principal));
  }

  jobs() {
    return iothub.JobClient.fromConnectionString(this.hubConnectionString);
  }

  /** A request to the hub with no SDK in between. */
  hubRequest(method, path, authorization, options = {}) {
    return request(method, `${this.hub.endpoint}${path}`, HUB_API, authorization, options);
  }

  // DPS

  get dpsConnectionString() {
    return onPort443(this.dps.service_connection_string);
  }

  provisioning(principal) {
    return principal === undefined
      ? provisioning.ProvisioningServiceClient.fromConnectionString(this.dpsConnectionString)
      : provisioning.ProvisioningServiceClient.fromTokenCredential(
          fields(this.dpsConnectionString).HostName,
          this.credential(principal),
        );
  }

  /** A request of a device to the DPS, signed with its key. */
  deviceRequest(method, registrationId, key, rest, body) {
    const resource = `${this.dps.id_scope}/registrations/${registrationId}`;
    const url = `${this.dps.endpoint}/${resource}/${rest}`;
    return request(method, url, DPS_API, sas(resource, key, 'registration'), { body });
  }

  /** Registers a device and asks how it ended: the assignment is done before the registration is answered. */
  async register(registrationId, key) {
    const begun = await this.deviceRequest('PUT', registrationId, key, 'register', { registrationId });
    if (begun.status !== 202) return begun;
    return this.deviceRequest('GET', registrationId, key, `operations/${begun.json.operationId}`);
  }

  // Digital Twins

  twins(principal) {
    return new DigitalTwinsClient(this.twinsInstance.endpoint, this.credential(principal));
  }

  twinsWithToken(token) {
    return new DigitalTwinsClient(this.twinsInstance.endpoint, bearer(token));
  }

  // Azure Resource Manager

  /** A request to the Resource Manager by a principal, whatever comes of it. */
  async armRequest(method, id, apiVersion, body, principal = 'owner-app', headers = {}) {
    const { token } = await this.credential(principal).getToken(`${this.arm}/.default`);
    return request(method, `${this.arm}${id}`, apiVersion, `Bearer ${token}`, { headers, body });
  }

  async #arm(method, id, apiVersion, body, principal, headers) {
    const answer = await this.armRequest(method, id, apiVersion, body, principal, headers);
    if (answer.status >= 300) throw new Error(`${method} ${id}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** Denies or allows SAS on the hub, as the portal does; answers the hub as it stands then. */
  setLocalAuth(disabled, principal) {
    const body = { properties: { disableLocalAuth: disabled } };
    return this.#arm('PATCH', this.hub.resource_id, HUB_ARM_API, body, principal);
  }

  /** Changes properties of the hub, and leaves the others as they are. */
  async setHubProperties(properties, identity) {
    const hub = await this.#arm('GET', this.hub.resource_id, HUB_ARM_API);
    Object.assign(hub.properties, properties);
    if (identity) hub.identity = identity;
    return this.#arm('PUT', this.hub.resource_id, HUB_ARM_API, hub);
  }

  /**
   * Registers an authority's certificate (PEM) with the hub. `proof` answers the certificate for a verification code;
   * without it the authority stays unverified.
   */
  async registerAuthority(certificate, proof) {
    const id = `${this.hub.resource_id}/certificates/${unique('root')}`;
    const base64 = (pem) => Buffer.from(pem).toString('base64');
    const made = await this.#arm('PUT', id, HUB_ARM_API, { properties: { certificate: base64(certificate) } });
    if (!proof) return made;
    const ifMatch = (etag) => ({ 'if-match': etag });
    const asked = await this.#arm('POST', `${id}/generateVerificationCode`, HUB_ARM_API, undefined, undefined, ifMatch(made.etag));
    const body = { certificate: base64(proof(asked.properties.verificationCode)) };
    return this.#arm('POST', `${id}/verify`, HUB_ARM_API, body, undefined, ifMatch(asked.etag));
  }

  /** The hub's shared access policies with their keys. */
  async hubPolicies(principal) {
    return (await this.#arm('POST', `${this.hub.resource_id}/listkeys`, HUB_ARM_API, undefined, principal)).value;
  }

  /** Replaces the hub's shared access policies. */
  async setHubPolicies(authorizationPolicies) {
    const hub = await this.#arm('GET', this.hub.resource_id, HUB_ARM_API);
    hub.properties.authorizationPolicies = authorizationPolicies;
    return this.#arm('PUT', this.hub.resource_id, HUB_ARM_API, hub);
  }

  /** Links the DPS to its hub by its own identity instead of a connection string. */
  async linkByIdentity() {
    const dps = await this.#arm('GET', this.dps.resource_id, DPS_ARM_API);
    const [link] = dps.properties.iotHubs;
    dps.identity = { type: 'SystemAssigned' };
    dps.properties.iotHubs = [
      { hostName: link.hostName ?? link.name, location: link.location, authenticationType: 'SystemAssigned' },
    ];
    return this.#arm('PUT', this.dps.resource_id, DPS_ARM_API, dps);
  }

  /** Gives a principal a role on the hub, by the role's name; answers the assignment's id. */
  async assign(role, principal) {
    const filter = encodeURIComponent(`roleName eq '${role}'`);
    const found = await this.#arm('GET', `${this.#authorization}/roleDefinitions?$filter=${filter}`, AUTHORIZATION_API);
    if (found.value.length !== 1) throw new Error(`${role}: ${JSON.stringify(found)}`);
    const { object_id: principalId, kind } = this.principal(principal);
    const principalType = kind === 'user' ? 'User' : 'ServicePrincipal';
    const id = `${this.#authorization}/roleAssignments/${randomUUID()}`;
    const properties = { roleDefinitionId: found.value[0].id, principalId, principalType };
    return (await this.#arm('PUT', id, AUTHORIZATION_API, { properties })).id;
  }

  unassign(assignmentId) {
    return this.#arm('DELETE', assignmentId, AUTHORIZATION_API);
  }

  /** Makes a role of its own with these data actions, which can be assigned on the hub. */
  async defineRole(roleName, dataActions) {
    const group = this.hub.resource_id.split('/providers/')[0];
    const id = `${group}/providers/Microsoft.Authorization/roleDefinitions/${randomUUID()}`;
    const permissions = [{ actions: [], notActions: [], dataActions, notDataActions: [] }];
    const properties = { roleName, type: 'CustomRole', description: '', permissions, assignableScopes: [group] };
    return this.#arm('PUT', id, AUTHORIZATION_API, { properties });
  }

  get #authorization() {
    return `${this.hub.resource_id}/providers/Microsoft.Authorization`;
  }
}

/** The emulator that `run` started. */
export const emulator = new Emulator(process.env.IOLITE_READY);

/** Another emulator, of another world, on ports of its own; `stop` ends it. */
export async function startedWith(worldFile) {
  const command = ['exec', '--world', worldFile, '--ports', 'auto', '--', process.execPath, '-e', HOLD];
  const child = spawn(process.env.IOLITE_BINARY, command, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const lines = createInterface({ input: child.stdout });
  const readyFile = await Promise.race([
    new Promise((resolve) => lines.once('line', resolve)),
    ended.then((status) => Promise.reject(new Error(`the emulator did not start: status ${status}`))),
  ]);
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  return { emulator: new Emulator(readyFile), stop };
}

// A host without a port: the emulator leaves it out where port 443 is its own.
function onPort443(connectionString) {
  if (fields(connectionString).HostName.includes(':')) {
    throw new Error(
      "The emulator does not listen on port 443, the only one that Node's REST clients know. Run the tests where it can: " +
        'as root, with the capability CAP_NET_BIND_SERVICE, or after sysctl net.ipv4.ip_unprivileged_port_start=443; and ' +
        'with no other program on the port.',
    );
  }
  return connectionString;
}

async function request(method, url, apiVersion, authorization, { headers = {}, body } = {}) {
  const answer = await fetch(`${url}${url.includes('?') ? '&' : '?'}api-version=${apiVersion}`, {
    method,
    headers: {
      ...(authorization && { authorization }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json');
  return { status: answer.status, headers: answer.headers, text, json: text && isJson ? JSON.parse(text) : undefined };
}
