// File upload from a real device to a real blob service, and the word of it to the back end.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Readable } from 'node:stream';

import { ACCOUNT, KEY, startAzurite } from './azurite.mjs';
import { CONNECTED, clientOf, newDevice, next, open, soon, withService } from './devices.mjs';
import { emulator } from './emulator.mjs';

let azurite;

before(async () => {
  azurite = await startAzurite({ tls: true, oauth: true });
});

after(async () => {
  await azurite.stop();
  // The SDK leaves a timer of half an hour behind each upload, which would keep the process until then.
  setTimeout(() => process.exit(), 500).unref();
});

beforeEach(async () => {
  await emulator.reset();
  const storage = `DefaultEndpointsProtocol=https;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${azurite.service}`;
  await emulator.setHubProperties({
    storageEndpoints: { $default: { connectionString: storage, containerName: 'uploads', sasTtlAsIso8601: 'PT1H' } },
    enableFileUploadNotifications: true,
  });
});

test('a file is uploaded, and the back end hears of it', async () => {
  const identity = await newDevice();
  const text = 'what the device has to say at length';
  await withService(async (service) => {
    const { result: receiver } = await service.getFileNotificationReceiver();
    const heard = next(receiver, 'message');
    await open(clientOf(identity, CONNECTED.mqtt), (client) =>
      soon(client.uploadToBlob('logs/today.txt', Readable.from([text]), text.length), 'the upload', 30_000),
    );
    const [message] = await heard;
    const notice = JSON.parse(message.getData());
    assert.equal(notice.deviceId, identity.deviceId);
    assert.equal(notice.blobName, `${identity.deviceId}/logs/today.txt`);
    assert.equal(notice.blobSizeInBytes, text.length);
    assert.ok(notice.blobUri.startsWith(azurite.service));
    await receiver.complete(message);
  });
});

test('a hub signs in at its storage account by its own identity', async () => {
  // No key: neither the hub nor the device has one.
  const storage = `DefaultEndpointsProtocol=https;AccountName=${ACCOUNT};BlobEndpoint=${azurite.service}`;
  const properties = {
    storageEndpoints: {
      $default: { authenticationType: 'identityBased', connectionString: storage, containerName: 'by-identity' },
    },
    enableFileUploadNotifications: true,
  };
  const identity = await newDevice();
  const text = 'by an identity';
  const upload = (name) =>
    open(clientOf(identity, CONNECTED.mqtt), (client) =>
      soon(client.uploadToBlob(name, Readable.from([text]), text.length), 'the upload', 30_000),
    );
  await emulator.setHubProperties(properties, { type: 'None' });
  await assert.rejects(upload('without.txt'), 'a hub without an identity cannot sign in');
  await emulator.setHubProperties(properties, { type: 'SystemAssigned' });
  await withService(async (service) => {
    const { result: receiver } = await service.getFileNotificationReceiver();
    const heard = next(receiver, 'message');
    await upload('with.txt');
    const [message] = await heard;
    assert.equal(JSON.parse(message.getData()).blobSizeInBytes, text.length);
    await receiver.complete(message);
  });
});

test('a device cannot upload where the hub has no storage', async () => {
  await emulator.reset();
  const identity = await newDevice();
  await open(clientOf(identity, CONNECTED.mqtt), (client) => assert.rejects(client.getBlobSharedAccessSignature('x.txt')));
});
