/** The names of drivers, pools, requests and attributes. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, required, tooLong } from '../../../../apimachinery/fieldpath.ts';
import { validateCIdentifier } from '../../../../apimachinery/names.ts';
import { checked, validateDnsLabelField, validateDnsSubdomainField } from '../../../../apimachinery/validation/common.ts';
import { validateCsiDriverName } from '../../../core/v1/podtemplate/validation/networkdisks.ts';
import type { DeviceClaim } from '../types.gen.ts';

const maxPoolName = 253;
const maxIdentifier = 32;
/** A domain, a slash, an identifier. */
export const maxQualifiedName = 63 + 1 + maxIdentifier;

export const validateDriverName = (name: string | undefined, at: FieldPath): FieldError[] => validateCsiDriverName(name, at);

export const validateClassName = (name: string | undefined, at: FieldPath): FieldError[] => (name ? validateDnsSubdomainField(name, at) : [required(at)]);

/** Subdomains with slashes between them. */
export function validatePoolName(name: string | undefined, at: FieldPath): FieldError[] {
  if (!name) return [required(at)];
  const errors = Buffer.byteLength(name) > maxPoolName ? [tooLong(at, maxPoolName)] : [];
  return [...errors, ...name.split('/').flatMap((part) => validateDnsSubdomainField(part, at))];
}

export function validateIdentifier(id: string, at: FieldPath): FieldError[] {
  const errors = Buffer.byteLength(id) > maxIdentifier ? [tooLong(at, maxIdentifier)] : [];
  return [...errors, ...checked(id, at, validateCIdentifier(id))];
}

/** An identifier; the domain before it may be left out. */
export function validateQualifiedName(name: string, at: FieldPath): FieldError[] {
  const parts = name.split('/');
  if (parts.length === 1) return validateIdentifier(name, at);
  if (parts.length > 2) return [];
  const [domain, id] = parts as [string, string];
  return [
    ...(domain === '' ? [invalidValue(at, '', 'the domain must not be empty')] : validateDriverName(domain, at)),
    ...(id === '' ? [invalidValue(at, '', 'the name must not be empty')] : validateIdentifier(id, at)),
  ];
}

export function validateFullyQualifiedName(name: string, at: FieldPath): FieldError[] {
  const errors = validateQualifiedName(name, at);
  if (!name.includes('/')) errors.push(invalidValue(at, name, 'a fully qualified name must be a domain and a name separated by a slash'));
  return errors;
}

const uidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const uidRule = 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters';

export const validateUid = (uid: string | undefined, at: FieldPath): FieldError[] =>
  uid === undefined || uidPattern.test(uid) ? [] : [invalidValue(at, uid, uidRule)];

/** What a claim's requests and their alternatives are called: `request` or `request/alternative`. */
export type RequestNames = ReadonlySet<string>;

export const requestNames = ({ requests = [] }: DeviceClaim): RequestNames =>
  new Set(requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((alternative) => `${name}/${alternative.name}`)]));

const referenceRule = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

export const validateRequestReference =
  (names: RequestNames) =>
  (name: string, at: FieldPath): FieldError[] => {
    const parts = name.split('/');
    if (parts.length > 2) return [invalidValue(at, name, referenceRule)];
    const errors = parts.flatMap((part) => validateDnsLabelField(part, at));
    return names.has(name) ? errors : [...errors, invalidValue(at, name, referenceRule)];
  };
