// @azure/digital-twins-core against Digital Twins: models and twins, who may do what, and what is not built yet.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import { emulator, fields, sas, unique } from './emulator.mjs';
import { refused } from './refusals.mjs';

beforeEach(() => emulator.reset());

const ROOM = 'dtmi:com:contoso:Room;1';

const room = {
  '@context': 'dtmi:dtdl:context;2',
  '@id': ROOM,
  '@type': 'Interface',
  displayName: 'Room',
  contents: [
    { '@type': 'Property', name: 'temperature', schema: 'double', writable: true },
    { '@type': 'Property', name: 'label', schema: 'string', writable: true },
  ],
};

const corner = {
  '@context': 'dtmi:dtdl:context;2',
  '@id': 'dtmi:com:contoso:CornerRoom;1',
  '@type': 'Interface',
  extends: ROOM,
};

const roomTwin = (properties = {}) => JSON.stringify({ $metadata: { $model: ROOM }, ...properties });

/** The service refuses with this status and code. */
async function twinsRefuse(status, code, promise) {
  const refusal = await refused(status, promise);
  assert.equal(refusal.body.error.code, code, refusal.text);
  return refusal;
}

async function listed(client, ...options) {
  const models = [];
  for await (const model of client.listModels(...options)) models.push(model);
  return models;
}

describe('models', () => {
  test('a model is uploaded, read with its definition and listed', async () => {
    const client = emulator.twins('owner-app');
    const [created] = await client.createModels([room]);
    assert.deepEqual([created.id, created.decommissioned], [ROOM, false]);
    const read = await client.getModel(ROOM, true);
    assert.deepEqual([read.id, read.displayName.en, read.model], [ROOM, 'Room', room]);
    assert.deepEqual((await listed(client)).map((model) => model.id), [ROOM]);
  });

  test('models are listed page by page, and with what a model needs', async () => {
    const client = emulator.twins('owner-app');
    const others = ['A', 'B', 'C'].map((name) => ({ ...room, '@id': `dtmi:com:contoso:${name};1` }));
    await client.createModels([room, corner, ...others]);
    const sizes = [];
    for await (const page of client.listModels().byPage({ maxPageSize: 2 })) sizes.push(page.value.length);
    assert.deepEqual(sizes, [2, 2, 1]);
    const needed = await listed(client, [corner['@id']], false);
    assert.deepEqual(needed.map((model) => model.id).sort(), [corner['@id'], ROOM].sort());
  });

  test('a model is decommissioned, takes no more twins, and is deleted', async () => {
    const client = emulator.twins('owner-app');
    await client.createModels([room]);
    await client.decomissionModel(ROOM);
    assert.equal((await client.getModel(ROOM)).decommissioned, true);
    await twinsRefuse(400, 'ModelDecommissioned', client.upsertDigitalTwin('kitchen', roomTwin()));
    await client.deleteModel(ROOM);
    await twinsRefuse(404, 'ModelNotFound', client.getModel(ROOM));
  });

  test('a model that is there already is not uploaded again', async () => {
    const client = emulator.twins('owner-app');
    await client.createModels([room]);
    await twinsRefuse(409, 'ModelIdAlreadyExists', client.createModels([room]));
  });

  test('a model that another one extends is not deleted', async () => {
    const client = emulator.twins('owner-app');
    await client.createModels([room, corner]);
    await twinsRefuse(409, 'ModelReferencesNotDeleted', client.deleteModel(ROOM));
  });

  test('a model that is none is refused, and none of the upload is kept', async () => {
    const client = emulator.twins('owner-app');
    await twinsRefuse(400, 'DTDLParserError', client.createModels([room, { ...corner, '@id': 'no id' }]));
    assert.deepEqual(await listed(client), []);
  });
});

