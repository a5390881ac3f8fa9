// azure-iot-provisioning-service against the DPS: enrollments, groups, queries and registration states; devices register
// themselves over bare HTTPS, and what becomes of that when the hub denies SAS.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { selfSigned } from './certificates.mjs';
import { derivedKey, emulator, freshKey, unique } from './emulator.mjs';
import { hubRefuses, refused } from './refusals.mjs';

beforeEach(() => emulator.reset());

const byKey = (primaryKey = freshKey(), secondaryKey = freshKey()) => ({
  type: 'symmetricKey',
  symmetricKey: { primaryKey, secondaryKey },
});

const enrollment = (more = {}) => ({ registrationId: unique('meter'), attestation: byKey(), ...more });
const group = (more = {}) => ({ enrollmentGroupId: unique('fleet'), attestation: byKey(), ...more });

async function enroll(more) {
  return (await emulator.provisioning().createOrUpdateIndividualEnrollment(enrollment(more))).responseBody;
}

/** A new enrollment with the key that its device signs with. */
async function newDevice(more) {
  const made = await enroll(more);
  return { registrationId: made.registrationId, key: made.attestation.symmetricKey.primaryKey };
}

/** A device of a new group, with the key derived for it. */
async function newGroupDevice(more) {
  const made = (await emulator.provisioning().createOrUpdateEnrollmentGroup(group(more))).responseBody;
  const registrationId = unique('sensor');
  const key = derivedKey(made.attestation.symmetricKey.primaryKey, registrationId);
  return { registrationId, key, enrollmentGroupId: made.enrollmentGroupId };
}

/** The DPS refuses with this status and number. */
async function dpsRefuses(status, number, promise) {
  const refusal = await refused(status, promise);
  assert.equal(refusal.body.errorCode, number, refusal.text);
  return refusal;
}

/** Every item of a query, page by page, with the number of pages. */
async function allPages(query) {
  const items = [];
  let pages = 0;
  do {
    // Called without a token, `next` of this SDK always asks for the first page.
    items.push(...(await query.next(query.continuationToken)).responseBody);
    pages += 1;
  } while (query.continuationToken);
  return { items, pages };
}

/** The registration of a device that ended as it should. */
async function assigned({ registrationId, key }) {
  const { status, text, json } = await emulator.register(registrationId, key);
  assert.equal(status, 200, text);
  assert.deepEqual([json.status, json.registrationState.status], ['assigned', 'assigned'], text);
  return json.registrationState;
}

/** The registration of a device that failed, with what its hub said. */
async function failed({ registrationId, key }) {
  const { text, json } = await emulator.register(registrationId, key);
  assert.deepEqual([json.status, json.registrationState?.status], ['failed', 'failed'], text);
  return { code: json.registrationState.errorCode, hubSaid: JSON.parse(json.registrationState.errorMessage).Message };
}

