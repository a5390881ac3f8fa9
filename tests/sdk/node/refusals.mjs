// Refusals, whichever SDK raises them: one shape for status, body and headers.

import assert from 'node:assert/strict';

/** The promise ends in a refusal by a service with this status; answers the refusal. */
export async function refused(status, promise) {
  const error = await promise.then(
    (value) => assert.fail(`was not refused: ${JSON.stringify(value?.responseBody ?? value)}`),
    (caught) => caught,
  );
  const refusal = read(error);
  assert.equal(refusal.status, status, `${error.message} ${refusal.text}`);
  return refusal;
}

/** The promise is refused by the hub with this status and error code. */
export async function hubRefuses(status, code, promise) {
  const refusal = await refused(status, promise);
  assert.equal(refusal.headers['iothub-errorcode'], code, refusal.text);
  return refusal;
}

function read(error) {
  const { response } = error;
  if (!response) throw error;
  // The IoT SDKs keep node's own message beside the body; the Azure core keeps an answer of its own.
  const ofCore = response.bodyAsText !== undefined || response.status !== undefined;
  return {
    error,
    status: ofCore ? response.status : response.statusCode,
    text: (ofCore ? response.bodyAsText : error.responseBody) ?? '',
    headers: ofCore ? response.headers.rawHeaders() : response.headers,
    get body() {
      return JSON.parse(this.text);
    },
  };
}
