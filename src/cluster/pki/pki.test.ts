import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadOrCreatePki } from './files.ts';
import { completePki, createPki, issueNodeClient } from './pki.ts';

const scratch = async (t: TestContext): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'pki-'));
  t.after(() => rm(directory, { recursive: true }));
  return join(directory, 'pki');
};

test('the serving certificate is valid for every name and address of the API server', () => {
  const pki = createPki({ hosts: ['10.1.2.3', 'api.example'] });
  const certificate = new X509Certificate(pki.leaves.apiserver.certificate);
  for (const name of ['kubernetes', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost', 'api.example'])
    assert.equal(certificate.checkHost(name), name);
  for (const ip of ['10.96.0.1', '127.0.0.1', '10.1.2.3', '::1']) assert.ok(certificate.checkIP(ip), ip);
  assert.ok(certificate.verify(new X509Certificate(pki.ca.certificate).publicKey));
});

test('a node client certificate names node and group', () => {
  const certificate = new X509Certificate(issueNodeClient(createPki(), 'n1').certificate);
  assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:n1');
});

test('a leaf near its end is renewed, the authorities stay', () => {
  const pki = createPki({ now: new Date('2026-01-01T00:00:00Z') });
  const later = completePki(pki, { now: new Date('2026-12-01T00:00:00Z') });
  assert.deepEqual(later.renewed.sort(), ['admin', 'apiserver', 'apiserver-kubelet-client', 'controller-manager', 'front-proxy-client', 'scheduler']);
  assert.equal(later.pki.ca.certificate, pki.ca.certificate);
  assert.deepEqual(completePki(pki, { now: new Date('2026-03-01T00:00:00Z') }).renewed, []);
});

test('a new host name renews the serving certificate alone', () => {
  assert.deepEqual(completePki(createPki(), { hosts: ['new.example'] }).renewed, ['apiserver']);
});

test('files are written once, readable by the owner alone, and loaded afterwards', async (t) => {
  const directory = await scratch(t);
  const [first, second] = await Promise.all([loadOrCreatePki(directory), loadOrCreatePki(directory)]);
  assert.deepEqual(first, second);
  assert.deepEqual(await loadOrCreatePki(directory), first);
  for (const name of await readdir(directory)) assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name);
  assert.equal(await readFile(join(directory, 'sa.pub'), 'utf8'), first.serviceAccount.publicKey);
});

test('a certificate whose key does not match is renewed on load', async (t) => {
  const directory = await scratch(t);
  const pki = await loadOrCreatePki(directory);
  await writeFile(join(directory, 'admin.key'), pki.leaves.scheduler.key);
  const again = await loadOrCreatePki(directory);
  assert.notEqual(again.leaves.admin.certificate, pki.leaves.admin.certificate);
  assert.equal(again.leaves.scheduler.certificate, pki.leaves.scheduler.certificate);
});
