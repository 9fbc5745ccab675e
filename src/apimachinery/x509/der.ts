/**
 * ASN.1 DER, as much of it as X.509 certificates and PKCS#10 requests need (ITU-T X.690).
 * A general ASN.1 library takes longer to load than a whole cluster's certificates take to make.
 */

/** One decoded element. `tag` is the identifier octet; `content` and `raw` are views into the input. */
export interface DerElement {
  tag: number;
  content: Buffer;
  /** Identifier, length and content. */
  raw: Buffer;
}

function lengthOf(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size]);
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const element = (tag: number, ...content: Uint8Array[]): Buffer => {
  const size = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([tag]), lengthOf(size), ...content]);
};

export const sequence = (...parts: Uint8Array[]): Buffer => element(0x30, ...parts);
export const set = (...parts: Uint8Array[]): Buffer => element(0x31, ...parts);
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]));
export const nothing = (): Buffer => element(0x05);
export const octetString = (bytes: Uint8Array): Buffer => element(0x04, bytes);
export const bitString = (bytes: Uint8Array, unusedBits = 0): Buffer => element(0x03, Buffer.from([unusedBits]), bytes);
export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text, 'utf8'));
/** Context-specific; `constructed` where the content is itself DER. */
export const context = (number: number, constructed: boolean, ...parts: Uint8Array[]): Buffer => element(0x80 | (constructed ? 0x20 : 0) | number, ...parts);

/** A non-negative integer from its big-endian bytes. */
export function unsignedInteger(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  return (trimmed[0] ?? 0) & 0x80 ? element(0x02, Buffer.from([0]), trimmed) : element(0x02, trimmed);
}

export function objectIdentifier(dotted: string): Buffer {
  const arcs = dotted.split('.').map(Number);
  const bytes: number[] = [(arcs[0] ?? 0) * 40 + (arcs[1] ?? 0)];
  for (const arc of arcs.slice(2)) {
    const base128 = [arc & 0x7f];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) base128.unshift((rest & 0x7f) | 0x80);
    bytes.push(...base128);
  }
  return element(0x06, Buffer.from(bytes));
}

/** UTCTime before 2050, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return date.getUTCFullYear() < 2050 ? element(0x17, Buffer.from(`${digits.slice(2)}Z`)) : element(0x18, Buffer.from(`${digits}Z`));
}

/** Decodes the element at `offset`; throws a `RangeError` when the input is cut short or not DER. */
export function decode(input: Buffer, offset = 0): DerElement {
  const tag = input[offset];
  let size = input[offset + 1];
  if (tag === undefined || size === undefined) throw new RangeError('asn1: syntax error: data truncated');
  let start = offset + 2;
  if (size & 0x80) {
    const count = size & 0x7f;
    if (count === 0 || count > 4 || start + count > input.length) throw new RangeError('asn1: structure error: bad length');
    size = input.readUIntBE(start, count);
    start += count;
  }
  if (start + size > input.length) throw new RangeError('asn1: syntax error: data truncated');
  return { tag, content: input.subarray(start, start + size), raw: input.subarray(offset, start + size) };
}

/** The elements that stand one after the other in a constructed element. */
export function children(content: Buffer): DerElement[] {
  const found: DerElement[] = [];
  for (let offset = 0; offset < content.length; ) {
    const one = decode(content, offset);
    found.push(one);
    offset += one.raw.length;
  }
  return found;
}

export function decodeObjectIdentifier(content: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (arcs.length === 0) arcs.push(Math.min(Math.floor(arc / 40), 2), arc - 40 * Math.min(Math.floor(arc / 40), 2));
    else arcs.push(arc);
    arc = 0;
  }
  return arcs.join('.');
}

/** Any of the string types that stand in names: BMPString is UTF-16, the others are read as UTF-8. */
export const decodeString = ({ tag, content }: DerElement): string =>
  tag === 0x1e ? Buffer.from(content).swap16().toString('utf16le') : content.toString(tag === 0x14 ? 'latin1' : 'utf8');

/** The blocks of a PEM text with that label, as DER; an empty label takes every block. */
export function decodePem(text: string, label = ''): { label: string; der: Buffer }[] {
  const blocks: { label: string; der: Buffer }[] = [];
  for (const match of text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----\r?\n([\s\S]*?)-----END \1-----/g)) {
    // Headers ("Proc-Type: …") end at an empty line; the rest is base64.
    const body = (match[2] ?? '').replace(/^(?:[\w-]+:.*\r?\n)+\r?\n?/, '');
    if (label === '' || match[1] === label) blocks.push({ label: match[1] ?? '', der: Buffer.from(body, 'base64') });
  }
  return blocks;
}

export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der).toString('base64');
  return `-----BEGIN ${label}-----\n${base64.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END ${label}-----\n`;
}
