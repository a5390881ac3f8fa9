// @azure/identity against the issuer: each credential gets a token that a hub takes, and each bad one Entra's own error.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, createPublicKey, randomUUID, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DeviceCodeCredential,
  UsernamePasswordCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';

import { newKey, selfSigned } from './certificates.mjs';
import { AZURE_CLI, HUB_SCOPE, claims, emulator, startedWith, unique } from './emulator.mjs';

const ISSUER = 'https://ci.contoso.example';
const SUBJECT = 'repo:contoso/firmware:ref:refs/heads/main';
const CERTIFIED_CLIENT = 'c0ffee00-0000-4000-8000-0000000002c1';
const FEDERATED_CLIENT = 'c0ffee00-0000-4000-8000-0000000002c2';
const NOBODY = '00000000-0000-4000-8000-00000000dead';

beforeEach(() => emulator.reset());

const run = promisify(execFile);

/** Signs in within a process that is told nothing but `environment`; answers the token, or an `error`. */
async function signIn(environment, credential, options = {}) {
  const own = Object.entries(process.env).filter(([name]) => !/^(AZURE|IDENTITY|MSI|IMDS)_/.test(name));
  const script = fileURLToPath(new URL('sign_in.mjs', import.meta.url));
  const { stdout } = await run(process.execPath, [script, credential, JSON.stringify(options), HUB_SCOPE], {
    env: { ...Object.fromEntries(own), ...environment },
  });
  return JSON.parse(stdout);
}

/** The same, where a token is expected. */
async function signedIn(environment, credential, options) {
  const { token, error } = await signIn(environment, credential, options);
  assert.ok(token, error?.message);
  return token;
}

const options = (at = emulator) => ({ authorityHost: at.authority, disableInstanceDiscovery: true });

const tokenOf = async (credential) => (await credential.getToken(HUB_SCOPE)).token;

async function hubTakes(token, at = emulator) {
  const answer = await at.hubRequest('GET', '/statistics/devices', `Bearer ${token}`);
  assert.equal(answer.status, 200, answer.text);
}

async function entraRefuses(code, promise) {
  const error = await promise.then(
    () => assert.fail('a token was given'),
    (caught) => caught,
  );
  assert.match(error.message, new RegExp(`${code}\\b`));
  return error;
}

/** The claims of a token that holds against the published keys, as any resource server reads it. */
async function verifiedClaims(token) {
  const configuration = `${emulator.authority}/${emulator.tenantId}/.well-known/openid-configuration`;
  const { issuer, jwks_uri: keysUri } = await (await fetch(configuration)).json();
  const { keys } = await (await fetch(keysUri)).json();
  const [header, payload, signature] = token.split('.');
  const { kid, alg } = JSON.parse(Buffer.from(header, 'base64url'));
  const key = createPublicKey({ key: keys.find((known) => known.kid === kid), format: 'jwk' });
  const signed = verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'));
  const found = claims(token);
  assert.deepEqual([alg, signed, found.iss, found.aud], ['RS256', true, issuer, 'https://iothubs.azure.net']);
  return found;
}

