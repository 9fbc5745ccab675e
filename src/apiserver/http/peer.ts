import type { TLSSocket } from 'node:tls';
import type { PeerCertificate } from '../contracts.ts';

/** By connection: what is found out about a certificate later is remembered by its identity. */
const peers = new WeakMap<object, { certificate: PeerCertificate | undefined }>();

/**
 * By their bytes, those that an authority vouches for: to take one apart and to check it again for each connection of the same
 * client costs as much as a request. Others come and go, and are not remembered.
 */
const verified = new Map<string, PeerCertificate>();
const mostVerified = 10_000;

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
  const bytes = socket.authorized ? socket.getPeerX509Certificate()?.raw.toString('latin1') : undefined;
  const known = bytes === undefined ? undefined : verified.get(bytes);
  if (known) return known;
  const certificate = socket.getPeerCertificate();
  if (!certificate?.raw) return undefined;
  const subject = certificate.subject as unknown as Record<string, string | string[] | undefined>;
  const all = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
  const peer: PeerCertificate = {
    commonName: all(subject['CN'])[0] ?? '',
    organizations: all(subject['O']),
    raw: certificate.raw,
    ...(socket.authorized ? {} : { unverified: true }),
  };
  if (bytes !== undefined) {
    if (verified.size >= mostVerified) verified.clear();
    verified.set(bytes, peer);
  }
  return peer;
}
