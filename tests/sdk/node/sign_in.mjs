// Signs in once, in a process with the environment of the test: MSAL keeps the place that managed identities are asked at
// for as long as the process lives, so that a second test of it in one process would test the first one's place.
//
// `node sign_in.mjs CREDENTIAL OPTIONS SCOPE` prints the access token and its expiry, or the error, as JSON.

import { DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';

const CREDENTIALS = { DefaultAzureCredential, ManagedIdentityCredential };

const [credential, options, scope] = process.argv.slice(2);
try {
  const { token, expiresOnTimestamp } = await new CREDENTIALS[credential](JSON.parse(options)).getToken(scope);
  console.log(JSON.stringify({ token, expiresOnTimestamp }));
} catch ({ name, message }) {
  console.log(JSON.stringify({ error: { name, message } }));
}
