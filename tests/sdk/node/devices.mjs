// Devices and readers as the tests make them: the real device SDK over each of its transports, and the Event Hubs client.

import assert from 'node:assert/strict';
import { once } from 'node:events';

import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import * as amqp from 'azure-iot-device-amqp';
import device from 'azure-iot-device';
import * as http from 'azure-iot-device-http';
import * as mqtt from 'azure-iot-device-mqtt';
import iothub from 'azure-iothub';

import { emulator, freshKey, unique } from './emulator.mjs';

/** Every transport of the device SDK that keeps a connection. */
export const CONNECTED = { mqtt: mqtt.Mqtt, 'mqtt-ws': mqtt.MqttWs, amqp: amqp.Amqp, 'amqp-ws': amqp.AmqpWs };
/** And the one that does not. */
export const ALL = { ...CONNECTED, http: http.Http };

/** Longer than anything takes. */
const PATIENCE = 20_000;

/** A device with a key of its own. */
export async function newDevice(prefix = 'device') {
  const deviceId = unique(prefix);
  const key = freshKey();
  const authentication = { type: 'sas', symmetricKey: { primaryKey: key, secondaryKey: freshKey() } };
  await emulator.registry().create({ deviceId, authentication });
  return { deviceId, key };
}

/** The device SDK's client over `transport`, not yet open. */
export function clientOf({ deviceId, moduleId, key }, transport) {
  const module = moduleId ? `;ModuleId=${moduleId}` : '';
  const text = `HostName=${emulator.hubHost};DeviceId=${deviceId}${module};SharedAccessKey=${key}`;
  return (moduleId ? device.ModuleClient : device.Client).fromConnectionString(text, transport);
}

/** The client that signs in with a certificate. */
export function clientWithCertificate(deviceId, { certificate, privateKey }, transport) {
  const text = `HostName=${emulator.hubHost};DeviceId=${deviceId};x509=true`;
  const client = device.Client.fromConnectionString(text, transport);
  client.setOptions({ cert: certificate, key: privateKey });
  return client;
}

/** Runs `body` with the open client, which is closed after. */
export async function open(client, body) {
  await client.open();
  try {
    return await body(client);
  } finally {
    await client.close().catch(() => {});
  }
}

/** The client is not let in: when it connects, or with its first event where it connects no earlier. */
export const refused = (client) =>
  assert.rejects(
    soon(open(client, () => client.sendEvent(new device.Message('x'))), 'the refusal'),
    (error) => error.name === 'UnauthorizedError' || error.amqpError?.name === 'UnauthorizedError',
  );

/** `promise`, or a failure when it takes too long. */
export function soon(promise, what = 'it', patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${patience / 1000} s`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks until the answer satisfies `holds`; that answer, or a failure when it takes too long. */
export async function until(ask, holds, what) {
  let late = false;
  const asking = async () => {
    while (!late) {
      const answer = await ask();
      if (holds(answer)) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return soon(asking(), what).finally(() => {
    late = true;
  });
}

/** The first arguments that `emitter` emits `name` with. */
export const next = (emitter, name) => soon(once(emitter, name), name);

/** The first message to the device. The listener stays: the SDK gives its link up with the last one. */
export const firstMessage = (client) => soon(new Promise((resolve) => client.on('message', resolve)), 'the message');

/** The service SDK's client over AMQP, open while `body` runs. */
export async function withService(body, { principal, transport = iothub.Amqp } = {}) {
  const client =
    principal === undefined
      ? iothub.Client.fromConnectionString(emulator.hubConnectionString, transport)
      : iothub.Client.fromTokenCredential(emulator.hubHost, emulator.credential(principal), transport);
  await client.open();
  try {
    return await body(client);
  } finally {
    await client.close().catch(() => {});
  }
}

/** The Event Hubs client of the built-in endpoint. */
export const eventsClient = (options, text = emulator.hub.event_hub_connection_string) =>
  new EventHubConsumerClient('$Default', text, options);

/** The first event from the beginning that is `wanted`: of the built-in endpoint, or by another connection string. */
export async function firstEvent(wanted, text, options) {
  const client = eventsClient(options, text);
  let subscription;
  try {
    return await soon(
      new Promise((resolve, reject) => {
        subscription = client.subscribe(
          {
            processEvents: async (events) => events.filter(wanted).forEach(resolve),
            processError: async (error) => reject(error),
          },
          { startPosition: earliestEventPosition },
        );
      }),
      'the event',
    );
  } finally {
    await subscription?.close();
    await client.close();
  }
}

/** Whether an event came from the device. */
export const from = (deviceId) => (event) => event.systemProperties?.['iothub-connection-device-id'] === deviceId;
