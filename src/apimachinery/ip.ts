/**
 * IP addresses and CIDRs as the API reads them: the historic, lenient grammar (leading zeros) and the strict one.
 * Source of the rule: apimachinery `util/validation/ip.go`; canonical text is RFC 5952.
 */

export interface IpAddress {
  /** 4, also for an IPv4-mapped IPv6 address: that is how upstream prints and compares it. */
  readonly family: 4 | 6;
  readonly bits: bigint;
  /** Written as `::ffff:1.2.3.4` or the like. */
  readonly mapped?: boolean;
  /** Written with zeros that the strict grammar refuses. */
  readonly sloppy?: boolean;
}

export interface Cidr {
  /** As written, host bits included. */
  readonly address: IpAddress;
  /** With the host bits cleared. */
  readonly network: IpAddress;
  readonly prefixLength: number;
  /** Written with zeros that the strict grammar refuses. */
  readonly sloppy: boolean;
}

const widthOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

function parseV4(text: string): IpAddress | undefined {
  const match = /^([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(text);
  if (!match) return undefined;
  let bits = 0;
  let sloppy = false;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255) return undefined;
    if (part.length > 1 && part[0] === '0') sloppy = true;
    bits = bits * 256 + octet;
  }
  return { family: 4, bits: BigInt(bits), ...(sloppy ? { sloppy } : {}) };
}

/** The 16-bit groups of one side of `::`; a dotted IPv4 tail counts as two. */
function parseGroups(text: string, last: boolean): { groups: number[]; sloppy: boolean } | undefined {
  if (text === '') return { groups: [], sloppy: false };
  const groups: number[] = [];
  let sloppy = false;
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes('.')) {
      const tail = parseV4(part);
      if (!tail) return undefined;
      if (tail.sloppy) sloppy = true;
      groups.push(Number(tail.bits >> 16n), Number(tail.bits & 0xffffn));
      continue;
    }
    if (!/^[0-9a-fA-F]+$/.test(part)) return undefined;
    const group = Number.parseInt(part, 16);
    if (group > 0xffff) return undefined;
    if (part.length > 4) sloppy = true;
    groups.push(group);
  }
  return { groups, sloppy };
}

const mappedPrefix = 0xffffn << 32n;

function parseV6(text: string): IpAddress | undefined {
  const gap = text.indexOf('::');
  const head = parseGroups(gap < 0 ? text : text.slice(0, gap), gap < 0);
  const tail = gap < 0 ? { groups: [], sloppy: false } : parseGroups(text.slice(gap + 2), true);
  if (!head || !tail) return undefined;
  const given = head.groups.length + tail.groups.length;
  if (gap < 0 ? given !== 8 : given > 7) return undefined;
  const groups = [...head.groups, ...new Array<number>(8 - given).fill(0), ...tail.groups];
  const bits = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
  const sloppy = head.sloppy || tail.sloppy;
  if (bits >> 32n === 0xffffn) return { family: 4, bits: bits - mappedPrefix, mapped: true, ...(sloppy ? { sloppy } : {}) };
  return { family: 6, bits, ...(sloppy ? { sloppy } : {}) };
}

/** Reads an address, leniently; undefined when it is none. Zones (`%eth0`) are none. */
export const parseIp = (text: string): IpAddress | undefined => (text.includes(':') ? parseV6(text) : parseV4(text));

