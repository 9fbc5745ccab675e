/** Distinguished names and general names of X.509 (RFC 5280 sections 4.1.2.4 and 4.2.1.6). */
import { parseIp } from '../ip.ts';
import * as der from './der.ts';

export interface Subject {
  commonName: string;
  organizations: string[];
  /** By object identifier: units, places and the like that a request names. */
  others?: Readonly<Record<string, readonly string[]>>;
}

const commonName = '2.5.4.3';
const organization = '2.5.4.10';
const country = '2.5.4.6';
/** Unit, locality, province, street, postal code. */
const places: readonly string[] = ['2.5.4.11', '2.5.4.7', '2.5.4.8', '2.5.4.9', '2.5.4.17'];
const serialNumber = '2.5.4.5';
/** As Go's `pkix.Name` has them; what else a name holds is left out. */
const known: readonly string[] = [country, ...places, serialNumber];

/** A name in Go's order: country, organizations (each in a relative name of its own), places, common name, serial number. */
export function encodeName({ commonName: cn, organizations, others = {} }: Subject): Buffer {
  const attribute = (oid: string, value: string): Buffer => der.set(der.sequence(der.objectIdentifier(oid), der.utf8String(value)));
  const all = (oid: string): Buffer[] => (others[oid] ?? []).map((value) => attribute(oid, value));
  return der.sequence(
    ...all(country),
    ...organizations.map((one) => attribute(organization, one)),
    ...places.flatMap(all),
    ...(cn === '' ? [] : [attribute(commonName, cn)]),
    ...all(serialNumber),
  );
}

/** Reads a DER name; of several common names the last counts, as in Go's `pkix.Name`. */
export function decodeName(name: Buffer): Subject {
  const subject: Subject = { commonName: '', organizations: [] };
  const others: Record<string, string[]> = {};
  for (const relative of der.children(der.decode(name).content)) {
    for (const attribute of der.children(relative.content)) {
      const [type, value] = der.children(attribute.content);
      if (!type || !value) continue;
      const oid = der.decodeObjectIdentifier(type.content);
      if (oid === commonName) subject.commonName = der.decodeString(value);
      else if (oid === organization) subject.organizations.push(der.decodeString(value));
      else if (known.includes(oid)) others[oid] = [...(others[oid] ?? []), der.decodeString(value)];
    }
  }
  return Object.keys(others).length > 0 ? { ...subject, others } : subject;
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
