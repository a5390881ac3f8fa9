// azure-iothub over a fleet: scheduled jobs, configurations, Plug and Play digital twins, and the registry through blobs of
// an Azurite of this file's own.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';

import iothub from 'azure-iothub';

import { ACCOUNT, KEY, startAzurite } from './azurite.mjs';
import { CONNECTED, clientOf, newDevice, open, until } from './devices.mjs';
import { emulator, unique } from './emulator.mjs';
import { hubRefuses } from './refusals.mjs';

beforeEach(() => emulator.reset());

/** The job that an answer of this SDK's job client holds. */
const job = async (asked) => (await asked).jobStatus;

const twinOf = async (deviceId) => (await emulator.registry().getTwin(deviceId)).responseBody;
const jobUntil = (client, id, status) =>
  until(() => job(client.getJob(id)), (found) => found.status === status, `the job's end`);

/**
 * Runs `body` while the device is connected over MQTT and answers the method with what it was given. The SDK subscribes after
 * it has connected, so calls wait for the device a while.
 */
async function answering(identity, method, body) {
  const client = clientOf(identity, CONNECTED.mqtt);
  client.onDeviceMethod(method, (request, response) => response.send(207, { given: request.payload }));
  return open(client, body);
}

describe('scheduled jobs', () => {
  test('a twin update reaches the devices of its condition', async () => {
    const [one, other] = [await newDevice(), await newDevice()];
    const jobs = emulator.jobs();
    const id = unique('job');
    const patch = { etag: '*', tags: { key: 'value' }, properties: { desired: { speed: 5 } } };
    const made = await job(jobs.scheduleTwinUpdate(id, `deviceId = '${one.deviceId}'`, patch, new Date(), 60));
    assert.deepEqual([made.jobId, made.status, made.type], [id, 'queued', 'scheduleUpdateTwin']);
    const done = await jobUntil(jobs, id, 'completed');
    assert.deepEqual([done.deviceJobStatistics.deviceCount, done.deviceJobStatistics.succeededCount], [1, 1]);
    assert.deepEqual((await twinOf(one.deviceId)).tags, { key: 'value' });
    assert.equal((await twinOf(other.deviceId)).tags?.key, undefined);
  });

  test('a job waits for its time on the steered clock, and can be cancelled until then', async () => {
    const { deviceId } = await newDevice();
    const jobs = emulator.jobs();
    const [late, cancelled] = [unique('job'), unique('job')];
    const start = new Date(Date.now() + 3_600_000);
    for (const id of [late, cancelled]) {
      await jobs.scheduleTwinUpdate(id, `deviceId = '${deviceId}'`, { etag: '*', tags: { by: id } }, start, 60);
    }
    await jobUntil(jobs, late, 'scheduled');
    assert.equal((await job(jobs.cancelJob(cancelled))).status, 'cancelled');
    await emulator.post('/clock', { advanceSeconds: 3700 });
    try {
      await jobUntil(jobs, late, 'completed');
      assert.deepEqual((await twinOf(deviceId)).tags, { by: late });
      await hubRefuses(405, 'OperationNotAllowedInCurrentState', jobs.cancelJob(cancelled));
    } finally {
      await emulator.post('/clock', { reset: true });
    }
  });

  test('a method is called, and each device has its outcome', async () => {
    const [connected, away] = [await newDevice(), await newDevice()];
    const id = unique('job');
    const jobs = emulator.jobs();
    await answering(connected, 'reboot', async () => {
      const call = { methodName: 'reboot', payload: { delay: 1 }, responseTimeoutInSeconds: 10, connectTimeoutInSeconds: 5 };
      await jobs.scheduleDeviceMethod(id, '*', call, new Date(), 60);
      const done = await jobUntil(jobs, id, 'completed');
      assert.deepEqual([done.deviceJobStatistics.succeededCount, done.deviceJobStatistics.failedCount], [1, 1]);
    });
    const query = emulator.registry().createQuery(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${id}'`);
    const rows = new Map((await query.next()).result.map((row) => [row.deviceId, row]));
    const answer = rows.get(connected.deviceId).outcome.deviceMethodResponse;
    assert.deepEqual([answer.status, answer.payload], [207, { given: { delay: 1 } }]);
    assert.deepEqual([rows.get(away.deviceId).status, rows.get(away.deviceId).error.code], ['failed', '404103']);
  });

  test('jobs are listed by type and status', async () => {
    const jobs = emulator.jobs();
    const id = unique('job');
    await jobs.scheduleTwinUpdate(id, '*', { etag: '*', tags: {} }, new Date(), 60);
    await jobUntil(jobs, id, 'completed');
    const listed = async (type, status) => (await jobs.createQuery(type, status).next()).result.map((job) => job.jobId);
    assert.deepEqual(await listed('scheduleUpdateTwin', 'completed'), [id]);
    assert.deepEqual(await listed('scheduleDeviceMethod'), []);
  });
});

describe('configurations', () => {
  const configuration = (id, priority, desired) => ({
    id,
    content: { deviceContent: { 'properties.desired': desired } },
    targetCondition: "tags.building = '43'",
    priority,
    metrics: { queries: { applied: `select deviceId from devices where configurations.[[${id}]].status = 'Applied'` } },
  });

  test('the highest priority comes to the twins that are tagged for it', async () => {
    const registry = emulator.registry();
    const { deviceId } = await newDevice();
    await registry.addConfiguration(configuration('low', 1, { water: { temperature: 40 } }));
    await registry.addConfiguration(configuration('high', 9, { water: { temperature: 66 } }));
    await registry.updateTwin(deviceId, { tags: { building: '43' } }, '*');
    const twin = await until(() => twinOf(deviceId), (found) => found.configurations, 'the roll-out');
    assert.deepEqual(twin.configurations, { high: { status: 'Applied' }, low: { status: 'Targeted' } });
    assert.deepEqual(twin.properties.desired.water, { temperature: 66 });
    await registry.removeConfiguration('high');
    await until(() => twinOf(deviceId), (found) => found.properties.desired.water.temperature === 40, 'the next one');
  });
});

describe('digital twins', () => {
  test('a property is set, and a command of a component answered', async () => {
    const identity = await newDevice();
    const credentials = new iothub.IoTHubTokenCredentials(emulator.hubConnectionString);
    const twins = new iothub.DigitalTwinClient(credentials);
    await twins.updateDigitalTwin(identity.deviceId, [{ op: 'add', path: '/thermostat1/target', value: 21.5 }], '*');
    const read = await twins.getDigitalTwin(identity.deviceId);
    assert.deepEqual(read.thermostat1.$metadata.target, { desiredValue: 21.5, desiredVersion: 2 });
    await answering(identity, 'thermostat1*report', async () => {
      const options = { connectTimeoutInSeconds: 5, responseTimeoutInSeconds: 10 };
      const answer = await twins.invokeComponentCommand(identity.deviceId, 'thermostat1', 'report', { since: 1 }, options);
      assert.deepEqual(answer.body.given, { since: 1 });
    });
  });
});

describe('the registry through blobs', () => {
  let azurite;
  let service;

  before(async () => {
    azurite = await startAzurite();
    ({ service } = azurite);
  });

  after(() => azurite.stop());

  /** An account signature for everything, for an hour. */
  function signature() {
    const fields = { sv: '2020-08-04', ss: 'b', srt: 'sco', sp: 'rwdlac', se: new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '') };
    const text = [ACCOUNT, fields.sp, fields.ss, fields.srt, '', fields.se, '', '', fields.sv, ''].join('\n');
    const sig = createHmac('sha256', Buffer.from(KEY, 'base64')).update(text).digest('base64');
    return new URLSearchParams({ ...fields, sig });
  }

  async function container() {
    const uri = `${service}/${unique('c')}`;
    const made = await fetch(`${uri}?restype=container&${signature()}`, { method: 'PUT' });
    assert.equal(made.status, 201, await made.text());
    return uri;
  }

  const jobEnd = (registry, job) =>
    until(() => registry.getJob(job.jobId), (found) => found.progress === 100 || found.failureReason, 'the job');

  test('a device that went comes back from the export, with its keys and twin', async () => {
    const registry = emulator.registry();
    const { deviceId, key } = await newDevice();
    await registry.updateTwin(deviceId, { tags: { floor: 2 } }, '*');
    const uri = await container();
    const signed = `${uri}?${signature()}`;
    const made = await registry.exportDevicesToBlob(signed, false);
    assert.equal((await jobEnd(registry, made)).status, 'completed');
    const lines = (await (await fetch(`${uri}/devices.txt?${signature()}`)).text()).trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map((line) => line.id), [deviceId]);
    await registry.delete(deviceId);
    const back = await registry.importDevicesFromBlob(signed, signed);
    assert.equal((await jobEnd(registry, back)).status, 'completed');
    assert.equal((await registry.get(deviceId)).responseBody.authentication.symmetricKey.primaryKey, key);
    assert.deepEqual((await twinOf(deviceId)).tags, { floor: 2 });
    const listed = (await registry.listJobs()).responseBody.map((job) => job.type).sort();
    assert.deepEqual(listed, ['export', 'import']);
  });

  test('a signature that is not the account\'s is refused before there is a job', async () => {
    const uri = await container();
    const wrong = signature();
    wrong.set('sig', Buffer.from('wrong').toString('base64'));
    await hubRefuses(400, 'BlobContainerValidationError', emulator.registry().exportDevicesToBlob(`${uri}?${wrong}`, false));
    assert.deepEqual((await emulator.registry().listJobs()).responseBody, []);
  });
});
