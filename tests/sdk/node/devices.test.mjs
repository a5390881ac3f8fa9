// azure-iot-device against the hub over MQTT, AMQP, both in WebSockets, and HTTPS: telemetry, twins, methods, messages.

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';

import common from 'azure-iot-common';
import device from 'azure-iot-device';

import { newEcKey, selfSigned } from './certificates.mjs';
import { ALL, CONNECTED, clientOf, clientWithCertificate, firstEvent, firstMessage, from, newDevice, next, open, refused, soon, withService } from './devices.mjs';
import { emulator, freshKey, unique } from './emulator.mjs';

beforeEach(() => emulator.reset());

for (const [name, transport] of Object.entries(ALL)) {
  describe(`over ${name}`, () => {
    test('telemetry arrives with everything it carried', async () => {
      const identity = await newDevice();
      const message = new device.Message(JSON.stringify({ temperature: 21.5 }));
      message.contentType = 'application/json';
      message.contentEncoding = 'utf-8';
      message.messageId = unique('m');
      message.properties.add('colour', 'green & 1');
      await open(clientOf(identity, transport), (client) => client.sendEvent(message));

      const event = await firstEvent(from(identity.deviceId));
      assert.deepEqual(event.body, { temperature: 21.5 });
      assert.deepEqual(event.properties, { colour: 'green & 1' });
      assert.equal(event.messageId, message.messageId);
      assert.equal(event.systemProperties['iothub-message-source'], 'Telemetry');
    });

    // The other transports of this SDK batch nothing.
    test('a batch arrives, message by message', { skip: name !== 'http' && 'this transport batches nothing' }, async () => {
      const identity = await newDevice();
      const batch = ['one', 'two'].map((text) => new device.Message(text));
      await open(clientOf(identity, transport), (client) => client.sendEventBatch(batch));
      await firstEvent((event) => from(identity.deviceId)(event) && String(event.body) === 'two');
    });

    test('a certificate that signed itself is known by its thumbprint', async () => {
      const deviceId = unique('thumbprint');
      const made = selfSigned(mkdtempSync(join(tmpdir(), 'iolite-')), deviceId);
      const primaryThumbprint = made.parsed.fingerprint.replaceAll(':', '');
      const x509Thumbprint = { primaryThumbprint, secondaryThumbprint: null };
      await emulator.registry().create({ deviceId, authentication: { type: 'selfSigned', x509Thumbprint } });
      await open(clientWithCertificate(deviceId, made, transport), (client) => client.sendEvent(new device.Message('x')));
      await firstEvent(from(deviceId));
      const other = selfSigned(mkdtempSync(join(tmpdir(), 'iolite-')), deviceId, newEcKey());
      await refused(clientWithCertificate(deviceId, other, transport));
    });

    test('a wrong key is refused', async () => {
      const { deviceId } = await newDevice();
      await refused(clientOf({ deviceId, key: freshKey() }, transport));
    });

    test('a message to the device arrives and is completed', async () => {
      const identity = await newDevice();
      const sent = Object.assign(new device.Message('hello'), { messageId: 'c2d-1' });
      sent.properties.add('colour', 'blue');
      await withService((service) => service.send(identity.deviceId, sent));
      await open(clientOf(identity, transport), async (client) => {
        const message = await firstMessage(client);
        assert.equal(String(message.getData()), 'hello');
        assert.equal(message.messageId, 'c2d-1');
        // The HTTPS transport hands the properties over by the names of their headers.
        assert.equal(message.properties.getValue(name === 'http' ? 'iothub-app-colour' : 'colour'), 'blue');
        await client.complete(message);
      });
      const { responseBody } = await emulator.registry().get(identity.deviceId);
      assert.equal(responseBody.cloudToDeviceMessageCount, 0);
    });
  });
}

for (const [name, transport] of Object.entries(CONNECTED)) {
  describe(`connected over ${name}`, () => {
    test('a twin is read and reported, and its wishes arrive', async () => {
      const identity = await newDevice();
      await open(clientOf(identity, transport), async (client) => {
        const twin = await client.getTwin();
        assert.equal(twin.properties.desired.$version, 1);
        const wish = soon(
          new Promise((resolve) => twin.on('properties.desired', (delta) => delta.interval && resolve(delta))),
          'the wish',
        );
        await new Promise((resolve, reject) =>
          twin.properties.reported.update({ firmware: { version: '1.2' } }, (error) => (error ? reject(error) : resolve())),
        );
        const { responseBody: stored } = await emulator.registry().getTwin(identity.deviceId);
        assert.deepEqual(stored.properties.reported.firmware, { version: '1.2' });
        await emulator.registry().updateTwin(identity.deviceId, { properties: { desired: { interval: 5 } } }, '*');
        assert.equal((await wish).interval, 5);
      });
    });

    test('a method is called and answered', async () => {
      const identity = await newDevice();
      await open(clientOf(identity, transport), async (client) => {
        const ready = new Promise((resolve) => {
          client.onDeviceMethod('reboot', (request, response) =>
            response.send(222, { heard: request.payload }, () => {}),
          );
          setTimeout(resolve, 300);
        });
        await ready;
        const call = { methodName: 'reboot', payload: { in: 5 }, responseTimeoutInSeconds: 15, connectTimeoutInSeconds: 5 };
        const { result } = await emulator.serviceClient().invokeDeviceMethod(identity.deviceId, call);
        assert.deepEqual(result, { status: 222, payload: { heard: { in: 5 } } });
      });
    });

    test('a second connection ends the first', async () => {
      const identity = await newDevice();
      const first = clientOf(identity, transport);
      first.setRetryPolicy(new common.NoRetry());
      await first.open();
      // Over AMQP a device is there from its first link on.
      await first.sendEvent(new device.Message('first'));
      const gone = next(first, 'disconnect');
      await open(clientOf(identity, transport), async (second) => {
        await second.sendEvent(new device.Message('second'));
        await gone;
      });
      await first.close().catch(() => {});
    });

    test('a module speaks for itself', async () => {
      const { deviceId } = await newDevice();
      const key = freshKey();
      const authentication = { type: 'sas', symmetricKey: { primaryKey: key, secondaryKey: freshKey() } };
      await emulator.registry().addModule({ deviceId, moduleId: 'camera', authentication });
      await open(clientOf({ deviceId, moduleId: 'camera', key }, transport), (client) =>
        client.sendEvent(new device.Message('from the module')),
      );
      const event = await firstEvent(from(deviceId));
      assert.equal(event.systemProperties['iothub-connection-module-id'], 'camera');
    });
  });
}
