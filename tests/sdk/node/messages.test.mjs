// azure-iothub over AMQP, plain and in a WebSocket: messages to devices, feedback on them, and the SAS-off switch on an
// open connection; @azure/event-hubs on the built-in endpoint.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import device from 'azure-iot-device';
import iothub from 'azure-iothub';

import { CONNECTED, clientOf, eventsClient, firstEvent, firstMessage, from, newDevice, next, open, soon, withService } from './devices.mjs';
import { emulator } from './emulator.mjs';

beforeEach(() => emulator.reset());

for (const [name, transport] of Object.entries({ amqp: iothub.Amqp, 'amqp-ws': iothub.AmqpWs })) {
  for (const principal of [undefined, 'owner-app']) {
    test(`over ${name} with ${principal ? 'an Entra token' : 'SAS'}, a message is sent and its feedback heard`, async () => {
      const identity = await newDevice();
      await withService(
        async (service) => {
          const { result: receiver } = await service.getFeedbackReceiver();
          const heard = next(receiver, 'message');
          const message = Object.assign(new device.Message('hello'), { messageId: 'c2d-1', ack: 'full' });
          await service.send(identity.deviceId, message);
          await open(clientOf(identity, CONNECTED.mqtt), async (client) => {
            await client.complete(await firstMessage(client));
          });
          await emulator.post('/clock', { advanceSeconds: 16 });
          const [feedback] = await heard;
          const [record] = JSON.parse(feedback.getData());
          assert.equal(record.originalMessageId, 'c2d-1');
          assert.equal(record.deviceId, identity.deviceId);
          assert.equal(record.statusCode, 'Success');
          await receiver.complete(feedback);
        },
        { principal, transport },
      );
    });
  }
}

test('a message to a device that is not there is refused by name', async () => {
  await withService((service) =>
    assert.rejects(service.send('nobody-here', new device.Message('x')), (error) => error.name === 'DeviceNotFoundError'),
  );
});

test('a reader without the role cannot send to devices', async () => {
  const { deviceId } = await newDevice();
  await assert.rejects(
    withService((service) => service.send(deviceId, new device.Message('x')), { principal: 'reader-app' }),
    (error) => error.name === 'UnauthorizedError',
  );
});

describe('the built-in endpoint', () => {
  test('tells its facts', async () => {
    const client = eventsClient();
    try {
      assert.deepEqual(await client.getPartitionIds(), ['0', '1', '2', '3']);
      const facts = await client.getPartitionProperties('0');
      assert.equal(facts.isEmpty, true);
    } finally {
      await client.close();
    }
  });

  test('takes no wrong key', async () => {
    const text = emulator.hub.event_hub_connection_string.replace(/SharedAccessKey=[^;]*/, `SharedAccessKey=${'A'.repeat(43)}=`);
    const client = eventsClient({ retryOptions: { maxRetries: 0 } }, text);
    await assert.rejects(soon(client.getPartitionIds(), 'the refusal'), /401|nauthorized/);
    await client.close();
  });

  test('ends a reader when SAS is switched off', async () => {
    const identity = await newDevice();
    await open(clientOf(identity, CONNECTED.mqtt), (one) => one.sendEvent(new device.Message('x')));
    await firstEvent(from(identity.deviceId));
    const client = eventsClient({ retryOptions: { maxRetries: 0 } });
    let subscription;
    const failed = new Promise((resolve) => {
      subscription = client.subscribe({ processEvents: async () => {}, processError: async (error) => resolve(error) });
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await emulator.setLocalAuth(true);
    await soon(failed, 'the end');
    await subscription.close();
    await client.close();
  });
});
