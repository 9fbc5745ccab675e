/** Users from TLS client certificates, and from the headers of a front proxy that has one. */
import { createHash, X509Certificate } from 'node:crypto';
import type { UserInfo } from '../../api/kind.ts';
import { own } from '../../apimachinery/own.ts';
import { decodePem } from '../../apimachinery/x509/der.ts';
import type { Credentials, PeerCertificate } from '../contracts.ts';
import { credentialIdKey } from './identities.ts';

/** Whether a certificate was signed by one of the authorities and is valid now. Remembered per connection. */
export function createCertificateVerifier(caBundle: string, now: () => Date): (peer: PeerCertificate) => boolean {
  const authorities = decodePem(caBundle, 'CERTIFICATE').map(({ der }) => new X509Certificate(der));
  const issued = new WeakMap<PeerCertificate, { from: number; to: number } | null>();
  return (peer) => {
    let span = issued.get(peer);
    if (span === undefined) {
      const certificate = new X509Certificate(peer.raw);
      const signed = authorities.some((authority) => certificate.issuer === authority.subject && certificate.verify(authority.publicKey));
      span = signed ? { from: certificate.validFromDate.getTime(), to: certificate.validToDate.getTime() } : null;
      issued.set(peer, span);
    }
    const at = now().getTime();
    return span !== null && span.from <= at && at <= span.to;
  };
}

/** Common name → user, organizations → groups. */
export function certificateUser(peer: PeerCertificate): UserInfo | undefined {
  if (peer.commonName === '') return undefined;
  const id = `X509SHA256=${createHash('sha256').update(peer.raw).digest('hex')}`;
  return { username: peer.commonName, groups: [...peer.organizations], extra: { [credentialIdKey]: [id] } };
}

export interface RequestHeaderOptions {
  /** PEM bundle of the front proxy's authorities. */
  ca: string;
  /** Common names that the proxy's certificate may have; empty allows every one. */
  allowedNames: readonly string[];
  usernameHeaders: readonly string[];
  uidHeaders?: readonly string[];
  groupHeaders: readonly string[];
  extraHeaderPrefixes: readonly string[];
}

const decodeKey = (encoded: string): string => {
  try {
    return decodeURIComponent(encoded);
  } catch {
    // Not percent-encoded: taken as it stands.
    return encoded;
  }
};

/** Repeated headers come joined with `, `. */
export const headerValues = (value: string | undefined): string[] => (value === undefined ? [] : value.split(', ').filter((one) => one !== ''));

/** Headers with that prefix as a map of lists; keys are lower-case and percent-decoded. */
export function extraOf(headers: Credentials['headers'], prefixes: readonly string[]): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const prefix of prefixes.map((one) => one.toLowerCase())) {
    for (const [name, value] of Object.entries(headers)) {
      if (!name.startsWith(prefix) || value === undefined) continue;
      const key = decodeKey(name.slice(prefix.length));
      extra[key] = [...(own(extra, key) ?? []), ...value.split(', ')];
    }
  }
  return extra;
}

/** The user that a trusted front proxy names in its headers. */
export function requestHeaderUser(headers: Credentials['headers'], options: RequestHeaderOptions): UserInfo | undefined {
  const first = (names: readonly string[]): string => names.map((name) => headers[name.toLowerCase()] ?? '').find((value) => value !== '') ?? '';
  const username = first(options.usernameHeaders);
  if (username === '') return undefined;
  const uid = first(options.uidHeaders ?? []);
  const extra = extraOf(headers, options.extraHeaderPrefixes);
  return {
    username,
    ...(uid === '' ? {} : { uid }),
    groups: options.groupHeaders.flatMap((name) => headerValues(headers[name.toLowerCase()])),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}
