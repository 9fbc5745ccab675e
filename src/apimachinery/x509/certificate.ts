/** Issuing X.509 v3 certificates (RFC 5280) with ECDSA or RSA keys of `node:crypto`. */
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import * as der from './der.ts';
import { encodeAlternativeNames, encodeName, type Subject } from './name.ts';

/** Bits of the extension, by their names in RFC 5280 section 4.2.1.3. */
const usageBit = {
  digitalSignature: 0,
  contentCommitment: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
  encipherOnly: 7,
  decipherOnly: 8,
} as const;
export type KeyUsage = keyof typeof usageBit;

const extendedUsageOid = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  ipsecEndSystem: '1.3.6.1.5.5.7.3.5',
  ipsecTunnel: '1.3.6.1.5.5.7.3.6',
  ipsecUser: '1.3.6.1.5.5.7.3.7',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  microsoftServerGatedCrypto: '1.3.6.1.4.1.311.10.3.3',
  netscapeServerGatedCrypto: '2.16.840.1.113730.4.1',
} as const;
export type ExtendedKeyUsage = keyof typeof extendedUsageOid;

export interface CertificateTemplate {
  subject: Subject;
  /** DNS names and IP addresses. */
  hosts?: readonly string[];
  /** E-mail addresses and URIs. */
  others?: { emails: readonly string[]; uris: readonly string[] };
  notBefore: Date;
  notAfter: Date;
  isCA?: boolean;
  keyUsages: readonly KeyUsage[];
  extendedKeyUsages?: readonly ExtendedKeyUsage[];
  publicKey: KeyObject;
}

/** Who signs: a private key, and the subject of its certificate (as DER where it was read from one). */
export interface Issuer {
  key: KeyObject;
  publicKey: KeyObject;
  name: Subject | Buffer;
}

/** An X.509 extension (RFC 5280 section 4.1). */
export const extension = (oid: string, critical: boolean, value: Buffer): Buffer =>
  der.sequence(der.objectIdentifier(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(value));

/** A named bit list (X.690 section 11.2.2): no trailing zero bits. */
function keyUsage(usages: readonly KeyUsage[]): Buffer {
  const last = Math.max(...usages.map((usage) => usageBit[usage]));
  const bytes = Buffer.alloc((last >> 3) + 1);
  for (const usage of usages) bytes[usageBit[usage] >> 3] = (bytes[usageBit[usage] >> 3] ?? 0) | (0x80 >> (usageBit[usage] & 7));
  return der.bitString(bytes, 7 - (last & 7));
}

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

/** SHA-1 of the public key's bit string, method 1 of RFC 5280 section 4.2.1.2. */
function keyIdentifier(key: KeyObject): Buffer {
  const bits = der.children(der.decode(spki(key)).content)[1];
  if (!bits) throw new Error('public key without a bit string');
  return createHash('sha1').update(bits.content.subarray(1)).digest();
}

/** The signature algorithm for a key, and the digest to sign with. */
export function algorithmOf(key: KeyObject): { identifier: Buffer; digest: string | null } {
  switch (key.asymmetricKeyType) {
    case 'ec': {
      const curve = key.asymmetricKeyDetails?.namedCurve;
      if (curve === 'secp384r1') return { identifier: der.sequence(der.objectIdentifier('1.2.840.10045.4.3.3')), digest: 'sha384' };
      if (curve === 'secp521r1') return { identifier: der.sequence(der.objectIdentifier('1.2.840.10045.4.3.4')), digest: 'sha512' };
      return { identifier: der.sequence(der.objectIdentifier('1.2.840.10045.4.3.2')), digest: 'sha256' };
    }
    case 'rsa':
      return { identifier: der.sequence(der.objectIdentifier('1.2.840.113549.1.1.11'), der.nothing()), digest: 'sha256' };
    case 'ed25519':
      return { identifier: der.sequence(der.objectIdentifier('1.3.101.112')), digest: null };
    default:
      throw new Error(`keys of type ${key.asymmetricKeyType} can't sign certificates`);
  }
}

/** Issues a certificate with a random 127-bit serial number; gives DER. Throws when the issuer's key can't sign. */
export function issueCertificate(template: CertificateTemplate, issuer: Issuer): Buffer {
  const { identifier, digest } = algorithmOf(issuer.key);
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  const { hosts = [], others, subject } = template;
  const hasNames = hosts.length + (others?.emails.length ?? 0) + (others?.uris.length ?? 0) > 0;
  const anonymous = subject.commonName === '' && subject.organizations.length === 0;
  const extensions = [
    ...(template.keyUsages.length > 0 ? [extension('2.5.29.15', true, keyUsage(template.keyUsages))] : []),
    ...(template.extendedKeyUsages?.length
      ? [extension('2.5.29.37', false, der.sequence(...template.extendedKeyUsages.map((usage) => der.objectIdentifier(extendedUsageOid[usage]))))]
      : []),
    extension('2.5.29.19', true, template.isCA ? der.sequence(der.boolean(true)) : der.sequence()),
    ...(template.isCA ? [extension('2.5.29.14', false, der.octetString(keyIdentifier(template.publicKey)))] : []),
    extension('2.5.29.35', false, der.sequence(der.context(0, false, keyIdentifier(issuer.publicKey)))),
    ...(hasNames ? [extension('2.5.29.17', anonymous, encodeAlternativeNames(hosts, others))] : []),
  ];
  const toBeSigned = der.sequence(
    der.context(0, true, der.unsignedInteger(Buffer.from([2]))),
    der.unsignedInteger(serial),
    identifier,
    Buffer.isBuffer(issuer.name) ? issuer.name : encodeName(issuer.name),
    der.sequence(der.time(template.notBefore), der.time(template.notAfter)),
    encodeName(template.subject),
    spki(template.publicKey),
    der.context(3, true, der.sequence(...extensions)),
  );
  return der.sequence(toBeSigned, identifier, der.bitString(sign(digest, toBeSigned, issuer.key)));
}

/** The parts of a certificate's to-be-signed sequence from the serial number on. */
function body(certificate: Uint8Array): der.DerElement[] {
  const toBeSigned = der.children(der.decode(Buffer.from(certificate)).content)[0];
  if (!toBeSigned) throw new Error('x509: malformed certificate');
  const parts = der.children(toBeSigned.content);
  return parts[0]?.tag === 0xa0 ? parts.slice(1) : parts;
}

/** The subject's name as DER, byte for byte: what the issuer field of a certificate signed by it must equal. */
export function subjectOf(certificate: Uint8Array): Buffer {
  const subject = body(certificate)[4];
  if (!subject) throw new Error('x509: malformed certificate');
  return Buffer.from(subject.raw);
}
