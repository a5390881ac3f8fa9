// Faults that a device asks for by a message, as the SDKs' own end-to-end tests do: its connection, or its AMQP session and
// links, are taken from it; it comes back by itself and goes on.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';

import device from 'azure-iot-device';

import { CONNECTED, clientOf, firstEvent, from, newDevice, open, soon, until } from './devices.mjs';
import { emulator, unique } from './emulator.mjs';

const CONNECTION = { mqtt: ['KillTcp', 'ShutDownMqtt'], amqp: ['KillTcp', 'KillAmqpConnection', 'ShutDownAmqp'] };
const LINKS = [
  'KillAmqpSession',
  'KillAmqpCBSLinkReq',
  'KillAmqpCBSLinkResp',
  'KillAmqpD2CLink',
  'KillAmqpC2DLink',
  'KillAmqpTwinLinkReq',
  'KillAmqpTwinLinkResp',
  'KillAmqpMethodReqLink',
  'KillAmqpMethodRespLink',
];

beforeEach(() => emulator.reset());
afterEach(() => emulator.post('/clock', { reset: true }));

function fault(name, { delaySeconds = 0, durationSeconds = 0 } = {}) {
  const message = new device.Message('');
  message.properties.add('AzIoTHub_FaultOperationType', name);
  message.properties.add('AzIoTHub_FaultOperationCloseReason', 'boom');
  message.properties.add('AzIoTHub_FaultOperationDelayInSecs', String(delaySeconds));
  message.properties.add('AzIoTHub_FaultOperationDurationInSecs', String(durationSeconds));
  return message;
}

/** When the registry last saw the device come or go. */
const changedAt = async (deviceId) => (await emulator.registry().get(deviceId)).responseBody.connectionStateUpdatedTime;

/** Lets the device ask for the fault, and waits until the hub has cut it off. The fault has a minute's delay. */
async function suffer(client, deviceId, kind) {
  const before = await changedAt(deviceId);
  await soon(client.sendEvent(fault(kind, { delaySeconds: 60 })), 'the word on the fault');
  assert.equal(await changedAt(deviceId), before);
  await emulator.post('/clock', { advanceSeconds: 61 });
  await until(() => changedAt(deviceId), (now) => now !== before, 'the fault');
}

/** Sends after a fault. An event that is handed over just while the connection winds down is one that the SDK forgets. */
async function goOn(client, text, attempts = 5) {
  try {
    await soon(client.sendEvent(new device.Message(text)), 'the next event', 4000);
  } catch (error) {
    if (attempts === 1) throw error;
    await goOn(client, text, attempts - 1);
  }
}

for (const [name, transport] of Object.entries(CONNECTED)) {
  const kinds = name.startsWith('mqtt') ? CONNECTION.mqtt : [...CONNECTION.amqp, ...(name === 'amqp' ? LINKS : [])];
  describe(`over ${name}`, () => {
    for (const kind of kinds) {
      test(`${kind} is suffered, and what comes next is sent`, async () => {
        const identity = await newDevice();
        await open(clientOf(identity, transport), async (client) => {
          await client.sendEvent(new device.Message('before'));
          await suffer(client, identity.deviceId, kind);
          const text = unique('after');
          await goOn(client, text);
          await firstEvent((event) => from(identity.deviceId)(event) && String(event.body) === text);
        });
      });
    }

    test('methods and desired properties arrive again after a fault', async () => {
      const identity = await newDevice();
      await open(clientOf(identity, transport), async (client) => {
        client.onDeviceMethod('reboot', (request, response) => response.send(200, 'still here', () => {}));
        const twin = await client.getTwin();
        const wish = new Promise((resolve) => twin.on('properties.desired', (delta) => delta.interval && resolve(delta)));
        await suffer(client, identity.deviceId, 'KillTcp');
        await goOn(client, 'back again');
        const call = { methodName: 'reboot', payload: null, connectTimeoutInSeconds: 15, responseTimeoutInSeconds: 15 };
        const { result } = await emulator.serviceClient().invokeDeviceMethod(identity.deviceId, call);
        assert.deepEqual(result, { status: 200, payload: 'still here' });
        await emulator.registry().updateTwin(identity.deviceId, { properties: { desired: { interval: 5 } } }, '*');
        assert.equal((await soon(wish, 'the wish')).interval, 5);
      });
    });
  });
}
