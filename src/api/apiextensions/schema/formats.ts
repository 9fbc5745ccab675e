/** Formats that a schema may ask for. Source: kube-openapi `validation/strfmt`, apiextensions `apiserver/validation`. */
import { parseCidr, parseIp } from '../../../apimachinery/ip.ts';
import { validateDnsLabel, validateDnsSubdomain } from '../../../apimachinery/names.ts';
import { own } from '../../../apimachinery/own.ts';
import type { JSONSchemaProps } from '../v1/types.gen.ts';

const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const uuidOf = (version: string) => new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}-?[0-9a-f]{12}$`, 'i');
const byPattern =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text);

const isbn10 = (text: string): boolean => {
  const digits = text.replaceAll(/[\s-]/g, '');
  return /^\d{9}[\dX]$/.test(digits) && [...digits].reduce((sum, digit, index) => sum + (digit === 'X' ? 10 : Number(digit)) * (10 - index), 0) % 11 === 0;
};
const isbn13 = (text: string): boolean => {
  const digits = text.replaceAll(/[\s-]/g, '');
  return /^\d{13}$/.test(digits) && [...digits].reduce((sum, digit, index) => sum + Number(digit) * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0;
};

/** As Go reads addresses: a leading zero makes it none. */
const isAddress = (text: string): boolean => {
  const address = parseIp(text);
  return address !== undefined && !address.sloppy;
};

/** By their names without dashes. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: byPattern(/^[0-9a-fA-F]{24}$/),
  datetime: (text) => dateTime.test(text) && !Number.isNaN(Date.parse(text)),
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)),
  duration: (text) => /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h|d|w)/.test(text) || /^\d+(?:\.\d+)?\s+\w+$/.test(text),
  byte: byPattern(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  email: byPattern(/^[^@\s]+@[^@\s]+$/),
  hostname: byPattern(/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\.?$/),
  ipv4: (text) => isAddress(text) && text.includes('.'),
  ipv6: (text) => isAddress(text) && text.includes(':'),
  cidr: (text) => parseCidr(text) !== undefined,
  mac: byPattern(/^(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$/),
  uuid: byPattern(uuidOf('[0-9a-f]{4}-?[0-9a-f]{4}')),
  uuid3: byPattern(uuidOf('3[0-9a-f]{3}-?[0-9a-f]{4}')),
  uuid4: byPattern(uuidOf('4[0-9a-f]{3}-?[89ab][0-9a-f]{3}')),
  uuid5: byPattern(uuidOf('5[0-9a-f]{3}-?[89ab][0-9a-f]{3}')),
  isbn: (text) => isbn10(text) || isbn13(text),
  isbn10,
  isbn13,
  creditcard: (text) =>
    /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/.test(
      text.replaceAll(/\D/g, ''),
    ),
  ssn: byPattern(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: byPattern(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: byPattern(/^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*(,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*){2}\)$/),
  password: () => true,
  uri: (text) => URL.canParse(text) || text.startsWith('/'),
  k8sshortname: (text) => validateDnsLabel(text).length === 0,
  k8slongname: (text) => validateDnsSubdomain(text).length === 0,
};

const numeric: Readonly<Record<string, readonly string[]>> = { integer: ['int32', 'int64'], number: ['float', 'double'] };

/** The format, unless it is none that counts for the type. */
export function knownFormat({ type, format, 'x-kubernetes-int-or-string': either }: JSONSchemaProps): string {
  if (!format) return '';
  if (either || !type || type === 'string') return Object.hasOwn(formats, format.replaceAll('-', '')) ? format : '';
  return own(numeric, type)?.includes(format) ? format : '';
}

/** Whether a text is of a format; of one that is none every text is. */
export const isOfFormat = (text: string, format: string): boolean => own(formats, format.replaceAll('-', ''))?.(text) ?? true;
