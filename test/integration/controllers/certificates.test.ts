import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificatesigningrequests } from '../../../src/api/certificates/v1/certificatesigningrequest.ts';
import type { CertificateSigningRequest } from '../../../src/api/certificates/v1/types.gen.ts';
import { createPki } from '../../../src/cluster/pki/pki.ts';
import { removableAt } from '../../../src/controllers/certificates/cleaner.ts';
import { csrSigningController } from '../../../src/controllers/certificates/signing.ts';
import { eventually, startCluster } from './harness.ts';

function requestFor(subject: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-csr-'));
  try {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    writeFileSync(join(directory, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return execFileSync('openssl', ['req', '-new', '-key', join(directory, 'key.pem'), '-subj', subject]).toString('base64');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('an approved request is issued, one that breaks the rules of its signer fails', async () => {
  const pki = createPki();
  await using cluster = await startCluster({ controllers: [csrSigningController], settings: { signingCa: pki.ca } });
  const resource = cluster.client.resource(certificatesigningrequests);
  const approve = async (name: string, usages: string[]): Promise<void> => {
    const spec = { request: requestFor('/CN=jane/O=team'), signerName: 'kubernetes.io/kube-apiserver-client', usages };
    const made = await resource.create({ metadata: { name }, spec });
    const conditions = [{ type: 'Approved', status: 'True', reason: 'Test', message: 'yes' }];
    await resource.subresource('PUT', '', name, 'approval', { ...made, status: { conditions } });
  };
  const settled = (name: string) =>
    eventually(async () => {
      const { status } = await resource.get('', name);
      return status && (status.certificate || status.conditions?.some(({ type }) => type === 'Failed')) ? status : undefined;
    }, name);
  await approve('good', ['client auth', 'digital signature']);
  const { certificate } = await settled('good');
  const issued = new X509Certificate(Buffer.from(certificate!, 'base64'));
  assert.match(issued.subject, /CN=jane/);
  assert.ok(issued.checkIssued(new X509Certificate(pki.ca.certificate)));
  await approve('bad', ['server auth']);
  const failed = (await settled('bad')).conditions!.find(({ type }) => type === 'Failed')!;
  assert.deepEqual([failed.reason, failed.message], ['SignerValidationFailure', 'invalid usage for client certificate: server auth']);
});

test('requests go an hour after they were decided, a day after nobody did', () => {
  const at = '2026-01-01T00:00:00Z';
  const csr = (status: CertificateSigningRequest['status']): CertificateSigningRequest => ({
    metadata: { name: 'r', creationTimestamp: at },
    spec: { request: '', signerName: 's' },
    status,
  });
  const hours = (status: CertificateSigningRequest['status']): number => (removableAt(csr(status)) - Date.parse(at)) / 3_600_000;
  assert.equal(hours({}), 24);
  assert.equal(hours({ conditions: [{ type: 'Denied', status: 'True', lastUpdateTime: at }] }), 1);
  assert.equal(hours({ conditions: [{ type: 'Approved', status: 'True', lastUpdateTime: at }] }), 24);
  assert.equal(hours({ certificate: 'eA==', conditions: [{ type: 'Approved', status: 'True', lastUpdateTime: at }] }), 1);
});
