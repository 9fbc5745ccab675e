import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { signerProblem } from '../../api/certificates/v1/certificatesigningrequest/signers.ts';
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.gen.ts';
import { issueCertificate } from '../../apimachinery/x509/certificate.ts';
import { encodePem } from '../../apimachinery/x509/der.ts';
import { parseCertificateRequest } from '../../apimachinery/x509/request.ts';
import type { KubeletContext } from '../context.ts';
import { createServingCertificate, type ServingCertificate } from './servingcertificate.ts';

const day = 24 * 3600_000;
const began = Date.parse('2026-01-01T00:00:00Z');
const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function sign(csr: CertificateSigningRequest): CertificateSigningRequest {
  const { subject, dns, ips, publicKey } = parseCertificateRequest(Buffer.from(csr.spec.request, 'base64').toString());
  const der = issueCertificate(
    {
      subject,
      hosts: [...dns, ...ips],
      notBefore: new Date(began),
      notAfter: new Date(began + 100 * day),
      keyUsages: ['digitalSignature'],
      extendedKeyUsages: ['serverAuth'],
      publicKey,
    },
    { key: ca.privateKey, publicKey: ca.publicKey, name: { commonName: 'ca', organizations: [] } },
  );
  return { ...csr, status: { certificate: Buffer.from(encodePem('CERTIFICATE', der)).toString('base64') } };
}

/** A kubelet whose requests are answered by `answer`; runs until what it waits for is there. */
async function kubelet(t: TestContext, answer: (csr: CertificateSigningRequest) => CertificateSigningRequest) {
  const rootDir = await mkdtemp(join(tmpdir(), 'serving-'));
  t.after(() => rm(rootDir, { recursive: true }));
  const asked: CertificateSigningRequest[] = [];
  const failures: string[] = [];
  const requests = {
    create: async (csr: CertificateSigningRequest) => {
      const made = { ...csr, metadata: { name: `csr-${asked.length}`, uid: `uid-${asked.length}`, resourceVersion: '1' } };
      asked.push(made);
      return made;
    },
    get: async () => asked.at(-1),
    async *watch() {
      yield { type: 'MODIFIED', object: answer(asked.at(-1) as CertificateSigningRequest) };
    },
  };
  async function run(at: number, nodeIps: string[], until: 'changed' | 'failed' | 'nothing'): Promise<ServingCertificate> {
    const stopping = new AbortController();
    const stop = (): void => stopping.abort();
    const context = {
      options: { nodeName: 'n1', nodeIps, rootDir },
      client: { resource: () => requests },
      log: { info: () => {}, error: ({ err }: { err: string }) => failures.push(err) },
      meters: { count: () => until === 'failed' && setImmediate(stop), observe: () => {} },
      now: () => {
        if (until === 'nothing') setImmediate(stop);
        return new Date(at);
      },
      signal: stopping.signal,
    } as unknown as KubeletContext;
    const serving = createServingCertificate(context, stop, () => 0.5);
    await serving.run();
    return serving;
  }
  return { rootDir, asked, failures, run };
}

test('a serving certificate is asked for as the signer demands, kept, and renewed when most of its life is over', async (t) => {
  const { rootDir, asked, run } = await kubelet(t, sign);
  const first = (await run(began, ['192.0.2.1'], 'changed')).current();
  assert.ok(first && asked[0]);
  assert.equal(asked[0].spec.signerName, 'kubernetes.io/kubelet-serving');
  assert.equal(signerProblem(asked[0]), undefined);
  const certificate = new X509Certificate(first.cert);
  assert.equal(certificate.subjectAltName, 'DNS:n1, IP Address:192.0.2.1');
  const file = join(rootDir, 'pki/kubelet-server-current.pem');
  assert.equal(await readFile(file, 'utf8'), `${first.cert}${first.key}`);
  assert.equal((await stat(file)).mode & 0o777, 0o600);

  assert.deepEqual((await run(began + 79 * day, ['192.0.2.1'], 'nothing')).current(), first);
  assert.equal(asked.length, 1);
  const second = (await run(began + 81 * day, ['192.0.2.1'], 'changed')).current();
  assert.ok(second && second.cert !== first.cert);
  await run(began + 1 * day, ['192.0.2.9'], 'changed');
  assert.equal(asked.length, 3, 'another address needs another certificate');
  await writeFile(file, 'torn');
  await run(began + 1 * day, ['192.0.2.9'], 'changed');
  assert.equal(asked.length, 4);
});

test('without approval there is no certificate', async (t) => {
  const { failures, run } = await kubelet(t, (csr) => ({ ...csr, status: { conditions: [{ type: 'Denied', status: 'True', message: 'unknown machine' }] } }));
  assert.equal((await run(began, ['192.0.2.1'], 'failed')).current(), undefined);
  assert.deepEqual(failures, ['certificate signing request "csr-0" was denied: unknown machine']);
});
