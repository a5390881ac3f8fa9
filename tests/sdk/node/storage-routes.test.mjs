// Telemetry routed to a container of a real blob service: by the account's key, and by the hub's own identity. A blob is
// written when it is full, which the least that a hub can be told to take is ten megabytes; its time is never over here.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';

import device from 'azure-iot-device';

import { ACCOUNT, KEY, startAzurite } from './azurite.mjs';
import { CONNECTED, clientOf, newDevice, open, soon, until } from './devices.mjs';
import { emulator } from './emulator.mjs';

const LEAST_CHUNK = 10 * 1024 * 1024;
const MESSAGE = 250 * 1000;

let azurite;

before(async () => {
  azurite = await startAzurite({ tls: true, oauth: true });
});

after(() => azurite.stop());

beforeEach(() => emulator.reset());

/** A query that lets its holder do everything in the account for an hour (an account SAS of version 2018-03-28). */
function everything() {
  const until = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '');
  const signed = `${ACCOUNT}\nrwdlac\nb\nsco\n\n${until}\n\n\n2018-03-28\n`;
  const sig = createHmac('sha256', Buffer.from(KEY, 'base64')).update(signed).digest('base64');
  return new URLSearchParams({ sv: '2018-03-28', ss: 'b', srt: 'sco', sp: 'rwdlac', se: until, sig }).toString();
}

const ask = (method, path, query) => fetch(`${azurite.service}/${path}?${query}&${everything()}`, { method });

async function container(name) {
  const made = await ask('PUT', name, 'restype=container');
  assert.equal(made.status, 201, await made.text());
}

/** The names of the blobs in a container. */
async function blobs(name) {
  const listed = await ask('GET', name, 'restype=container&comp=list');
  return [...(await listed.text()).matchAll(/<Name>([^<]+)<\/Name>/g)].map(([, found]) => found);
}

async function route(endpoint, identity) {
  await emulator.setHubProperties(
    {
      routing: {
        endpoints: {
          storageContainers: [
            { name: 'cold', encoding: 'JSON', batchFrequencyInSeconds: 720, maxChunkSizeInBytes: LEAST_CHUNK, ...endpoint },
          ],
        },
        routes: [
          { name: 'all', source: 'DeviceMessages', condition: 'true', endpointNames: ['cold'], isEnabled: true },
        ],
      },
    },
    identity,
  );
}

/** Sends what fills a blob, in base64, and a little more; answers how many messages that is. */
async function fill() {
  const count = Math.ceil((LEAST_CHUNK * 3) / 4 / MESSAGE) + 1;
  const identity = await newDevice();
  await open(clientOf(identity, CONNECTED.mqtt), async (client) => {
    for (let number = 0; number < count; number += 1) {
      const message = new device.Message(Buffer.alloc(MESSAGE, number));
      message.properties.add('number', String(number));
      await client.sendEvent(message);
    }
  });
  return count;
}

async function first(name) {
  const [blob] = await until(() => blobs(name), (found) => found.length > 0, 'a blob');
  const read = await ask('GET', `${name}/${blob}`, '');
  return (await read.text()).trim().split('\r\n').map((line) => JSON.parse(line));
}

for (const [means, endpoint, identity] of [
  ['by a key', () => ({ connectionString: `AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${azurite.service}` })],
  ["by the hub's identity", () => ({ endpointUri: azurite.service, authenticationType: 'identityBased' }), { type: 'SystemAssigned' }],
]) {
  test(`a full blob is written ${means}`, async () => {
    const name = means === 'by a key' ? 'by-key' : 'by-identity';
    await container(name);
    await route({ containerName: name, ...endpoint() }, identity);
    const sent = await fill();
    const events = await soon(first(name), 'the blob', 30_000);
    assert.ok(events.length > 30 && events.length <= sent, `${events.length} of ${sent}`);
    events.forEach((event, number) => {
      assert.equal(event.Properties.number, String(number));
      assert.ok(Buffer.from(event.Body, 'base64').equals(Buffer.alloc(MESSAGE, number)));
    });
  });
}