describe('twins', () => {
  async function withRoom() {
    const client = emulator.twins('owner-app');
    await client.createModels([room]);
    return client;
  }

  test('a twin is put, read, patched and deleted', async () => {
    const client = await withRoom();
    const id = unique('room');
    const { body: put } = await client.upsertDigitalTwin(id, roomTwin({ temperature: 21.5 }));
    assert.deepEqual([put.$dtId, put.$metadata.$model, put.temperature], [id, ROOM, 21.5]);

    const { body: read, etag } = await client.getDigitalTwin(id);
    assert.deepEqual([read.$etag, read.temperature], [put.$etag, 21.5]);
    assert.equal(etag, read.$etag);

    const patch = [
      { op: 'replace', path: '/temperature', value: 19 },
      { op: 'add', path: '/label', value: 'kitchen' },
    ];
    const patched = await client.updateDigitalTwin(id, patch);
    assert.notEqual(patched.etag, etag);
    const { body: after } = await client.getDigitalTwin(id);
    assert.deepEqual([after.temperature, after.label, after.$etag], [19, 'kitchen', patched.etag]);
    assert.ok(Date.parse(after.$metadata.temperature.lastUpdateTime) > 0);

    await client.deleteDigitalTwin(id);
    await twinsRefuse(404, 'DigitalTwinNotFound', client.getDigitalTwin(id));
  });

  test('a stale tag neither changes nor deletes a twin', async () => {
    const client = await withRoom();
    const { etag: stale } = await client.upsertDigitalTwin('kitchen', roomTwin({ temperature: 1 }));
    await client.updateDigitalTwin('kitchen', [{ op: 'replace', path: '/temperature', value: 2 }]);
    const late = [{ op: 'replace', path: '/temperature', value: 3 }];
    await twinsRefuse(412, 'PreconditionFailed', client.updateDigitalTwin('kitchen', late, { ifMatch: stale }));
    await twinsRefuse(412, 'PreconditionFailed', client.deleteDigitalTwin('kitchen', { ifMatch: stale }));
    assert.equal((await client.getDigitalTwin('kitchen')).body.temperature, 2);
  });

  test('a twin that is only to be made is not put over', async () => {
    const client = await withRoom();
    await client.upsertDigitalTwin('kitchen', roomTwin({ temperature: 1 }), { ifNoneMatch: '*' });
    const again = client.upsertDigitalTwin('kitchen', roomTwin({ temperature: 2 }), { ifNoneMatch: '*' });
    await refused(412, again);
    assert.equal((await client.getDigitalTwin('kitchen')).body.temperature, 1);
  });

  test('a twin of an unknown model is refused', async () => {
    const put = emulator.twins('owner-app').upsertDigitalTwin('kitchen', roomTwin());
    const refusal = await refused(400, put);
    assert.match(refusal.text, /dtmi:com:contoso:Room;1/);
  });

  test('a property of the wrong type or that the model does not have is refused, and nothing is kept', async () => {
    const client = await withRoom();
    await refused(400, client.upsertDigitalTwin('kitchen', roomTwin({ temperature: 'warm' })));
    await refused(400, client.upsertDigitalTwin('kitchen', roomTwin({ colour: 'red' })));
    await twinsRefuse(404, 'DigitalTwinNotFound', client.getDigitalTwin('kitchen'));
  });

  test('a patch that is refused changes nothing, not even by its good half', async () => {
    const client = await withRoom();
    const { etag } = await client.upsertDigitalTwin('kitchen', roomTwin({ temperature: 1 }));
    const patch = [
      { op: 'replace', path: '/temperature', value: 2 },
      { op: 'replace', path: '/label', value: 'never set' },
    ];
    await twinsRefuse(400, 'JsonPatchInvalid', client.updateDigitalTwin('kitchen', patch));
    const { body } = await client.getDigitalTwin('kitchen');
    assert.deepEqual([body.temperature, body.$etag], [1, etag]);
  });
});

