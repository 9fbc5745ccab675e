/** PKCS#10 certificate requests (RFC 2986). */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { algorithmOf, extension } from './certificate.ts';
import * as der from './der.ts';
import { type AlternativeNames, decodeAlternativeNames, decodeName, encodeAlternativeNames, encodeName, type Subject } from './name.ts';

const extensionRequest = '1.2.840.113549.1.9.14';
const subjectAltName = '2.5.29.17';

export interface CertificateRequest extends AlternativeNames {
  subject: Subject;
  publicKey: KeyObject;
  /** The request is signed by the key that it names. */
  signatureValid: boolean;
}

const digests: Record<string, string | null> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.3.101.112': null,
};

function requestedNames(attributes: der.DerElement | undefined): AlternativeNames {
  const none: AlternativeNames = { dns: [], ips: [], emails: [], uris: [] };
  if (!attributes) return none;
  for (const attribute of der.children(attributes.content)) {
    const [type, values] = der.children(attribute.content);
    if (!type || !values || der.decodeObjectIdentifier(type.content) !== extensionRequest) continue;
    for (const list of der.children(values.content)) {
      for (const extension of der.children(list.content)) {
        const parts = der.children(extension.content);
        const [oid] = parts;
        const value = parts.at(-1);
        if (oid && value && der.decodeObjectIdentifier(oid.content) === subjectAltName) return decodeAlternativeNames(Buffer.from(value.content));
      }
    }
  }
  return none;
}

/** Decodes the first `CERTIFICATE REQUEST` block of a PEM text; throws an `Error` that says what is wrong. */
export function parseCertificateRequest(pem: string): CertificateRequest {
  const block = der.decodePem(pem)[0];
  if (block?.label !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const [info, algorithm, signature] = der.children(der.decode(block.der).content);
  if (!info || !algorithm || !signature) throw new Error('asn1: structure error: certificate request');
  const [, name, key, attributes] = der.children(info.content);
  const oid = der.children(algorithm.content)[0];
  if (!name || !key || !oid) throw new Error('asn1: structure error: certificate request');
  const publicKey = createPublicKey({ key: Buffer.from(key.raw), format: 'der', type: 'spki' });
  const digest = digests[der.decodeObjectIdentifier(oid.content)];
  const signatureValid = digest !== undefined && verify(digest, info.raw, publicKey, signature.content.subarray(1));
  return { subject: decodeName(Buffer.from(name.raw)), publicKey, signatureValid, ...requestedNames(attributes) };
}

/** A `CERTIFICATE REQUEST` block for a name and `hosts` (DNS names and IP addresses), signed with the key that it is for. */
export function createCertificateRequest(
  subject: Subject,
  hosts: readonly string[],
  { privateKey, publicKey }: Record<'privateKey' | 'publicKey', KeyObject>,
): string {
  const { identifier, digest } = algorithmOf(privateKey);
  const names = hosts.length > 0 ? [extension(subjectAltName, false, encodeAlternativeNames(hosts))] : [];
  const attributes = names.length > 0 ? [der.sequence(der.objectIdentifier(extensionRequest), der.set(der.sequence(...names)))] : [];
  const info = der.sequence(
    der.unsignedInteger(Buffer.from([0])),
    encodeName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der.context(0, true, ...attributes),
  );
  return der.encodePem('CERTIFICATE REQUEST', der.sequence(info, identifier, der.bitString(sign(digest, info, privateKey))));
}
