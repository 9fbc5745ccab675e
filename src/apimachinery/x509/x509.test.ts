import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { issueCertificate, subjectOf } from './certificate.ts';
import { addressBytes, decodeName, encodeName } from './name.ts';
import { createCertificateRequest, parseCertificateRequest } from './request.ts';

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

test('a certificate verifies against its CA and carries its names', () => {
  const ca = pair();
  const issuer = { key: ca.privateKey, publicKey: ca.publicKey, name: { commonName: 'kubernetes', organizations: [] } };
  const span = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2056-01-01T00:00:00Z') };
  const root = new X509Certificate(
    issueCertificate({ subject: issuer.name, ...span, isCA: true, keyUsages: ['keyCertSign'], publicKey: ca.publicKey }, issuer),
  );
  const leaf = pair();
  const certificate = new X509Certificate(
    issueCertificate(
      {
        subject: { commonName: 'system:node:a', organizations: ['system:nodes', 'other'] },
        hosts: ['a.example', '10.0.0.1', 'fd00::1'],
        ...span,
        keyUsages: ['digitalSignature', 'keyEncipherment'],
        extendedKeyUsages: ['clientAuth'],
        publicKey: leaf.publicKey,
      },
      issuer,
    ),
  );
  assert.equal(root.ca, true);
  assert.equal(certificate.ca, false);
  assert.ok(certificate.checkIssued(root) && certificate.verify(ca.publicKey));
  assert.equal(certificate.subjectAltName, 'DNS:a.example, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1');
  assert.equal(certificate.validTo, 'Jan  1 00:00:00 2056 GMT');
  assert.deepEqual(decodeName(subjectOf(certificate.raw)), { commonName: 'system:node:a', organizations: ['system:nodes', 'other'] });
});

test('addresses with an embedded IPv4 part keep their sixteen bytes', () => {
  assert.equal(addressBytes('::ffff:10.1.2.3').toString('hex'), '00000000000000000000ffff0a010203');
});

test('a request that openssl made is read with its subject and names', () => {
  const request = parseCertificateRequest(`-----BEGIN CERTIFICATE REQUEST-----
MIIBEjCBuAIBADAwMRUwEwYDVQQKDAxzeXN0ZW06bm9kZXMxFzAVBgNVBAMMDnN5
c3RlbTpub2RlOm4xMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZ/u7vpbwx3sC
edR/CrVekt0NCHFOInikVXHFrt/dwTv9m7PTV2Wg7OXeayHlzBxxqKmrSwjvLNaA
jynSZ83u3aAmMCQGCSqGSIb3DQEJDjEXMBUwEwYDVR0RBAwwCoICbjGHBAoAAAcw
CgYIKoZIzj0EAwIDSQAwRgIhAL6vTU+Y/E2dj53pDadazsRpPQrTPGKjrp21TWos
gxPZAiEAq5t6lWqsSN1V3/2VCc06wawk1icTMUAK80eKle4zEV0=
-----END CERTIFICATE REQUEST-----
`);
  assert.deepEqual(request.subject, { commonName: 'system:node:n1', organizations: ['system:nodes'] });
  assert.deepEqual([request.dns, request.ips, request.signatureValid], [['n1'], ['10.0.0.7'], true]);
});

test('a request says who asks, for which names, with which key', () => {
  const subject = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
  for (const keys of [pair(), generateKeyPairSync('rsa', { modulusLength: 1024 })]) {
    const request = parseCertificateRequest(createCertificateRequest(subject, ['n1', '10.0.0.7', 'fd00::1'], keys));
    assert.deepEqual(request.subject, subject);
    assert.deepEqual([request.dns, request.ips, request.signatureValid], [['n1'], ['10.0.0.7', 'fd00:0000:0000:0000:0000:0000:0000:0001'], true]);
    assert.ok(request.publicKey.equals(keys.publicKey));
  }
  assert.deepEqual(parseCertificateRequest(createCertificateRequest(subject, [], pair())).dns, []);
});

test('a name keeps its units, places and number, in the order that Go has', () => {
  const others = { '2.5.4.6': ['DE'], '2.5.4.11': ['team', 'crew'], '2.5.4.7': ['Here'], '2.5.4.5': ['7'] };
  const name = encodeName({ commonName: 'bob', organizations: ['dev'], others });
  assert.deepEqual(decodeName(name), { commonName: 'bob', organizations: ['dev'], others });
  const { privateKey, publicKey } = pair();
  const span = { notBefore: new Date('2026-01-01'), notAfter: new Date('2027-01-01') };
  const subject = { commonName: 'bob', organizations: ['dev'], others };
  const der = issueCertificate({ subject, ...span, keyUsages: ['digitalSignature'], publicKey }, { key: privateKey, publicKey, name: subject });
  assert.equal(new X509Certificate(der).subject, 'C=DE\nO=dev\nOU=team\nOU=crew\nL=Here\nCN=bob\nserialNumber=7');
});

test('something that is no request is refused', () => {
  assert.throws(() => parseCertificateRequest('nonsense'), /PEM block type must be CERTIFICATE REQUEST/);
});
