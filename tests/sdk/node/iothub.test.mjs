// azure-iothub against the hub: identities, twins, queries, bulk requests, configurations and direct methods, with the
// connection string and with an Entra token.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import { emulator, freshKey, sas, unique } from './emulator.mjs';
import { hubRefuses, refused } from './refusals.mjs';

beforeEach(() => emulator.reset());

async function newDevice(registry, more = {}) {
  const { responseBody } = await registry.create({ deviceId: unique('device'), ...more });
  return responseBody;
}

/** Every row of a query, page by page, with the number of pages. */
async function allPages(query) {
  const rows = [];
  let pages = 0;
  while (query.hasMoreResults) {
    // Called without a token, `next` of this SDK always asks for the first page.
    rows.push(...(await query.next(query.continuationToken)).result);
    pages += 1;
  }
  return { rows, pages };
}

for (const [credential, principal] of [
  ['the connection string', undefined],
  ['an Entra token', 'owner-app'],
]) {
  describe(`with ${credential}`, () => {
    test('a device is created, read, listed, changed and deleted', async () => {
      const registry = emulator.registry(principal);
      const deviceId = unique('device');

      const created = (await registry.create({ deviceId })).responseBody;
      assert.equal(created.deviceId, deviceId);
      assert.equal(created.status, 'enabled');
      assert.equal(created.connectionState, 'Disconnected');
      assert.ok(created.generationId && created.etag);

      const read = (await registry.get(deviceId)).responseBody;
      assert.equal(read.etag, created.etag);
      assert.equal(read.generationId, created.generationId);
      const listed = (await registry.list()).responseBody.map((device) => device.deviceId);
      assert.ok(listed.includes(deviceId));

      const update = { deviceId, status: 'disabled', statusReason: 'lost' };
      const changed = (await registry.update(update)).responseBody;
      assert.deepEqual([changed.status, changed.statusReason], ['disabled', 'lost']);
      assert.notEqual(changed.etag, created.etag);

      await registry.delete(deviceId);
      await hubRefuses(404, 'DeviceNotFound', registry.get(deviceId));
    });

    test('a twin is patched and read back', async () => {
      const registry = emulator.registry(principal);
      const { deviceId } = await newDevice(registry);
      const before = (await registry.getTwin(deviceId)).responseBody;
      const patch = { tags: { site: 'amsterdam' }, properties: { desired: { interval: 30 } } };
      const patched = (await registry.updateTwin(deviceId, patch, before.etag)).responseBody;
      assert.equal(patched.version, before.version + 1);

      const after = (await registry.getTwin(deviceId)).responseBody;
      assert.equal(after.tags.site, 'amsterdam');
      assert.equal(after.properties.desired.interval, 30);
      assert.equal(after.properties.desired.$version, 2);
      assert.equal(after.properties.desired.$metadata.interval.$lastUpdatedVersion, 2);
    });

    test('a query reads the twins that match', async () => {
      const registry = emulator.registry(principal);
      const { deviceId } = await newDevice(registry);
      await newDevice(registry);
      await registry.updateTwin(deviceId, { tags: { site: 'delft' } }, '*');
      const { result } = await registry.createQuery("SELECT * FROM devices WHERE tags.site = 'delft'").nextAsTwin();
      assert.deepEqual(
        result.map((twin) => [twin.deviceId, twin.tags.site]),
        [[deviceId, 'delft']],
      );
    });

    test('a direct method on a device that is not connected says that it is not online', async () => {
      const { deviceId } = await newDevice(emulator.registry(principal));
      const call = emulator.serviceClient(principal).invokeDeviceMethod(deviceId, { methodName: 'reboot' });
      const refusal = await hubRefuses(404, 'DeviceNotOnline', call);
      assert.match(refusal.text, /404103/);
    });
  });
}

