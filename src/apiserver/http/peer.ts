import type { TLSSocket } from 'node:tls';
import type { PeerCertificate } from '../contracts.ts';

/** By connection: a certificate is parsed once, and what is found out about it later is remembered by its identity. */
const peers = new WeakMap<object, { certificate: PeerCertificate | undefined }>();

/** The client's certificate, if it sent one. `connection` is what stands for the socket: itself, or the HTTP/2 session on it. */
export function peerCertificateOf(socket: TLSSocket, connection: object = socket): PeerCertificate | undefined {
  let peer = peers.get(connection);
  if (!peer) {
    peer = { certificate: readCertificate(socket) };
    peers.set(connection, peer);
  }
  return peer.certificate;
}

function readCertificate(socket: TLSSocket): PeerCertificate | undefined {
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
