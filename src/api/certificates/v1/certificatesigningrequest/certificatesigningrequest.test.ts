import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { issueCertificate } from '../../../../apimachinery/x509/certificate.ts';
import { encodePem } from '../../../../apimachinery/x509/der.ts';
import { certificatesigningrequests } from '../certificatesigningrequest.ts';
import type { CertificateSigningRequest } from '../types.gen.ts';
import { autoApprovals, kubeletClientSigner, kubeletServingSigner, signerProblem } from './signers.ts';
import { signRequest } from './signing.ts';
import { validateRequest, validateRequestUpdate } from './validation.ts';

const now = new Date('2026-05-01T00:00:00Z');
const hour = 3_600_000;

async function request(
  signerName: string,
  names: { type: 'dns' | 'ip' | 'url' | 'email'; value: string }[] = [],
  more = {},
): Promise<CertificateSigningRequest> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const made = await Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: ['system:node:n1'] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : [],
  });
  const auth = signerName === kubeletServingSigner ? 'server auth' : 'client auth';
  return {
    metadata: { name: 'csr' },
    spec: {
      request: Buffer.from(made.toString('pem')).toString('base64'),
      signerName,
      usages: ['digital signature', auth],
      username: 'system:node:n1',
      ...more,
    },
  };
}

function authority() {
  const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = { commonName: 'ca', organizations: [] };
  const der = issueCertificate(
    {
      subject: name,
      notBefore: new Date(now.getTime() - hour),
      notAfter: new Date(now.getTime() + 10 * 24 * hour),
      isCA: true,
      keyUsages: ['keyCertSign'],
      publicKey,
    },
    { key, publicKey, name },
  );
  return { certificate: encodePem('CERTIFICATE', der), key: key.export({ type: 'sec1', format: 'pem' }).toString() };
}

test('a kubelet’s request is signed as asked, within the authority’s life', async () => {
  const ca = authority();
  const csr = await request(
    kubeletServingSigner,
    [
      { type: 'dns', value: 'n1' },
      { type: 'ip', value: '10.0.0.1' },
      { type: 'ip', value: 'fd00::1' },
    ],
    { expirationSeconds: 3600 },
  );
  assert.equal(signerProblem(csr), undefined);
  const certificate = new X509Certificate(signRequest(csr, ca, now, 365 * 24 * hour));
  assert.ok(certificate.verify(new X509Certificate(ca.certificate).publicKey));
  assert.match(certificate.subject, /O=system:nodes\nCN=system:node:n1/);
  assert.equal(certificate.subjectAltName, 'DNS:n1, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1');
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(certificate.validToDate.getTime(), now.getTime() + hour);
  const longest = new X509Certificate(signRequest({ ...csr, spec: { ...csr.spec, expirationSeconds: 1e9 } }, ca, now, 365 * 24 * hour));
  assert.equal(longest.validTo, new X509Certificate(ca.certificate).validTo);
});

test('signers refuse what is not theirs to sign', async () => {
  assert.equal(signerProblem(await request(kubeletClientSigner, [{ type: 'dns', value: 'x' }])), 'DNS subjectAltNames are not allowed');
  assert.equal(signerProblem(await request(kubeletServingSigner)), 'DNS or IP subjectAltName is required');
  const wrong = await request(kubeletClientSigner, [], { usages: ['digital signature', 'server auth'] });
  assert.equal(signerProblem(wrong), 'usages did not match [client auth digital signature key encipherment]');
});

test('a node renews by itself; a token may ask for any node', async () => {
  const csr = await request(kubeletClientSigner);
  assert.deepEqual(
    autoApprovals(csr).map(({ subresource }) => subresource),
    ['selfnodeclient', 'nodeclient'],
  );
  assert.deepEqual(
    autoApprovals({ ...csr, spec: { ...csr.spec, username: 'system:bootstrap:abcdef' } }).map(({ subresource }) => subresource),
    ['nodeclient'],
  );
  assert.deepEqual(autoApprovals(await request(kubeletServingSigner, [{ type: 'dns', value: 'n1' }])), []);
});

test('who asks is filled in by the server, and approvals come through their own subresource', async () => {
  const csr = await request(kubeletClientSigner);
  csr.status = { conditions: [{ type: 'Approved', status: 'True' }] };
  const context = { apiVersion: 'certificates.k8s.io/v1', user: { username: 'bob', groups: ['g'] }, namespace: '', now, dryRun: false, warn: () => undefined };
  certificatesigningrequests.prepareForCreate?.(csr, context);
  assert.equal(csr.spec.username, 'bob');
  assert.deepEqual(csr.status, {});
  assert.deepEqual(validateRequest(csr), []);
  const approved = { ...csr, status: { conditions: [{ type: 'Approved', status: 'True' }] } };
  assert.deepEqual(validateRequestUpdate(approved, csr, 'approval'), []);
  assert.equal(
    validateRequestUpdate(approved, csr, 'status')[0]?.message(),
    'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
  );
  const both = { ...csr, status: { conditions: [...approved.status.conditions, { type: 'Denied', status: 'True' }] } };
  assert.match(validateRequestUpdate(both, csr, 'approval')[0]?.message() ?? '', /Approved and Denied conditions are mutually exclusive/);
  assert.match(validateRequest({ ...csr, spec: { ...csr.spec, request: 'eA==' } })[0]?.message() ?? '', /PEM block type must be CERTIFICATE REQUEST/);
});