for (const [credential, principal] of [
  ['the connection string', undefined],
  ['an Entra token', 'owner-app'],
]) {
  describe(`with ${credential}`, () => {
    test('an enrollment is made, read, changed and deleted', async () => {
      const service = emulator.provisioning(principal);
      const wanted = enrollment({ deviceId: unique('device'), initialTwin: { tags: { site: 'delft' } } });
      const made = (await service.createOrUpdateIndividualEnrollment(wanted)).responseBody;
      assert.deepEqual(
        [made.registrationId, made.deviceId, made.provisioningStatus, made.initialTwin.tags.site],
        [wanted.registrationId, wanted.deviceId, 'enabled', 'delft'],
      );
      assert.deepEqual(made.attestation.symmetricKey, wanted.attestation.symmetricKey);

      const read = (await service.getIndividualEnrollment(wanted.registrationId)).responseBody;
      assert.equal(read.etag, made.etag);
      assert.equal(read.registrationState.status, 'unassigned');
      assert.equal(read.attestation.symmetricKey, undefined);

      const changed = { ...made, provisioningStatus: 'disabled' };
      const after = (await service.createOrUpdateIndividualEnrollment(changed)).responseBody;
      assert.equal(after.provisioningStatus, 'disabled');
      assert.notEqual(after.etag, made.etag);

      await service.deleteIndividualEnrollment(wanted.registrationId);
      await dpsRefuses(404, 404201, service.getIndividualEnrollment(wanted.registrationId));
    });

    test('a group is made, read, changed and deleted', async () => {
      const service = emulator.provisioning(principal);
      const wanted = group({ reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true } });
      const made = (await service.createOrUpdateEnrollmentGroup(wanted)).responseBody;
      assert.equal(made.enrollmentGroupId, wanted.enrollmentGroupId);
      const read = (await service.getEnrollmentGroup(wanted.enrollmentGroupId)).responseBody;
      assert.deepEqual([read.etag, read.reprovisionPolicy], [made.etag, wanted.reprovisionPolicy]);
      const changed = { ...made, provisioningStatus: 'disabled' };
      const after = (await service.createOrUpdateEnrollmentGroup(changed)).responseBody;
      assert.equal(after.provisioningStatus, 'disabled');
      await service.deleteEnrollmentGroup(after);
      await dpsRefuses(404, 404204, service.getEnrollmentGroup(wanted.enrollmentGroupId));
    });

    test('the keys of enrollments are shown to those who ask for the details', async () => {
      const service = emulator.provisioning(principal);
      const one = enrollment();
      const many = group();
      await service.createOrUpdateIndividualEnrollment(one);
      await service.createOrUpdateEnrollmentGroup(many);
      const ofOne = (await service.getIndividualEnrollmentAttestationMechanism(one.registrationId)).responseBody;
      const ofMany = (await service.getEnrollmentGroupAttestationMechanism(many.enrollmentGroupId)).responseBody;
      assert.deepEqual([ofOne, ofMany], [one.attestation, many.attestation]);
    });
  });
}

describe('enrollments', () => {
  test('keys that are left out are made by the service', async () => {
    const { attestation } = await enroll({ attestation: { type: 'symmetricKey' } });
    const keys = [attestation.symmetricKey.primaryKey, attestation.symmetricKey.secondaryKey];
    assert.deepEqual(keys.map((key) => Buffer.from(key, 'base64').length >= 16), [true, true]);
  });

  test('a certificate is kept as what it says of itself', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'iolite-provisioning-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const { certificate, parsed } = selfSigned(folder, 'meter');
    const attestation = { type: 'x509', x509: { clientCertificates: { primary: { certificate } } } };
    const { registrationId } = await enroll({ attestation });
    const read = (await emulator.provisioning().getIndividualEnrollment(registrationId)).responseBody;
    const { info } = read.attestation.x509.clientCertificates.primary;
    assert.equal(info.sha256Thumbprint.toUpperCase(), parsed.fingerprint256.replaceAll(':', ''));
    assert.equal(info.subjectName, 'CN=meter');
  });

  test('a stale tag does not change an enrollment', async () => {
    const service = emulator.provisioning();
    const stale = await enroll();
    await service.createOrUpdateIndividualEnrollment({ ...stale, deviceId: 'first' });
    const late = service.createOrUpdateIndividualEnrollment({ ...stale, deviceId: 'late' });
    await refused(412, late);
    await refused(412, service.deleteIndividualEnrollment(stale.registrationId, stale.etag));
    const { deviceId } = (await service.getIndividualEnrollment(stale.registrationId)).responseBody;
    assert.equal(deviceId, 'first');
  });

  test('one that is there already is not made again', async () => {
    const { etag, ...again } = await enroll();
    assert.ok(etag);
    await dpsRefuses(409, 409201, emulator.provisioning().createOrUpdateIndividualEnrollment(again));
  });

  test('one without an attestation is refused and not kept', async () => {
    const service = emulator.provisioning();
    const registrationId = unique('meter');
    await refused(400, service.createOrUpdateIndividualEnrollment({ registrationId }));
    await dpsRefuses(404, 404201, service.getIndividualEnrollment(registrationId));
  });

  test('several are made, changed and deleted in one operation', async () => {
    const service = emulator.provisioning();
    // The promise that this operation of the SDK returns never ends, whatever the service answers: it has to be called back.
    const run = promisify((operation, done) => service.runBulkEnrollmentOperation(operation, done));
    const enrollments = [enrollment(), enrollment()];
    assert.deepEqual(await run({ mode: 'create', enrollments }), { isSuccessful: true, errors: [] });

    const read = await Promise.all(
      enrollments.map(async (one) => (await service.getIndividualEnrollment(one.registrationId)).responseBody),
    );
    const disabled = read.map((one) => ({ ...one, provisioningStatus: 'disabled' }));
    assert.equal((await run({ mode: 'updateIfMatchEtag', enrollments: disabled })).isSuccessful, true);
    const stale = await run({ mode: 'updateIfMatchEtag', enrollments: read });
    assert.equal(stale.isSuccessful, false);
    assert.deepEqual(stale.errors.map((error) => error.registrationId).sort(), read.map((one) => one.registrationId).sort());

    assert.equal((await run({ mode: 'delete', enrollments })).isSuccessful, true);
    for (const one of enrollments) await dpsRefuses(404, 404201, service.getIndividualEnrollment(one.registrationId));
  });
});