describe('a client secret', () => {
  test('gets a token that the hub takes', async () => {
    await hubTakes(await tokenOf(emulator.credential('owner-app')));
  });

  test('gets a token that holds against the published keys and names its application', async () => {
    const app = emulator.principal('owner-app');
    const found = await verifiedClaims(await tokenOf(emulator.credential('owner-app')));
    assert.deepEqual([found.oid, found.sub, found.tid], [app.object_id, app.object_id, emulator.tenantId]);
    assert.ok([found.appid, found.azp].includes(app.client_id));
    assert.equal(found.idtyp, 'app');
  });

  test('that is wrong is refused with the code of Entra', async () => {
    const app = emulator.principal('owner-app');
    const credential = new ClientSecretCredential(emulator.tenantId, app.client_id, 'guessed', options());
    const error = await entraRefuses('AADSTS7000215', tokenOf(credential));
    assert.ok(!JSON.stringify(error).includes('guessed'));
  });

  test('of an unknown application is refused with the code of Entra', async () => {
    const credential = new ClientSecretCredential(emulator.tenantId, NOBODY, 'secret', options());
    await entraRefuses('AADSTS700016', tokenOf(credential));
  });

  test('in an unknown tenant is refused, with the code of Entra where the tenant is looked up', async () => {
    const app = emulator.principal('owner-app');
    const credential = new ClientSecretCredential(NOBODY, app.client_id, app.client_secret, options());
    await assert.rejects(tokenOf(credential), /endpoints_resolution_error/);
    const configuration = await fetch(`${emulator.authority}/${NOBODY}/v2.0/.well-known/openid-configuration`);
    assert.match((await configuration.json()).error_description, /^AADSTS90002:/);
  });

  test('gets no token for a resource that nobody knows', async () => {
    const token = emulator.credential('owner-app').getToken('https://nothing.contoso.example/.default');
    await entraRefuses('AADSTS500011', token);
  });
});

describe('a user', () => {
  test('signs in by name and password', async () => {
    const user = emulator.principal('operator');
    const token = await tokenOf(emulator.credential('operator'));
    const found = await verifiedClaims(token);
    assert.deepEqual([found.oid, found.upn], [user.object_id, user.username]);
    await hubTakes(token);
  });

  test('with a wrong password is refused with the code of Entra', async () => {
    const { username } = emulator.principal('operator');
    const credential = new UsernamePasswordCredential(emulator.tenantId, AZURE_CLI, username, 'guessed', options());
    await entraRefuses('AADSTS50126', tokenOf(credential));
  });

  const deviceCode = (action) =>
    new DeviceCodeCredential({
      ...options(),
      tenantId: emulator.tenantId,
      clientId: AZURE_CLI,
      // The user decides as soon as the code is shown.
      userPromptCallback: async ({ verificationUri, userCode }) => {
        const { username, password } = emulator.principal('operator');
        const form = new URLSearchParams({ user_code: userCode, username, password, action });
        const answer = await fetch(verificationUri, { method: 'POST', body: form });
        assert.ok(answer.ok, await answer.text());
      },
    });

  test('signs in by device code once the code is approved', async () => {
    const token = await tokenOf(deviceCode('approve'));
    assert.equal(claims(token).oid, emulator.principal('operator').object_id);
    await hubTakes(token);
  });

  test('gets no token once the device code is declined', async () => {
    await assert.rejects(tokenOf(deviceCode('decline')), /declined|AADSTS70018/);
  });
});

describe('a managed identity', () => {
  const identity = emulator.principal('contoso-workload');
  const { imds, identity_endpoint: endpoint, identity_header: header } = emulator.ready.managed_identity;
  const onMachine = { AZURE_POD_IDENTITY_AUTHORITY_HOST: imds };
  const inAppService = { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header };
  const byClientId = { clientId: identity.client_id };

  test('gets a token as from the instance metadata service', async () => {
    const token = await signedIn(onMachine, 'ManagedIdentityCredential', byClientId);
    const found = await verifiedClaims(token);
    assert.equal(found.oid, identity.object_id);
    assert.ok(found.xms_mirid.endsWith('/Microsoft.ManagedIdentity/userAssignedIdentities/contoso-workload'));
    await hubTakes(token);
  });

  test('gets a token as in App Service', async () => {
    const token = await signedIn(inAppService, 'ManagedIdentityCredential', byClientId);
    assert.equal(claims(token).oid, identity.object_id);
    await hubTakes(token);
  });

  for (const [place, environment] of [
    ['the instance metadata service', onMachine],
    ['App Service', inAppService],
  ]) {
    test(`gets a token from ${place} that the client takes to last`, async () => {
      const { token, expiresOnTimestamp } = await signIn(environment, 'ManagedIdentityCredential', byClientId);
      // The client counts the life of the token from the second in which it reads the answer, which may be the next one.
      const late = expiresOnTimestamp - claims(token).exp * 1000;
      assert.ok(late === 0 || Math.abs(late) === 1000, `${late} ms`);
      assert.ok(expiresOnTimestamp > Date.now() + 30 * 60_000, new Date(expiresOnTimestamp).toISOString());
    });

    test(`that nobody knows gets no token from ${place}`, async () => {
      const { error } = await signIn(environment, 'ManagedIdentityCredential', { clientId: NOBODY });
      assert.match(error.message, /Identity not found/);
    });
  }

  test('gets none in App Service with a wrong header', async () => {
    const { error } = await signIn({ ...inAppService, IDENTITY_HEADER: 'guessed' }, 'ManagedIdentityCredential', byClientId);
    assert.match(error.message, /X-IDENTITY-HEADER/);
    assert.doesNotMatch(error.message, /guessed/);
  });
});

