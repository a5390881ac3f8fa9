// Who may do what on the hub, as users of azure-iothub meet it: roles, bad tokens, shared access policies, and the switch
// that denies SAS. Digital Twins' and DPS's own refusals are in their files.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import iothub from 'azure-iothub';

import { emulator, fields, freshKey, sas, unique } from './emulator.mjs';
import { hubRefuses, refused } from './refusals.mjs';

beforeEach(() => emulator.reset());

async function newDevice() {
  const deviceId = unique('device');
  await emulator.registry().create({ deviceId });
  return deviceId;
}

/** The hub refuses for want of a role, and says whose and for what. */
async function roleIsMissing(method, path, principal, promise) {
  const refusal = await hubRefuses(401, 'IotHubUnauthorized', promise);
  assert.equal(refusal.error.name, 'UnauthorizedError');
  const { object_id: objectId, client_id: clientId, username } = emulator.principal(principal);
  const said = refusal.body.Message;
  assert.match(said, /^ErrorCode:IotHubUnauthorized;Principal \S+ is not authorized for /);
  assert.ok([objectId, clientId, username, principal].some((name) => said.includes(`Principal ${name} `)), said);
  assert.ok(said.includes(`for ${method} on ${path} due to no assigned permissions`), said);
}

describe('roles', () => {
  test('a reader reads devices, twins and queries', async () => {
    const deviceId = await newDevice();
    const registry = emulator.registry('reader-app');
    assert.equal((await registry.get(deviceId)).responseBody.deviceId, deviceId);
    assert.equal((await registry.getTwin(deviceId)).responseBody.deviceId, deviceId);
    const { result } = await registry.createQuery('SELECT * FROM devices').nextAsTwin();
    assert.deepEqual(result.map((twin) => twin.deviceId), [deviceId]);
  });

  test('a reader changes nothing, and is told what is missing', async () => {
    const deviceId = await newDevice();
    const registry = emulator.registry('reader-app');
    const device = `/devices/${deviceId}`;
    await roleIsMissing('PUT', device, 'reader-app', registry.update({ deviceId, status: 'disabled' }));
    await roleIsMissing('DELETE', device, 'reader-app', registry.delete(deviceId));
    const patch = registry.updateTwin(deviceId, { tags: { a: 1 } }, '*');
    await roleIsMissing('PATCH', `/twins/${deviceId}`, 'reader-app', patch);
    const call = emulator.serviceClient('reader-app').invokeDeviceMethod(deviceId, { methodName: 'reboot' });
    await refused(401, call);

    const { status } = (await emulator.registry().get(deviceId)).responseBody;
    const { tags } = (await emulator.registry().getTwin(deviceId)).responseBody;
    assert.deepEqual([status, tags ?? {}], ['enabled', {}]);
  });

  test('the registry role makes devices and does not touch twins', async () => {
    const deviceId = unique('device');
    const registry = emulator.registry('registry-app');
    await registry.create({ deviceId });
    await registry.addDevices([{ deviceId: unique('device') }]);
    await roleIsMissing('GET', `/twins/${deviceId}`, 'registry-app', registry.getTwin(deviceId));
    const query = registry.createQuery('SELECT * FROM devices').next();
    await roleIsMissing('POST', '/devices/query', 'registry-app', query);
    await registry.delete(deviceId);
  });

  test('the twin role changes twins, queries, and does not make devices', async () => {
    const deviceId = await newDevice();
    const registry = emulator.registry('twin-app');
    const { tags } = (await registry.updateTwin(deviceId, { tags: { a: 1 } }, '*')).responseBody;
    assert.deepEqual(tags, { a: 1 });
    assert.equal((await registry.createQuery('SELECT * FROM devices').next()).result.length, 1);
    const another = unique('device');
    await roleIsMissing('PUT', `/devices/${another}`, 'twin-app', registry.create({ deviceId: another }));
  });

  test('without a role nothing is done, and the decision log says which role would do', async () => {
    const registry = emulator.registry('no-roles-app');
    const refusal = await hubRefuses(401, 'IotHubUnauthorized', registry.get('any'));
    const decision = await emulator.lastDecision();
    assert.equal(refusal.headers['x-iolite-decision'], decision.id);
    const told = decision.explanation.join('\n');
    assert.match(told, /no-roles-app/);
    assert.match(told, /Microsoft\.Devices\/IotHubs\/devices\/read/);
    assert.match(told, /az role assignment create/);
  });

  test('an owner of the subscription lists the keys, has no data role, and gets in with the keys', async () => {
    const deviceId = await newDevice();
    const registry = emulator.registry('subscription-owner');
    await roleIsMissing('GET', `/devices/${deviceId}`, 'subscription-owner', registry.get(deviceId));

    const policies = await emulator.hubPolicies('subscription-owner');
    const { primaryKey } = policies.find((policy) => policy.keyName === 'iothubowner');
    const owner = `HostName=${emulator.hubHost};SharedAccessKeyName=iothubowner;SharedAccessKey=${primaryKey}`;
    const read = await iothub.Registry.fromConnectionString(owner).get(deviceId);
    assert.equal(read.responseBody.deviceId, deviceId);
  });

  test('a reader of data cannot list the keys', async () => {
    const answer = await emulator.armRequest(
      'POST',
      `${emulator.hub.resource_id}/listkeys`,
      '2023-06-30',
      undefined,
      'reader-app',
    );
    assert.deepEqual([answer.status, answer.json.error.code], [403, 'AuthorizationFailed'], answer.text);
  });

  test('a member of a group has the roles of the group', async () => {
    const deviceId = await newDevice();
    const registry = emulator.registry('operator');
    assert.equal((await registry.get(deviceId)).responseBody.deviceId, deviceId);
    await roleIsMissing('DELETE', `/devices/${deviceId}`, 'operator', registry.delete(deviceId));
  });

  test('a role counts from its assignment to its removal, for a client that is open all the while', async () => {
    const deviceId = await newDevice();
    const registry = emulator.registry('no-roles-app');
    const path = `/devices/${deviceId}`;
    await roleIsMissing('GET', path, 'no-roles-app', registry.get(deviceId));
    const assignment = await emulator.assign('IoT Hub Data Reader', 'no-roles-app');
    assert.equal((await registry.get(deviceId)).responseBody.deviceId, deviceId);
    await emulator.unassign(assignment);
    await roleIsMissing('GET', path, 'no-roles-app', registry.get(deviceId));
  });

  test('a bulk request needs the right to write and the right to delete', async () => {
    const registry = emulator.registry('no-roles-app');
    await emulator.defineRole('Device Writer', ['Microsoft.Devices/IotHubs/devices/write']);
    await emulator.assign('Device Writer', 'no-roles-app');
    await registry.create({ deviceId: unique('device') });
    const bulk = registry.addDevices([{ deviceId: unique('device') }]);
    await roleIsMissing('POST', '/devices', 'no-roles-app', bulk);
    await emulator.defineRole('Device Deleter', ['Microsoft.Devices/IotHubs/devices/delete']);
    await emulator.assign('Device Deleter', 'no-roles-app');
    assert.equal((await registry.addDevices([{ deviceId: unique('device') }])).responseBody.isSuccessful, true);
  });
});

