// Key pairs and certificates for tests, self-signed or issued, made by the `openssl` command: node itself makes none.

import { execFileSync } from 'node:child_process';
import { X509Certificate, generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PEM = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } };

/** An RSA key pair, PEM. */
export const newKey = () => generateKeyPairSync('rsa', { modulusLength: 2048, ...PEM });

/** A key pair on P-256, PEM: far quicker to make. */
export const newEcKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256', ...PEM });

/** A key and a certificate that it signed itself, in a file of their own each and in one together. */
export function selfSigned(folder, name, { privateKey } = newKey()) {
  const keyFile = join(folder, `${name}.key.pem`);
  writeFileSync(keyFile, privateKey);
  const request = ['req', '-x509', '-new', '-key', keyFile, '-sha256', '-days', '2', '-subj', `/CN=${name}`];
  const certificate = execFileSync('openssl', request, { encoding: 'utf8' });
  const file = join(folder, `${name}.pem`);
  writeFileSync(file, privateKey + certificate);
  return { file, keyFile, privateKey, certificate, parsed: new X509Certificate(certificate) };
}

/**
 * A certificate that `issuer` (as this or `selfSigned` answers it) issued for `name`: an authority's, if asked for. What a
 * client shows is `certificate`: its own, and the authorities' between it and the root.
 */
export function issued(folder, name, issuer, { authority = false, days = 2 } = {}) {
  const file = (kind) => join(folder, `${randomUUID()}.${kind}`);
  const [keyFile, request, ownFile, extensions] = ['key', 'csr', 'pem', 'ext'].map(file);
  const { privateKey } = newEcKey();
  writeFileSync(keyFile, privateKey);
  writeFileSync(extensions, `basicConstraints=critical,CA:${authority ? 'TRUE' : 'FALSE'}\n`);
  const openssl = (...words) => execFileSync('openssl', words, { stdio: 'pipe' });
  openssl('req', '-new', '-key', keyFile, '-subj', `/CN=${name}`, '-out', request);
  const by = ['-CA', issuer.ownFile ?? issuer.file, '-CAkey', issuer.keyFile, '-set_serial', String(++serial)];
  openssl('x509', '-req', '-in', request, ...by, '-sha256', '-days', String(days), '-extfile', extensions, '-out', ownFile);
  const between = issuer.ownFile ? issuer.certificate : '';
  return { keyFile, ownFile, privateKey, certificate: readFileSync(ownFile, 'utf8') + between };
}

let serial = 0;