describe('a default credential', () => {
  test('works in the environment of exec, with instance discovery off', async () => {
    const token = await signedIn(process.env, 'DefaultAzureCredential', { disableInstanceDiscovery: true });
    assert.equal(claims(token).oid, emulator.principal('owner-app').object_id);
    await hubTakes(token);
  });

  test('with nothing set in code finds the managed identity by one variable', async () => {
    const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: emulator.ready.managed_identity.imds };
    const token = await signedIn(environment, 'DefaultAzureCredential');
    assert.equal(claims(token).oid, emulator.principal('contoso-workload').object_id);
    await hubTakes(token);
  });

  test('with nothing set in code signs in by secret where the tenant is adfs', async () => {
    const app = emulator.principal('reader-app');
    const environment = {
      AZURE_AUTHORITY_HOST: emulator.authority,
      AZURE_TENANT_ID: 'adfs',
      AZURE_CLIENT_ID: app.client_id,
      AZURE_CLIENT_SECRET: app.client_secret,
    };
    const token = await signedIn(environment, 'DefaultAzureCredential');
    assert.equal(claims(token).oid, app.object_id);
    await hubTakes(token);
  });
});

describe('in a world with certificates and federated credentials', () => {
  const folder = mkdtempSync(join(tmpdir(), 'iolite-identity-'));
  const issuerKey = newKey();
  let certified;
  let other;
  let stop;

  before(async () => {
    certified = selfSigned(folder, 'certified-app');
    const worldFile = join(folder, 'credentials.toml');
    writeFileSync(worldFile, world(certified.certificate, issuerKey.publicKey));
    ({ emulator: other, stop } = await startedWith(worldFile));
  });

  after(async () => {
    await stop?.();
    rmSync(folder, { recursive: true });
  });

  const byCertificate = (file, more) =>
    new ClientCertificateCredential(other.tenantId, CERTIFIED_CLIENT, file, { ...options(other), ...more });

  test('a certificate gets a token that the hub takes', async () => {
    await hubTakes(await tokenOf(byCertificate(certified.file)), other);
  });

  test('a certificate gets a token with its chain sent along', async () => {
    await hubTakes(await tokenOf(byCertificate(certified.file, { sendCertificateChain: true })), other);
  });

  test('a certificate that the application does not have is refused with the code of Entra', async () => {
    const stranger = selfSigned(folder, 'stranger');
    await entraRefuses('AADSTS700027', tokenOf(byCertificate(stranger.file)));
  });

  for (const [algorithm, thumbprint, hash, pss] of [
    ['RS256', 'x5t', 'sha1', {}],
    ['PS256', 'x5t#S256', 'sha256', { padding: 6, saltLength: 32 }],
  ]) {
    test(`an assertion signed with ${algorithm} and named by ${thumbprint} gets a token`, async () => {
      const credential = new ClientAssertionCredential(
        other.tenantId,
        CERTIFIED_CLIENT,
        async () => {
          const digest = createHash(hash).update(certified.parsed.raw).digest('base64url');
          const payload = {
            aud: `${other.authority}/${other.tenantId}/oauth2/v2.0/token`,
            iss: CERTIFIED_CLIENT,
            sub: CERTIFIED_CLIENT,
            jti: randomUUID(),
          };
          return jwt({ alg: algorithm, [thumbprint]: digest }, payload, certified.privateKey, pss);
        },
        options(other),
      );
      await hubTakes(await tokenOf(credential), other);
    });
  }

  /** A token of the outside issuer, in a file. */
  function federatedToken(changed = {}, key = issuerKey.privateKey) {
    const payload = { iss: ISSUER, sub: SUBJECT, aud: 'api://AzureADTokenExchange', ...changed };
    const file = join(folder, unique('token'));
    writeFileSync(file, jwt({ alg: 'RS256', typ: 'JWT' }, payload, key));
    return file;
  }

  const workload = (tokenFilePath) =>
    new WorkloadIdentityCredential({
      ...options(other),
      tenantId: other.tenantId,
      clientId: FEDERATED_CLIENT,
      tokenFilePath,
    });

  test('a workload identity gets a token for its outside one', async () => {
    await hubTakes(await tokenOf(workload(federatedToken())), other);
  });

  const workloadEnvironment = () => ({
    AZURE_AUTHORITY_HOST: other.authority,
    AZURE_TENANT_ID: other.tenantId,
    AZURE_CLIENT_ID: FEDERATED_CLIENT,
    AZURE_FEDERATED_TOKEN_FILE: federatedToken(),
  });

  test('a default credential finds the workload identity, with instance discovery off', async () => {
    const options = { disableInstanceDiscovery: true };
    await hubTakes(await signedIn(workloadEnvironment(), 'DefaultAzureCredential', options), other);
  });

  test('a default credential with nothing set in code finds the workload identity by way of the managed one', async () => {
    // The workload identity credential of the chain asks login.microsoftonline.com first; the managed one does not.
    const environment = { ...workloadEnvironment(), AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential' };
    await hubTakes(await signedIn(environment, 'DefaultAzureCredential'), other);
  });

  for (const [what, changed, code] of [
    ['for another subject', { sub: 'repo:contoso/firmware:ref:refs/heads/other' }, 'AADSTS70021\\d*'],
    ['of another issuer', { iss: 'https://elsewhere.contoso.example' }, 'AADSTS70021\\d*'],
    ['for another audience', { aud: 'api://somewhere-else' }, 'AADSTS70021\\d*'],
    ['that has expired', { nbf: 1_500_000_000, exp: 1_600_000_000 }, 'AADSTS700024'],
  ]) {
    test(`an outside token ${what} is refused with the code of Entra`, async () => {
      await entraRefuses(code, tokenOf(workload(federatedToken(changed))));
    });
  }

  test('an outside token under another key is refused', async () => {
    const file = federatedToken({}, newKey().privateKey);
    await entraRefuses('AADSTS\\d+', tokenOf(workload(file)));
  });
});

/** A signed JSON web token that holds for five minutes, unless the payload says otherwise. */
function jwt(header, payload, key, pss = {}) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part({ iat: now, nbf: now, exp: now + 300, ...payload })}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, ...pss }).toString('base64url')}`;
}

function world(certificate, publicKey) {
  return `
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
client_id = "${CERTIFIED_CLIENT}"
certificates = ['''
${certificate}''']
roles = [{ role = "IoT Hub Data Reader", scope = "hub:contoso-hub" }]

[[principals]]
name = "federated-app"
kind = "service-principal"
client_id = "${FEDERATED_CLIENT}"
roles = [{ role = "IoT Hub Data Reader", scope = "hub:contoso-hub" }]
federated_credentials = [{ issuer = "${ISSUER}", subject = "${SUBJECT}", public_key_pem = '''
${publicKey}''' }]
`;
}