describe('tokens', () => {
  for (const flaw of [
    'expired',
    'not-yet-valid',
    'wrong-audience',
    'wrong-issuer',
    'bad-signature',
    'unsigned',
    'unknown-key',
  ]) {
    test(`one that is ${flaw} is refused without saying more`, async () => {
      const token = await emulator.token('owner-app', 'hub', flaw);
      const refusal = await hubRefuses(401, 'IotHubUnauthorizedAccess', emulator.registryWithToken(token).list());
      assert.equal(refusal.body.Message, 'ErrorCode:IotHubUnauthorizedAccess;Unauthorized');
    });
  }

  for (const service of ['dps', 'twins', 'arm']) {
    test(`one for ${service} is no token for the hub`, async () => {
      const registry = emulator.registryWithToken(await emulator.token('owner-app', service));
      await hubRefuses(401, 'IotHubUnauthorizedAccess', registry.list());
    });
  }

  test('a good one that the emulator minted is taken', async () => {
    const registry = emulator.registryWithToken(await emulator.token('owner-app', 'hub'));
    assert.deepEqual((await registry.list()).responseBody, []);
  });

  test('one that runs out on the clock of the emulator is refused from then on', async (t) => {
    t.after(() => emulator.post('/clock', { reset: true }));
    const registry = emulator.registryWithToken(await emulator.token('owner-app', 'hub'));
    await registry.list();
    await emulator.post('/clock', { advanceSeconds: 25 * 60 * 60 });
    await hubRefuses(401, 'IotHubUnauthorizedAccess', registry.list());
  });
});

