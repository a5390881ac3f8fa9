// Telemetry routed to a further event hub, which @azure/event-hubs reads with a connection string of its own; over
// WebSockets too, as both endpoints are read where only port 443 is open.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import device from 'azure-iot-device';
import WebSocket from 'ws';

import { CONNECTED, clientOf, eventsClient, firstEvent, from, newDevice, open, soon } from './devices.mjs';
import { emulator, freshKey, unique } from './emulator.mjs';

// Without the flag that makes the SDK speak plain AMQP: a WebSocket is one over TLS.
const builtIn = emulator.hub.event_hub_connection_string
  .replace(/;?UseDevelopmentEmulator=true/, '')
  .replace(/localhost:\d+/, 'localhost');

const route = (name, condition, endpoint) => ({
  name,
  source: 'DeviceMessages',
  condition,
  endpointNames: [endpoint],
  isEnabled: true,
});

let connectionString;

beforeEach(async () => {
  await emulator.reset();
  connectionString =
    `Endpoint=sb://localhost/;SharedAccessKeyName=reader;SharedAccessKey=${freshKey()};EntityPath=${unique('entity')}`;
  await emulator.setHubProperties({
    routing: {
      endpoints: { eventHubs: [{ name: 'orders', connectionString }] },
      routes: [route('orders', "kind = 'order'", 'orders')],
      enrichments: [{ key: 'hub', value: '$iothubname', endpointNames: ['orders'] }],
      fallbackRoute: { ...route('$fallback', 'true', 'events') },
    },
  });
});

/** Sends an order and another message from a new device, whose id is answered. */
async function sent() {
  const identity = await newDevice();
  const order = new device.Message('an order');
  order.properties.add('kind', 'order');
  await open(clientOf(identity, CONNECTED.amqp), async (client) => {
    await client.sendEvent(order);
    await client.sendEvent(new device.Message('something else'));
  });
  return identity.deviceId;
}

for (const [name, options] of Object.entries({ amqp: {}, 'amqp-ws': { webSocketOptions: { webSocket: WebSocket } } })) {
  describe(`over ${name}`, () => {
    test('a further event hub has what was routed to it, with what was added', async () => {
      const deviceId = await sent();
      const event = await firstEvent(from(deviceId), connectionString, options);
      assert.equal(String(event.body), 'an order');
      assert.deepEqual(event.properties, { kind: 'order', hub: 'contoso-hub' });
    });

    test('the built-in endpoint has what no route took', async () => {
      const deviceId = await sent();
      assert.equal(String((await firstEvent(from(deviceId), builtIn, options)).body), 'something else');
    });

    test('a further event hub tells its facts, to its own key alone', async () => {
      const client = eventsClient(options, connectionString);
      assert.deepEqual(await soon(client.getPartitionIds(), 'the partitions'), ['0', '1', '2', '3']);
      await client.close();
      const wrong = connectionString.replace(/SharedAccessKey=[^;]*/, `SharedAccessKey=${freshKey()}`);
      const stranger = eventsClient({ ...options, retryOptions: { maxRetries: 0 } }, wrong);
      await assert.rejects(soon(stranger.getPartitionIds(), 'the refusal'), /401|nauthorized/);
      await stranger.close();
    });
  });
}