/** Canonical text; an IPv4-mapped address becomes dotted IPv4. */
export function formatIp({ family, bits }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => Number((bits >> BigInt(112 - index * 16)) & 0xffffn));
  let start = -1;
  let length = 1;
  for (let index = 0; index < 8; index++) {
    let end = index;
    while (end < 8 && groups[end] === 0) end++;
    if (end - index > length) {
      start = index;
      length = end - index;
    }
    index = Math.max(index, end - 1);
  }
  const hex = groups.map((group) => group.toString(16));
  return start < 0 ? hex.join(':') : `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The address of a family with these bits. */
export const ipOf = (family: 4 | 6, bits: bigint): IpAddress => ({ family, bits });

const clearHostBits = (address: IpAddress, prefixLength: number): IpAddress => {
  const hostBits = BigInt(widthOf(address.family) - prefixLength);
  return { family: address.family, bits: (address.bits >> hostBits) << hostBits };
};

/** Reads `address/length`, leniently; undefined when it is no CIDR. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseIp(text.slice(0, slash));
  const written = text.slice(slash + 1);
  if (!address || !/^[0-9]+$/.test(written)) return undefined;
  const length = Number(written);
  if (length > (address.mapped ? 128 : widthOf(address.family))) return undefined;
  // Of a mapped address, the prefix counts from the start of the IPv6 form.
  const prefixLength = address.mapped ? Math.max(0, length - 96) : length;
  const sloppy = address.sloppy === true || (written.length > 1 && written[0] === '0');
  return { address, network: clearHostBits(address, prefixLength), prefixLength, sloppy };
}

/** Canonical text of the network, host bits cleared. */
export const formatCidr = (cidr: Cidr): string => `${formatIp(cidr.network)}/${cidr.prefixLength}`;

/** Whether the address lies in the network. */
export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  if (cidr.network.family !== address.family) return false;
  return clearHostBits(address, cidr.prefixLength).bits === cidr.network.bits;
}

/** Whether one of the two networks contains the other. */
export const cidrsOverlap = (a: Cidr, b: Cidr): boolean => cidrContains(a, b.network) || cidrContains(b, a.network);

/** How many addresses the network has. */
export const cidrSize = (cidr: Cidr): bigint => 1n << BigInt(widthOf(cidr.network.family) - cidr.prefixLength);

/** The address at `offset` from the network's first. */
export const ipAt = (cidr: Cidr, offset: bigint): IpAddress => ipOf(cidr.network.family, cidr.network.bits + offset);

/** The ranges of a flag: one, or one of each family, separated by commas. */
export const splitRanges = (list = ''): string[] =>
  list
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

export const isIPv4 = (text: string): boolean => parseIp(text)?.family === 4;
export const isIPv6 = (text: string): boolean => parseIp(text)?.family === 6;
export const isIPv4Cidr = (text: string): boolean => parseCidr(text)?.network.family === 4;
export const isIPv6Cidr = (text: string): boolean => parseCidr(text)?.network.family === 6;

/** What is wrong with an address in a field that existed before strict validation. */
export const validateLegacyIp = (value: string): string[] => (parseIp(value) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']);

/** What is wrong with an address in a new field: strict grammar, canonical form. */
export function validateIp(value: string): string[] {
  const address = parseIp(value);
  if (!address) return validateLegacyIp(value);
  const wrong: string[] = [];
  if (address.sloppy) wrong.push('must not have leading 0s');
  else if (address.mapped) wrong.push('must not be an IPv4-mapped IPv6 address');
  const canonical = formatIp(address);
  return wrong.length > 0 || canonical === value ? wrong : [`must be in canonical form ("${canonical}")`];
}

/** What is wrong with a CIDR in a field that existed before strict validation. */
export const validateLegacyCidr = (value: string): string[] => (parseCidr(value) ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']);

/** What is wrong with a CIDR in a new field: strict grammar, no host bits, canonical form. */
export function validateCidr(value: string): string[] {
  const cidr = parseCidr(value);
  if (!cidr) return validateLegacyCidr(value);
  if (cidr.sloppy) return ['must not have leading 0s in IP or prefix length'];
  if (cidr.address.mapped) return ['must not have an IPv4-mapped IPv6 address'];
  if (cidr.address.bits !== cidr.network.bits) return ['must not have bits set beyond the prefix length'];
  const canonical = formatCidr(cidr);
  return canonical === value ? [] : [`must be in canonical form ("${canonical}")`];
}

/** Text for `Warning:` headers about an address that is accepted but not in canonical form. */
export function warningsForIp(field: string, value: string): string[] {
  const address = parseIp(value);
  if (!address) return [];
  const canonical = formatIp(address);
  if (address.sloppy || address.mapped) return [`${field}: non-standard IP address "${value}" is invalid: use "${canonical}"`];
  if (address.family === 6 && canonical !== value) return [`${field}: IPv6 address "${value}" should be in RFC 5952 canonical format ("${canonical}")`];
  return [];
}

/** Text for `Warning:` headers about a CIDR that is accepted but ambiguous or not in canonical form. */
export function warningsForCidr(field: string, value: string): string[] {
  const cidr = parseCidr(value);
  if (!cidr) return [];
  const canonical = formatCidr(cidr);
  const warnings: string[] = [];
  if (cidr.address.bits !== cidr.network.bits) {
    const single = `${formatIp(cidr.address)}/${widthOf(cidr.network.family)}`;
    warnings.push(`${field}: CIDR value "${value}" is ambiguous in this context (should be "${canonical}" or "${single}"?)`);
  }
  if (cidr.sloppy || cidr.address.mapped) warnings.push(`${field}: non-standard CIDR value "${value}" is invalid: use "${canonical}"`);
  if (warnings.length === 0 && cidr.network.family === 6 && canonical !== value) {
    warnings.push(`${field}: IPv6 CIDR value "${value}" should be in RFC 5952 canonical format ("${canonical}")`);
  }
  return warnings;
}
