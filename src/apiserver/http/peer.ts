import type { TLSSocket } from 'node:tls';
import type { PeerCertificate } from '../contracts.ts';

/** The client's certificate, if it sent one. */
export function peerCertificateOf(socket: TLSSocket): PeerCertificate | undefined {
  if (!socket.encrypted) return undefined;
  const certificate = socket.getPeerCertificate();
  if (!certificate?.raw) return undefined;
  const subject = certificate.subject as unknown as Record<string, string | string[] | undefined>;
  const all = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
  return {
    commonName: all(subject['CN'])[0] ?? '',
    organizations: all(subject['O']),
    raw: certificate.raw,
    ...(socket.authorized ? {} : { unverified: true }),
  };
}