describe('queries', () => {
  const all = { query: 'SELECT * FROM enrollments' };

  test('enrollments come once each, page by page', async () => {
    const made = [];
    for (let number = 0; number < 5; number += 1) made.push((await enroll()).registrationId);
    const { items, pages } = await allPages(emulator.provisioning().createIndividualEnrollmentQuery(all, 2));
    assert.deepEqual(items.map((item) => item.registrationId).sort(), made.sort());
    assert.equal(pages, 3);
  });

  test('groups are a collection of their own', async () => {
    await enroll();
    const { enrollmentGroupId } = await newGroupDevice();
    const query = emulator.provisioning().createEnrollmentGroupQuery({ query: 'SELECT * FROM enrollmentGroups' });
    const { items } = await allPages(query);
    assert.deepEqual(items.map((item) => item.enrollmentGroupId), [enrollmentGroupId]);
  });

  test('the registrations of a group are those of its devices', async () => {
    const device = await newGroupDevice();
    await assigned(device);
    await assigned(await newDevice());
    const query = emulator
      .provisioning()
      .createEnrollmentGroupDeviceRegistrationStateQuery({ query: 'SELECT *' }, device.enrollmentGroupId);
    const { items } = await allPages(query);
    assert.deepEqual(items.map((item) => [item.registrationId, item.status]), [[device.registrationId, 'assigned']]);
  });
});

describe('registration', () => {
  test('a device with an enrollment of its own is assigned, and is in the hub with its key', async () => {
    const device = await newDevice();
    const state = await assigned(device);
    assert.deepEqual(
      [state.deviceId, state.registrationId, state.substatus, state.assignedHub],
      [device.registrationId, device.registrationId, 'initialAssignment', 'localhost'],
    );
    const made = (await emulator.registry('owner-app').get(device.registrationId)).responseBody;
    assert.equal(made.authentication.symmetricKey.primaryKey, device.key);
  });

  test('a device of a group is assigned by its derived key', async () => {
    const device = await newGroupDevice({ initialTwin: { tags: { site: 'delft' }, properties: { desired: { rate: 5 } } } });
    await assigned(device);
    const twin = (await emulator.registry('owner-app').getTwin(device.registrationId)).responseBody;
    assert.deepEqual([twin.tags, twin.properties.desired.rate], [{ site: 'delft' }, 5]);
  });

  test('the device has the id that its enrollment gives', async () => {
    const deviceId = unique('device');
    const device = await newDevice({ deviceId });
    assert.equal((await assigned(device)).deviceId, deviceId);
    assert.equal((await emulator.registry().get(deviceId)).responseBody.deviceId, deviceId);
  });

  test('the service knows the registration until it is deleted', async () => {
    const device = await newDevice();
    await assigned(device);
    const service = emulator.provisioning();
    const state = (await service.getDeviceRegistrationState(device.registrationId)).responseBody;
    assert.deepEqual([state.status, state.assignedHub], ['assigned', 'contoso-hub.azure-devices.net']);
    const ofEnrollment = (await service.getIndividualEnrollment(device.registrationId)).responseBody.registrationState;
    assert.equal(ofEnrollment.status, 'assigned');
    await service.deleteDeviceRegistrationState(state);
    await dpsRefuses(404, 404202, service.getDeviceRegistrationState(device.registrationId));
    assert.equal((await emulator.registry().get(device.registrationId)).responseBody.deviceId, device.registrationId);
  });

  test('a device under another key is refused and not made', async () => {
    const { registrationId } = await newDevice();
    const answer = await emulator.register(registrationId, freshKey());
    assert.deepEqual([answer.status, answer.json.errorCode], [401, 401002], answer.text);
    await hubRefuses(404, 'DeviceNotFound', emulator.registry().get(registrationId));
  });

  test('a device of a group cannot speak for another', async () => {
    const { key } = await newGroupDevice();
    const answer = await emulator.register(unique('sensor'), key);
    assert.equal(answer.status, 401, answer.text);
  });

  test('a device whose enrollment is disabled is turned away', async () => {
    const device = await newDevice({ provisioningStatus: 'disabled' });
    const answer = await emulator.register(device.registrationId, device.key);
    assert.equal(answer.status, 401, answer.text);
    await hubRefuses(404, 'DeviceNotFound', emulator.registry().get(device.registrationId));
  });
});

