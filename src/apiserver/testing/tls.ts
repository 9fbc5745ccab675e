/** A certificate for 127.0.0.1 that is its own authority. Only for tests. */
import { generateKeyPairSync } from 'node:crypto';
import { issueCertificate } from '../../apimachinery/x509/certificate.ts';
import { encodePem } from '../../apimachinery/x509/der.ts';

export function selfSigned(): { cert: string; key: string; clientCa: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = { commonName: 'test', organizations: [] };
  const hour = 60 * 60 * 1000;
  const der = issueCertificate(
    {
      subject,
      hosts: ['127.0.0.1', 'localhost'],
      notBefore: new Date(Date.now() - hour),
      notAfter: new Date(Date.now() + hour),
      isCA: true,
      keyUsages: ['digitalSignature', 'keyCertSign'],
      publicKey,
    },
    { key: privateKey, publicKey, name: subject },
  );
  const cert = encodePem('CERTIFICATE', der);
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, clientCa: cert };
}
