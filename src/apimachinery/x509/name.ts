/** Distinguished names and general names of X.509 (RFC 5280 sections 4.1.2.4 and 4.2.1.6). */
import { parseIp } from '../ip.ts';
import * as der from './der.ts';

export interface Subject {
  commonName: string;
  organizations: string[];
}

const commonName = '2.5.4.3';
const organization = '2.5.4.10';

/** A name with the organizations first, each in a relative name of its own, then the common name. */
export function encodeName({ commonName: cn, organizations }: Subject): Buffer {
  const attribute = (oid: string, value: string): Buffer => der.set(der.sequence(der.objectIdentifier(oid), der.utf8String(value)));
  return der.sequence(...organizations.map((one) => attribute(organization, one)), ...(cn === '' ? [] : [attribute(commonName, cn)]));
}

/** Reads a DER name; of several common names the last counts, as in Go's `pkix.Name`. */
export function decodeName(name: Buffer): Subject {
  const subject: Subject = { commonName: '', organizations: [] };
  for (const relative of der.children(der.decode(name).content)) {
    for (const attribute of der.children(relative.content)) {
      const [type, value] = der.children(attribute.content);
      if (!type || !value) continue;
      const oid = der.decodeObjectIdentifier(type.content);
      if (oid === commonName) subject.commonName = der.decodeString(value);
      else if (oid === organization) subject.organizations.push(der.decodeString(value));
    }
  }
  return subject;
}

/** The bytes of an address: 4 of IPv4, 16 of IPv6. */
export function addressBytes(address: string): Buffer {
  const parsed = parseIp(address);
  if (!parsed) throw new Error(`${address} is no IP address`);
  const width = parsed.family === 4 ? 4 : 16;
  const bytes = Buffer.from(parsed.bits.toString(16).padStart(width * 2, '0'), 'hex');
  return parsed.mapped ? Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), bytes]) : bytes;
}

export interface AlternativeNames {
  dns: string[];
  ips: string[];
  emails: string[];
  uris: string[];
}

export function encodeAlternativeNames(hosts: readonly string[], others?: { emails: readonly string[]; uris: readonly string[] }): Buffer {
  return der.sequence(
    ...(others?.emails ?? []).map((email) => der.context(1, false, Buffer.from(email, 'latin1'))),
    ...(others?.uris ?? []).map((uri) => der.context(6, false, Buffer.from(uri, 'latin1'))),
    ...hosts.map((host) => (parseIp(host) ? der.context(7, false, addressBytes(host)) : der.context(2, false, Buffer.from(host, 'latin1')))),
  );
}

/** Reads the value of a subjectAltName extension; IPv6 addresses come in their long form. */
export function decodeAlternativeNames(extension: Buffer): AlternativeNames {
  const names: AlternativeNames = { dns: [], ips: [], emails: [], uris: [] };
  for (const { tag, content } of der.children(der.decode(extension).content)) {
    const number = tag & 0x1f;
    if (number === 1) names.emails.push(content.toString('latin1'));
    else if (number === 2) names.dns.push(content.toString('latin1'));
    else if (number === 6) names.uris.push(content.toString('latin1'));
    else if (number === 7) names.ips.push(content.length === 4 ? [...content].join('.') : (content.toString('hex').match(/.{4}/g) ?? []).join(':'));
  }
  return names;
}
