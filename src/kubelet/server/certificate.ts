/** The certificate that the server makes for itself when nobody gave it one; nobody can verify it, as with upstream's self-signed ones. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { issueCertificate } from '../../apimachinery/x509/certificate.ts';
import { encodePem } from '../../apimachinery/x509/der.ts';

const day = 24 * 3600 * 1000;

export function selfSignedCertificate(hostname: string, addresses: readonly string[], now = new Date()): { cert: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = { commonName: `${hostname}@${Math.floor(now.getTime() / 1000)}`, organizations: [] };
  const der = issueCertificate(
    {
      subject,
      hosts: [hostname, 'localhost', ...addresses],
      notBefore: new Date(now.getTime() - day),
      notAfter: new Date(now.getTime() + 365 * day),
      keyUsages: ['digitalSignature', 'keyEncipherment'],
      extendedKeyUsages: ['serverAuth'],
      publicKey,
    },
    { key: privateKey, publicKey, name: subject },
  );
  return { cert: encodePem('CERTIFICATE', der), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/** Whether less than a fifth of its life is left. */
export function expiresSoon(pem: string | Buffer, now: Date): boolean {
  const { validFrom, validTo } = new X509Certificate(pem);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return now.getTime() > to - (to - from) / 5;
}