describe('access', () => {
  /** The DPS refuses for want of a role, and says for what. */
  async function roleIsMissing(method, path, promise) {
    const { body } = await dpsRefuses(401, 401003, promise);
    assert.match(body.message, /^IotHubUnauthorized;Principal \S+ is not authorized for /);
    assert.ok(body.message.includes(`for ${method} on ${path} due to no assigned permissions`), body.message);
  }

  test('a reader reads, changes nothing and sees no keys', async () => {
    const { registrationId } = await enroll();
    const service = emulator.provisioning('reader-app');
    const path = `/enrollments/${registrationId}`;
    const read = (await service.getIndividualEnrollment(registrationId)).responseBody;
    assert.equal(read.registrationId, registrationId);
    const change = service.createOrUpdateIndividualEnrollment({ ...read, deviceId: 'another' });
    await roleIsMissing('PUT', path, change);
    await roleIsMissing('DELETE', path, service.deleteIndividualEnrollment(registrationId));
    const keys = service.getIndividualEnrollmentAttestationMechanism(registrationId);
    await roleIsMissing('POST', `${path}/attestationmechanism`, keys);
  });

  for (const principal of ['no-roles-app', 'subscription-owner', 'registry-app']) {
    test(`${principal} has no role on the DPS`, async () => {
      const reading = emulator.provisioning(principal).getIndividualEnrollment('any');
      await roleIsMissing('GET', '/enrollments/any', reading);
    });
  }
});

describe('the switch that denies SAS on the hub', () => {
  for (const [whose, device] of [
    ['of its own', newDevice],
    ['of a group', newGroupDevice],
  ]) {
    test(`fails every device with an enrollment ${whose}, through a connection string, until it is back`, async () => {
      const waiting = await device();
      await emulator.setLocalAuth(true);
      const { code, hubSaid } = await failed(waiting);
      assert.deepEqual([code, hubSaid], [401002, 'ErrorCode:IotHubUnauthorizedAccess;Unauthorized']);
      await hubRefuses(404, 'DeviceNotFound', emulator.registry('owner-app').get(waiting.registrationId));

      await emulator.setLocalAuth(false);
      await assigned(waiting);
    });
  }

  test('does not touch provisioning by an identity that has the role', async () => {
    const device = await newDevice();
    await emulator.linkByIdentity();
    await emulator.assign('IoT Hub Data Contributor', 'contoso-dps');
    await emulator.setLocalAuth(true);
    await assigned(device);
    const made = (await emulator.registry('owner-app').get(device.registrationId)).responseBody;
    assert.equal(made.deviceId, device.registrationId);
  });

  test('fails provisioning by an identity without the role, and says what is missing', async () => {
    const device = await newDevice();
    await emulator.linkByIdentity();
    await emulator.setLocalAuth(true);
    const { code, hubSaid } = await failed(device);
    assert.equal(code, 401003);
    assert.match(hubSaid, /^ErrorCode:IotHubUnauthorized;Principal \S+ is not authorized for \S+ on \/devices/);
    await emulator.assign('IoT Hub Data Contributor', 'contoso-dps');
    await assigned(device);
  });
});