describe('identities', () => {
  test('keys that are left out are made by the hub', async () => {
    const { authentication } = await newDevice(emulator.registry());
    assert.equal(authentication.type, 'sas');
    const keys = [authentication.symmetricKey.primaryKey, authentication.symmetricKey.secondaryKey];
    assert.deepEqual(keys.map((key) => Buffer.from(key, 'base64').length >= 16), [true, true]);
    assert.notEqual(keys[0], keys[1]);
  });

  test('keys that are given are kept', async () => {
    const registry = emulator.registry();
    const symmetricKey = { primaryKey: freshKey(), secondaryKey: freshKey() };
    const { deviceId } = await newDevice(registry, { authentication: { symmetricKey } });
    const read = (await registry.get(deviceId)).responseBody;
    assert.deepEqual(read.authentication.symmetricKey, symmetricKey);
  });

  test('a device signs in by the thumbprint of its certificate', async () => {
    const primaryThumbprint = 'A'.repeat(40);
    const { authentication } = await newDevice(emulator.registry(), {
      authentication: { x509Thumbprint: { primaryThumbprint, secondaryThumbprint: 'B'.repeat(40) } },
    });
    assert.equal(authentication.type, 'selfSigned');
    assert.equal(authentication.x509Thumbprint.primaryThumbprint, primaryThumbprint);
  });

  test('an Edge device has the two modules of its runtime', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry, { capabilities: { iotEdge: true } });
    assert.equal((await registry.get(deviceId)).responseBody.capabilities.iotEdge, true);
    const modules = (await registry.getModulesOnDevice(deviceId)).responseBody.map((module) => module.moduleId);
    assert.deepEqual(modules.sort(), ['$edgeAgent', '$edgeHub']);
  });

  test('a device that is there already is not created again', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    const refusal = await hubRefuses(409, 'DeviceAlreadyExists', registry.create({ deviceId }));
    assert.equal(refusal.error.name, 'DeviceAlreadyExistsError');
  });

  test('an unknown device is not found, under the name that the SDK knows', async () => {
    const registry = emulator.registry();
    const refusal = await hubRefuses(404, 'DeviceNotFound', registry.get(unique('device')));
    assert.equal(refusal.error.name, 'DeviceNotFoundError');
    await hubRefuses(404, 'DeviceNotFound', registry.delete(unique('device')));
  });

  test('an id with a slash is refused', async () => {
    const refusal = await hubRefuses(400, 'IotHubFormatError', emulator.registry().create({ deviceId: 'a/b' }));
    assert.equal(refusal.error.name, 'ArgumentError');
  });

  test('an id with every character that is allowed comes back as it was', async () => {
    const registry = emulator.registry();
    const deviceId = "a-:.+%_#*?!(),=@;$'Z";
    await registry.create({ deviceId });
    assert.equal((await registry.get(deviceId)).responseBody.deviceId, deviceId);
  });

  test('the statistics count the devices by their status', async () => {
    const registry = emulator.registry();
    await newDevice(registry);
    await newDevice(registry, { status: 'disabled' });
    const { totalDeviceCount, enabledDeviceCount, disabledDeviceCount } = (await registry.getRegistryStatistics())
      .responseBody;
    assert.deepEqual([totalDeviceCount, enabledDeviceCount, disabledDeviceCount], [2, 1, 1]);
  });
});

describe('modules', () => {
  test('a module is created, read, listed, changed and deleted', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    const moduleId = unique('module');

    const created = (await registry.addModule({ deviceId, moduleId })).responseBody;
    assert.deepEqual([created.deviceId, created.moduleId], [deviceId, moduleId]);
    const read = (await registry.getModule(deviceId, moduleId)).responseBody;
    assert.equal(read.generationId, created.generationId);
    const listed = (await registry.getModulesOnDevice(deviceId)).responseBody;
    assert.deepEqual(listed.map((module) => module.moduleId), [moduleId]);

    const changed = (await registry.updateModule({ ...read, managedBy: 'fleet' }, true)).responseBody;
    assert.equal(changed.managedBy, 'fleet');

    await registry.removeModule(deviceId, moduleId);
    await hubRefuses(404, 'ModuleNotFound', registry.getModule(deviceId, moduleId));
  });

  test('a module has a twin of its own', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    const moduleId = unique('module');
    await registry.addModule({ deviceId, moduleId });
    const twin = (await registry.getModuleTwin(deviceId, moduleId)).responseBody;
    await twin.update({ properties: { desired: { colour: 'blue' } } });

    const after = (await registry.getModuleTwin(deviceId, moduleId)).responseBody;
    assert.deepEqual([after.moduleId, after.properties.desired.colour], [moduleId, 'blue']);
    const ofDevice = (await registry.getTwin(deviceId)).responseBody;
    assert.equal(ofDevice.properties.desired.colour, undefined);
  });

  test('a stale tag does not change a module', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    const stale = (await registry.addModule({ deviceId, moduleId: 'sensor' })).responseBody;
    await registry.updateModule({ ...stale, managedBy: 'first' }, true);
    const late = registry.updateModule({ ...stale, managedBy: 'late' }, false);
    const refusal = await hubRefuses(412, 'PreconditionFailed', late);
    assert.equal(refusal.error.name, 'InvalidEtagError');
    assert.equal((await registry.getModule(deviceId, 'sensor')).responseBody.managedBy, 'first');
  });

  test('modules go with their device', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    await registry.addModule({ deviceId, moduleId: 'sensor' });
    await registry.delete(deviceId);
    await registry.create({ deviceId });
    assert.deepEqual((await registry.getModulesOnDevice(deviceId)).responseBody, []);
  });

  test('a module of an unknown device is refused', async () => {
    const module = { deviceId: unique('device'), moduleId: 'sensor' };
    await hubRefuses(404, 'DeviceNotFound', emulator.registry().addModule(module));
  });

  test('a direct method on a module that is not connected says that it is not online', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    await registry.addModule({ deviceId, moduleId: 'sensor' });
    const call = emulator.serviceClient().invokeDeviceMethod(deviceId, 'sensor', { methodName: 'reboot' });
    await hubRefuses(404, 'DeviceNotOnline', call);
  });
});

