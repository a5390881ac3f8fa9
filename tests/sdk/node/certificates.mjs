// Key pairs and self-signed certificates for tests, made by the `openssl` command: node itself makes no certificates.

import { execFileSync } from 'node:child_process';
import { X509Certificate, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';

/** An RSA key pair, PEM. */
export function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKey, privateKey };
}

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
