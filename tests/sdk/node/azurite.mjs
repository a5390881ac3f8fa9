// A blob service of a test's own: Azurite, in memory, on a free port; with TLS where devices upload to it, since the device
// SDKs put https:// before the host they are told.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { emulator } from './emulator.mjs';

export const ACCOUNT = 'devstoreaccount1';
// Azurite's own, and public.
export const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** A certificate for localhost that the emulator's authority signed, so that both sides believe it already. */
function certificate() {
  const folder = mkdtempSync(join(tmpdir(), 'iolite-azurite-'));
  const at = (name) => join(folder, name);
  const authority = emulator.ready.ca_certificate;
  const authorityKey = join(dirname(authority), 'ca.key');
  const openssl = (...words) => execFileSync('openssl', words, { stdio: 'pipe' });
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('key.pem')];
  openssl('req', '-new', ...key, '-subj', '/CN=localhost', '-out', at('request.pem'));
  const signed = ['-CA', authority, '-CAkey', authorityKey, '-set_serial', '1', '-days', '2', '-extfile', at('names')];
  openssl('x509', '-req', '-in', at('request.pem'), ...signed, '-out', at('certificate.pem'));
  return ['--cert', at('certificate.pem'), '--key', at('key.pem')];
}

/**
 * Starts Azurite; `service` is the account's address, `stop` ends it. With `oauth` it takes tokens of identities too, by
 * their issuer, audience and times.
 */
export async function startAzurite({ tls = false, oauth = false } = {}) {
  const main = new URL(import.meta.resolve('azurite/dist/src/blob/main.js')).pathname;
  // Loose: the device SDK's storage client sends a header for encryption that Azurite otherwise refuses.
  const options = ['--blobPort', '0', '--inMemoryPersistence', '--skipApiVersionCheck', '--loose', ...(tls ? certificate() : [])];
  if (oauth) options.push('--oauth', 'basic');
  const azurite = spawn(process.execPath, [main, ...options]);
  let said = '';
  for await (const line of createInterface({ input: azurite.stdout })) {
    said += `${line}\n`;
    const found = line.match(/successfully listens on (https?):\/\/\S+:(\d+)/);
    if (found) {
      azurite.stdout.resume();
      const host = tls ? 'localhost' : '127.0.0.1';
      const stop = async () => {
        azurite.kill();
        await once(azurite, 'exit');
      };
      return { service: `${found[1]}://${host}:${found[2]}/${ACCOUNT}`, stop };
    }
  }
  throw new Error(`Azurite did not start: ${said}`);
}