describe('twins', () => {
  test('null takes a property away and leaves the others', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    await registry.updateTwin(deviceId, { tags: { a: 1, b: { c: 2, d: 3 } } }, '*');
    const twin = (await registry.updateTwin(deviceId, { tags: { a: null, b: { c: null } } }, '*')).responseBody;
    assert.deepEqual(twin.tags, { b: { d: 3 } });
  });

  test('a stale tag does not change a twin', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    const stale = (await registry.getTwin(deviceId)).responseBody;
    await registry.updateTwin(deviceId, { tags: { site: 'first' } }, '*');
    const late = registry.updateTwin(deviceId, { tags: { site: 'late' } }, stale.etag);
    await hubRefuses(412, 'PreconditionFailed', late);
    assert.equal((await registry.getTwin(deviceId)).responseBody.tags.site, 'first');
  });

  test('a twin changes through the object that the SDK read', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    const twin = (await registry.getTwin(deviceId)).responseBody;
    await twin.update({ tags: { site: 'one' } });
    await twin.update({ tags: { floor: 2 } });
    await twin.get();
    assert.deepEqual(twin.tags, { site: 'one', floor: 2 });
  });

  test('the twin of an unknown device is not found', async () => {
    await hubRefuses(404, 'DeviceNotFound', emulator.registry().getTwin(unique('device')));
  });
});

describe('queries', () => {
  test('a query hands out every device once, page by page', async () => {
    const registry = emulator.registry();
    const ids = Array.from({ length: 7 }, (_, number) => `device-${number}`);
    await registry.addDevices(ids.map((deviceId) => ({ deviceId })));
    const { rows, pages } = await allPages(registry.createQuery('SELECT deviceId FROM devices', 3));
    assert.deepEqual(rows.map((row) => row.deviceId).sort(), ids);
    assert.equal(pages, 3);
  });

  test('twins come page by page too', async () => {
    const registry = emulator.registry();
    await registry.addDevices(['a', 'b', 'c'].map((deviceId) => ({ deviceId })));
    const query = registry.createQuery('SELECT * FROM devices', 2);
    const sizes = [];
    while (query.hasMoreResults) sizes.push((await query.nextAsTwin()).result.length);
    assert.deepEqual(sizes, [2, 1]);
  });

  test('devices are counted by a tag', async () => {
    const registry = emulator.registry();
    for (const site of ['delft', 'delft', 'leiden']) {
      const { deviceId } = await newDevice(registry);
      await registry.updateTwin(deviceId, { tags: { site } }, '*');
    }
    const query = 'SELECT tags.site AS site, COUNT() AS number FROM devices GROUP BY tags.site';
    const { rows } = await allPages(registry.createQuery(query));
    assert.deepEqual(
      rows.sort((one, other) => one.site.localeCompare(other.site)),
      [
        { site: 'delft', number: 2 },
        { site: 'leiden', number: 1 },
      ],
    );
  });

  test('modules are queried as a collection of their own', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    await registry.addModule({ deviceId, moduleId: 'sensor' });
    const query = "SELECT deviceId, moduleId FROM devices.modules WHERE moduleId = 'sensor'";
    const { rows } = await allPages(registry.createQuery(query));
    assert.deepEqual(rows, [{ deviceId, moduleId: 'sensor' }]);
  });

  test('a query that cannot be read is refused', async () => {
    const refusal = await hubRefuses(400, 'ArgumentInvalid', emulator.registry().createQuery('SELECT FROM WHERE').next());
    assert.equal(refusal.error.name, 'ArgumentError');
  });
});

