// azure-iot-device with certificates of authorities that the hub knows, over every transport of the SDK. Modules are not
// here: the SDK signs them in with keys alone.

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, beforeEach, describe, test } from 'node:test';

import device from 'azure-iot-device';

import { issued, newEcKey, selfSigned } from './certificates.mjs';
import { ALL, clientWithCertificate, firstEvent, from, open, refused } from './devices.mjs';
import { emulator, unique } from './emulator.mjs';

const folder = mkdtempSync(join(tmpdir(), 'iolite-'));
let root;
let factory;
let deviceId;

before(() => {
  root = selfSigned(folder, unique('root'), newEcKey());
  factory = issued(folder, unique('factory'), root, { authority: true });
});

beforeEach(async () => {
  await emulator.reset();
  deviceId = unique('by-authority');
  await emulator.registry().create({ deviceId, authentication: { type: 'certificateAuthority' } });
});

/** Registers the root and proves that it is ours. */
async function prove() {
  const shown = await emulator.registerAuthority(root.certificate, (code) => issued(folder, code, root).certificate);
  assert.equal(shown.properties.isVerified, true);
}

for (const [name, transport] of Object.entries(ALL)) {
  describe(`over ${name}`, () => {
    test('a certificate at the end of a chain signs in', async () => {
      await prove();
      const leaf = issued(folder, deviceId, factory);
      await open(clientWithCertificate(deviceId, leaf, transport), (client) => client.sendEvent(new device.Message('x')));
      const event = await firstEvent(from(deviceId));
      const means = JSON.parse(event.systemProperties['iothub-connection-auth-method']);
      assert.deepEqual([means.scope, means.type], ['device', 'x509Certificate']);
    });

    test('a certificate with another name is refused', async () => {
      await prove();
      await refused(clientWithCertificate(deviceId, issued(folder, unique('other'), root), transport));
      assert.match(JSON.stringify(await emulator.lastDecision()), /common name/);
    });

    test('a certificate out of its time is refused', async () => {
      await prove();
      await refused(clientWithCertificate(deviceId, issued(folder, deviceId, root, { days: -1 }), transport));
      assert.match(JSON.stringify(await emulator.lastDecision()), /it was good until/);
    });

    test('a certificate of an authority that nobody proved is refused', async () => {
      await emulator.registerAuthority(root.certificate);
      await refused(clientWithCertificate(deviceId, issued(folder, deviceId, root), transport));
      assert.match(JSON.stringify(await emulator.lastDecision()), /not verified/);
    });
  });
}
