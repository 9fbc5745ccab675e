/** Making the certificate that an approved request asks for. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { issueCertificate, subjectOf } from '../../../../apimachinery/x509/certificate.ts';
import { encodePem } from '../../../../apimachinery/x509/der.ts';
import type { CertificateSigningRequest } from '../types.gen.ts';
import { parseRequest } from './signers.ts';
import { certificateUsages } from './usages.ts';

const minute = 60 * 1000;
/** Clocks of those who use the certificate may be behind. */
const backdate = 5 * minute;
const shortest = 10 * minute;
/** A certificate that lives shorter than this loses nothing of its life to backdating. */
const short = 8 * 60 * minute;

export interface SigningAuthority {
  /** PEM. */
  certificate: string;
  /** PEM. */
  key: string;
}

/** Milliseconds for which the certificate is valid: what is asked for within bounds, else the most. */
function lifetime(asked: number | undefined, longest: number): number {
  return asked === undefined ? longest : Math.max(Math.min(asked * 1000, longest), Math.min(shortest, longest));
}

/**
 * The certificate as PEM; it never outlives the authority.
 * @param longest the signer's own limit in milliseconds (upstream: a year)
 * @throws `Error` when the request is malformed, not signed by its own key, names unknown usages, or the authority has expired
 */
export function signRequest(csr: CertificateSigningRequest, authority: SigningAuthority, now: Date, longest: number): string {
  const request = parseRequest(csr);
  if (!request.signatureValid) throw new Error('unable to verify certificate request signature: x509: signature does not match');
  const signer = new X509Certificate(authority.certificate);
  const end = signer.validToDate.getTime();
  if (now.getTime() >= end) throw new Error(`refusing to sign a certificate that expired in the past: NotAfter=${signer.validToDate.toISOString()}`);
  const life = lifetime(csr.spec.expirationSeconds, longest);
  const key = createPrivateKey(authority.key);
  const der = issueCertificate(
    {
      subject: request.subject,
      hosts: [...request.dns, ...request.ips],
      others: request,
      notBefore: new Date(now.getTime() - backdate),
      notAfter: new Date(Math.min(now.getTime() + life - (life < short ? 0 : backdate), end)),
      ...certificateUsages(csr.spec.usages ?? []),
      publicKey: request.publicKey,
    },
    { key, publicKey: createPublicKey(key), name: subjectOf(signer.raw) },
  );
  return encodePem('CERTIFICATE', der);
}