describe('bulk requests', () => {
  test('devices are added, changed and removed together', async () => {
    const registry = emulator.registry();
    const ids = [unique('device'), unique('device')];
    const added = (await registry.addDevices(ids.map((deviceId) => ({ deviceId })))).responseBody;
    assert.equal(added.isSuccessful, true);
    assert.deepEqual(added.errors, []);

    await registry.updateDevices(ids.map((deviceId) => ({ deviceId, status: 'disabled' })), true);
    for (const deviceId of ids) assert.equal((await registry.get(deviceId)).responseBody.status, 'disabled');

    await registry.removeDevices(ids.map((deviceId) => ({ deviceId })), true);
    assert.deepEqual((await registry.list()).responseBody, []);
  });

  test('a device that cannot be added is named, and the others are added', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice(registry);
    const fresh = unique('device');
    const refusal = registry.addDevices([{ deviceId }, { deviceId: fresh }]);
    const { body } = await refused(400, refusal);
    assert.equal(body.isSuccessful, false);
    assert.deepEqual(body.errors.map((error) => error.deviceId), [deviceId]);
    assert.equal((await registry.get(fresh)).responseBody.deviceId, fresh);
  });
});

describe('configurations', () => {
  const configuration = () => ({
    id: unique('configuration'),
    content: { deviceContent: { 'properties.desired.interval': 30 } },
    targetCondition: "tags.site = 'delft'",
    priority: 10,
    labels: { team: 'field' },
  });

  test('a configuration is added, read, listed, changed and removed', async () => {
    const registry = emulator.registry();
    const wanted = configuration();
    await registry.addConfiguration(wanted);

    const read = (await registry.getConfiguration(wanted.id)).responseBody;
    assert.deepEqual(
      [read.content.deviceContent, read.targetCondition, read.priority, read.labels],
      [wanted.content.deviceContent, wanted.targetCondition, wanted.priority, wanted.labels],
    );
    const listed = (await registry.getConfigurations()).responseBody;
    assert.deepEqual(listed.map((known) => known.id), [wanted.id]);

    const changed = (await registry.updateConfiguration({ ...read, priority: 20 }, true)).responseBody;
    assert.equal(changed.priority, 20);

    await registry.removeConfiguration(wanted.id);
    await hubRefuses(404, 'ConfigurationNotFound', registry.getConfiguration(wanted.id));
  });

  test('a stale tag does not change a configuration', async () => {
    const registry = emulator.registry();
    const wanted = configuration();
    const stale = (await registry.addConfiguration(wanted)).responseBody;
    await registry.updateConfiguration({ ...stale, priority: 20 }, true);
    await hubRefuses(412, 'PreconditionFailed', registry.updateConfiguration({ ...stale, priority: 30 }, false));
    assert.equal((await registry.getConfiguration(wanted.id)).responseBody.priority, 20);
  });

  test('a target condition that cannot be read is refused', async () => {
    const registry = emulator.registry();
    const wanted = { ...configuration(), targetCondition: 'tags.' };
    const refusal = await refused(400, registry.addConfiguration(wanted));
    assert.equal(refusal.error.name, 'ArgumentError');
    await hubRefuses(404, 'ConfigurationNotFound', registry.getConfiguration(wanted.id));
  });
});

describe('shared access signatures of a device', () => {
  test('a device cannot read the registry with its own key', async () => {
    const { deviceId, authentication } = await newDevice(emulator.registry());
    const token = sas(`${emulator.hubHost}/devices/${deviceId}`, authentication.symmetricKey.primaryKey);
    const answer = await emulator.hubRequest('GET', `/devices/${deviceId}`, token);
    assert.equal(answer.status, 401, answer.text);
  });
});