describe('access', () => {
  test('a reader reads models and twins, and changes neither', async () => {
    const owner = emulator.twins('owner-app');
    await owner.createModels([room]);
    await owner.upsertDigitalTwin('kitchen', roomTwin({ temperature: 1 }));

    const client = emulator.twins('reader-app');
    assert.deepEqual((await listed(client)).map((model) => model.id), [ROOM]);
    assert.equal((await client.getDigitalTwin('kitchen')).body.temperature, 1);
    await refused(403, client.createModels([corner]));
    await refused(403, client.deleteModel(ROOM));
    await refused(403, client.upsertDigitalTwin('hall', roomTwin()));
    await refused(403, client.updateDigitalTwin('kitchen', [{ op: 'replace', path: '/temperature', value: 2 }]));
    await refused(403, client.deleteDigitalTwin('kitchen'));
    assert.equal((await owner.getDigitalTwin('kitchen')).body.temperature, 1);
  });

  for (const principal of ['no-roles-app', 'registry-app', 'subscription-owner']) {
    test(`${principal} has no role on the instance`, async () => {
      const refusal = await refused(403, emulator.twins(principal).getModel(ROOM));
      const decision = await emulator.lastDecision();
      assert.equal(refusal.headers['x-iolite-decision'], decision.id);
      assert.match(decision.explanation.join('\n'), /Microsoft\.DigitalTwins\/models\/read/);
    });
  }

  for (const flaw of ['expired', 'wrong-audience', 'wrong-issuer', 'bad-signature', 'unsigned', 'unknown-key']) {
    test(`a token that is ${flaw} is refused`, async () => {
      const client = emulator.twinsWithToken(await emulator.token('owner-app', 'twins', flaw));
      const refusal = await refused(401, client.getModel(ROOM));
      assert.deepEqual(refusal.body, { statusCode: 401, message: 'Unauthorized' });
    });
  }

  test('a token for the hub is no token for the instance', async () => {
    const client = emulator.twinsWithToken(await emulator.token('owner-app', 'hub'));
    await refused(401, client.getModel(ROOM));
  });

  test('the instance takes no shared access signature', async () => {
    const key = fields(emulator.hub.service_connection_string).SharedAccessKey;
    const answer = await fetch(`${emulator.twinsInstance.endpoint}/models?api-version=2022-05-31`, {
      headers: { authorization: sas('localhost', key, 'iothubowner') },
    });
    assert.equal(answer.status, 401, await answer.text());
  });
});

describe('what is not built is refused by name', () => {
  const relationship = { $targetId: 'hall', $relationshipName: 'leadsTo' };
  const first = (pages) => pages.next();

  for (const [what, name, run] of [
    ['a relationship', 'Relationships are', (client) => client.upsertRelationship('kitchen', 'door', relationship)],
    ['reading a relationship', 'Relationships are', (client) => client.getRelationship('kitchen', 'door')],
    ['listing relationships', 'Relationships are', (client) => first(client.listRelationships('kitchen'))],
    ['listing incoming relationships', 'Relationships are', (client) => first(client.listIncomingRelationships('kitchen'))],
    ['reading a component', 'Components are', (client) => client.getComponent('kitchen', 'stove')],
    ['changing a component', 'Components are', (client) => client.updateComponent('kitchen', 'stove', [])],
    ['telemetry', 'Telemetry is', (client) => client.publishTelemetry('kitchen', { heat: 1 }, 'message')],
    ['a query', 'The Digital Twins query language is', (client) => first(client.queryTwins('SELECT * FROM digitaltwins'))],
    ['an event route', 'Event routes are', (client) => client.upsertEventRoute('route', 'endpoint', 'true')],
    ['listing event routes', 'Event routes are', (client) => first(client.listEventRoutes())],
  ]) {
    test(`${what} answers 501 by its name`, async () => {
      const refusal = await twinsRefuse(501, 'NotSupported', run(emulator.twins('owner-app')));
      assert.match(refusal.body.error.message, new RegExp(`^${name} not `));
    });
  }

  test('who may not do it anyway is told that first', async () => {
    await refused(403, emulator.twins('no-roles-app').getRelationship('kitchen', 'door'));
  });
});