describe('shared access policies', () => {
  // `fromSharedAccessSignature` would take the host from the signature.
  const withSas = (token) => new iothub.Registry({ host: emulator.hubHost, sharedAccessSignature: token });
  const policyKey = async (name) => (await emulator.hubPolicies()).find((policy) => policy.keyName === name).primaryKey;

  test('a policy that reads the registry does not write to it', async () => {
    const deviceId = await newDevice();
    const registry = withSas(sas(emulator.hubHost, await policyKey('registryRead'), 'registryRead'));
    assert.equal((await registry.get(deviceId)).responseBody.deviceId, deviceId);
    await hubRefuses(401, 'IotHubUnauthorizedAccess', registry.delete(deviceId));
    await hubRefuses(401, 'IotHubUnauthorizedAccess', registry.getTwin(deviceId));
  });

  test('the service policy reads twins and not the registry', async () => {
    const deviceId = await newDevice();
    const registry = withSas(sas(emulator.hubHost, await policyKey('service'), 'service'));
    assert.equal((await registry.getTwin(deviceId)).responseBody.deviceId, deviceId);
    await hubRefuses(401, 'IotHubUnauthorizedAccess', registry.get(deviceId));
  });

  for (const [what, token] of [
    ['under another key', () => sas(emulator.hubHost, freshKey(), 'iothubowner')],
    ['that has run out', async () => sas(emulator.hubHost, await policyKey('iothubowner'), 'iothubowner', -600)],
    ['of a policy that is not there', async () => sas(emulator.hubHost, await policyKey('iothubowner'), 'nobody')],
    ['for another host', async () => sas('elsewhere.contoso.example', await policyKey('iothubowner'), 'iothubowner')],
  ]) {
    test(`a signature ${what} is refused`, async () => {
      await hubRefuses(401, 'IotHubUnauthorizedAccess', withSas(await token()).list());
    });
  }

  test('a key that was made anew counts at once, and the old one no more', async () => {
    const before = emulator.registry();
    await before.list();
    const policies = await emulator.hubPolicies();
    const owner = policies.find((policy) => policy.keyName === 'iothubowner');
    owner.primaryKey = freshKey();
    await emulator.setHubPolicies(policies);

    await hubRefuses(401, 'IotHubUnauthorizedAccess', before.list());
    const connectionString = `HostName=${emulator.hubHost};SharedAccessKeyName=iothubowner;SharedAccessKey=`;
    for (const key of [owner.primaryKey, owner.secondaryKey]) {
      const registry = iothub.Registry.fromConnectionString(connectionString + key);
      assert.deepEqual((await registry.list()).responseBody, []);
    }
  });
});

describe('the switch that denies SAS', () => {
  test('refuses SAS at once, lets Entra go on, and back on all works again', async () => {
    const deviceId = await newDevice();
    const bySas = emulator.registry();
    const byEntra = emulator.registry('owner-app');
    await Promise.all([bySas.get(deviceId), byEntra.get(deviceId)]);

    const hub = await emulator.setLocalAuth(true);
    assert.equal(hub.properties.disableLocalAuth, true);
    const refusal = await hubRefuses(401, 'IotHubUnauthorizedAccess', bySas.get(deviceId));
    assert.equal(refusal.error.name, 'UnauthorizedError');
    await hubRefuses(401, 'IotHubUnauthorizedAccess', bySas.createQuery('SELECT * FROM devices').next());
    const call = emulator.serviceClient().invokeDeviceMethod(deviceId, { methodName: 'reboot' });
    await refused(401, call);
    assert.equal((await byEntra.get(deviceId)).responseBody.deviceId, deviceId);

    await emulator.setLocalAuth(false);
    assert.equal((await bySas.get(deviceId)).responseBody.deviceId, deviceId);
  });

  test('is rehearsed with who used SAS and which services are linked by it', async () => {
    await emulator.registry().list();
    const answer = await fetch(`${emulator.control}/hubs/${emulator.hub.name}/local-auth`);
    const { disabled, rehearsal } = await answer.json();
    assert.equal(disabled, false);
    assert.ok(rehearsal.sasUsers.some((user) => user.policy === 'iothubowner'), JSON.stringify(rehearsal));
    const link = rehearsal.linkedServices.find((service) => service.name === emulator.dps.name);
    assert.deepEqual([link.link, link.breaks], ['connectionString', true]);
  });

  test('leaves a trace in the decision log that names it', async () => {
    await emulator.setLocalAuth(true);
    await hubRefuses(401, 'IotHubUnauthorizedAccess', emulator.registry().list());
    const decision = await emulator.lastDecision();
    assert.match(decision.explanation.join('\n'), /disableLocalAuth|local authentication|denies SAS/i);
    const secret = fields(emulator.hubConnectionString).SharedAccessKey;
    assert.ok(!JSON.stringify(decision).includes(secret));
  });

  test('cannot be moved without the right to change the hub', async () => {
    const body = { properties: { disableLocalAuth: true } };
    const answer = await emulator.armRequest('PATCH', emulator.hub.resource_id, '2023-06-30', body, 'reader-app');
    assert.deepEqual([answer.status, answer.json.error.code], [403, 'AuthorizationFailed'], answer.text);
    await emulator.registry().list();
  });
});
