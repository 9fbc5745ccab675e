/** Checks that validation of many kinds shares. Source: apimachinery `api/validation`, `meta/v1/validation`. */
import { semanticEqual } from '../equality.ts';
import type { FieldError, FieldPath } from '../fieldpath.ts';
import { duplicate, invalidValue, notSupported, notSupportedInOrder, required, tooLong } from '../fieldpath.ts';
import * as ip from '../ip.ts';
import {
  patternError,
  validateDnsLabel,
  validateDnsSubdomain,
  validatePercent,
  validatePortName,
  validatePortNumber,
  validateQualifiedName,
} from '../names.ts';
import { compareQuantities, formatQuantity, parseQuantity } from '../quantity.ts';

export const immutableMessage = 'field is immutable';
const negativeMessage = 'must be greater than or equal to 0';
export const notPositiveMessage = 'must be greater than 0';

/** Every message of a check on a string, as errors of the field. */
export const checked = <V>(value: V, path: FieldPath, messages: readonly string[]): FieldError[] =>
  messages.map((message) => invalidValue(path, value, message));

/** The field must be what it was. An empty list is the same as none. `shown` is the value as the error has it. */
export const validateImmutable = (value: unknown, old: unknown, path: FieldPath, shown: (value: never) => unknown = (same) => same): FieldError[] =>
  semanticEqual(value, old) ? [] : [invalidValue(path, shown(value as never), immutableMessage)];

export const validateNonNegative = (value: number | undefined, path: FieldPath): FieldError[] =>
  value !== undefined && value < 0 ? [invalidValue(path, value, negativeMessage)] : [];

export const validateNonNegativeQuantity = (value: string, path: FieldPath): FieldError[] =>
  compareQuantities(value, '0') < 0 ? [invalidValue(path, formatQuantity(parseQuantity(value)), negativeMessage)] : [];

export const validateDnsLabelField = (value: string, path: FieldPath): FieldError[] => checked(value, path, validateDnsLabel(value));
export const validateDnsSubdomainField = (value: string, path: FieldPath): FieldError[] => checked(value, path, validateDnsSubdomain(value));
export const validateQualifiedNameField = (value: string, path: FieldPath): FieldError[] => checked(value, path, validateQualifiedName(value));

/** The key of a label. */
export const validateLabelName = validateQualifiedNameField;

/** One of the values of an enumerated field; with an empty value the field is required. */
export function validateEnum(value: string | undefined, supported: readonly string[], path: FieldPath): FieldError[] {
  if (value === undefined || value === '') return [required(path)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

/** As {@link validateEnum}, but empty is a value that is not supported. */
export function validateGiven(value: string | undefined, supported: readonly string[], path: FieldPath): FieldError[] {
  if (value === undefined) return [required(path)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

/** As {@link validateEnum}, with the values listed as given. */
export function validateEnumInOrder(value: string | undefined, supported: readonly string[], path: FieldPath): FieldError[] {
  if (value === undefined || value === '') return [required(path)];
  return supported.includes(value) ? [] : [notSupportedInOrder(path, value, supported)];
}

export const validatePort = (port: number, path: FieldPath): FieldError[] => checked(port, path, validatePortNumber(port));

/** A port by number, or by the name of a container's port. */
export const validatePortOrName = (port: number | string, path: FieldPath): FieldError[] =>
  checked(port, path, typeof port === 'number' ? validatePortNumber(port) : validatePortName(port));

/** A number that is not negative, or a percentage. */
export const validateIntOrPercent = (value: number | string, path: FieldPath): FieldError[] =>
  typeof value === 'number' ? validateNonNegative(value, path) : checked(value, path, validatePercent(value));

/** A percentage above 100 makes no sense here; plain numbers pass. */
export const validateAtMost100Percent = (value: number | string, path: FieldPath): FieldError[] =>
  typeof value === 'string' && validatePercent(value).length === 0 && Number(value.slice(0, -1)) > 100
    ? [invalidValue(path, value, 'must not be greater than 100%')]
    : [];

/** An address in a field that is older than strict validation; what stood there before stays valid. */
export const validateLegacyIpField = (value: string, path: FieldPath, strict = true, old: readonly string[] = []): FieldError[] => {
  if (old.includes(value)) return [];
  const wrong = ip.validateLegacyIp(value);
  if (wrong.length > 0 || !strict) return checked(value, path, wrong);
  const { sloppy, mapped } = ip.parseIp(value)!;
  if (sloppy) return checked(value, path, ['must not have leading 0s']);
  return checked(value, path, mapped ? ['must not be an IPv4-mapped IPv6 address'] : []);
};

/** A network in a field that is older than strict validation; what stood there before stays valid. */
export const validateLegacyCidrField = (value: string, path: FieldPath, strict = true, old: readonly string[] = []): FieldError[] => {
  if (old.includes(value)) return [];
  const wrong = strict ? ip.validateCidr(value).filter((message) => !message.startsWith('must be in canonical form')) : ip.validateLegacyCidr(value);
  return checked(value, path, wrong);
};

export const validateIpField = (value: string, path: FieldPath): FieldError[] => checked(value, path, ip.validateIp(value));
export const validateCidrField = (value: string, path: FieldPath): FieldError[] => checked(value, path, ip.validateCidr(value));

/** At least three labels, without a trailing dot. */
export function validateFullyQualifiedName(name: string, path: FieldPath): FieldError[] {
  if (name === '') return [required(path)];
  const wrong = validateDnsSubdomain(name);
  if (wrong.length > 0) return [invalidValue(path, name, wrong.join(','))];
  return name.split('.').length < 3 ? [invalidValue(path, name, 'should be a domain with at least three segments separated by dots')] : [];
}

/** At least two labels; a trailing dot may stand. */
export function validateFullyQualifiedDomainName(name: string, path: FieldPath): FieldError[] {
  if (name === '') return [required(path)];
  const domain = name.endsWith('.') ? name.slice(0, -1) : name;
  const wrong = validateDnsSubdomain(domain);
  if (wrong.length > 0) return [invalidValue(path, domain, wrong.join(','))];
  const labels = domain.split('.');
  if (labels.length < 2) return [invalidValue(path, domain, 'should be a domain with at least two segments separated by dots')];
  const bad = labels.find((label) => validateDnsLabel(label).length > 0);
  return bad === undefined ? [] : [invalidValue(path, bad, validateDnsLabel(bad).join(','))];
}

const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const httpPathPattern = new RegExp(`^${httpPath}$`);

/** `acme.io/foo`: a subdomain, a slash, an HTTP path. */
export function validateDomainPrefixedPath(text: string, path: FieldPath): FieldError[] {
  if (text === '') return [required(path)];
  const slash = text.indexOf('/');
  const host = text.slice(0, Math.max(slash, 0));
  const rest = text.slice(slash + 1);
  if (host === '' || rest === '') return [invalidValue(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const errors = validateDnsSubdomainField(host, path);
  if (!httpPathPattern.test(rest)) errors.push(invalidValue(path, rest, patternError('Invalid path', httpPath)));
  return errors;
}

/** `acme.io/foo`: a label key with a prefix. */
export function validateDomainPrefixedKey(key: string, path: FieldPath): FieldError[] {
  if (key === '') return [required(path)];
  const errors = validateQualifiedNameField(key, path);
  if (errors.length > 0 || key.includes('/')) return errors;
  return [invalidValue(path, key, 'must be a domain-prefixed key (such as "acme.io/foo")')];
}

/** `metav1.Condition`, as far as its check reads it. */
export interface ConditionLike {
  type: string;
  status: string;
  observedGeneration?: number;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

const conditionReason = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const conditionReasonPattern = new RegExp(`^${conditionReason}$`);
const conditionReasonMessage = patternError(
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  conditionReason,
  'my_name',
  'MY_NAME',
  'MyName',
  'ReasonA,ReasonB',
  'ReasonA:ReasonB',
);

function validateCondition(condition: ConditionLike, path: FieldPath): FieldError[] {
  const errors = validateLabelName(condition.type ?? '', path.child('type'));
  if (!['True', 'False', 'Unknown'].includes(condition.status)) {
    errors.push(notSupported(path.child('status'), condition.status ?? '', ['False', 'True', 'Unknown']));
  }
  if ((condition.observedGeneration ?? 0) < 0) {
    errors.push(invalidValue(path.child('observedGeneration'), condition.observedGeneration, 'must be greater than or equal to zero'));
  }
  if (!condition.lastTransitionTime) errors.push(required(path.child('lastTransitionTime')));
  const { reason = '', message = '' } = condition;
  if (reason === '') {
    errors.push(required(path.child('reason')));
  } else {
    if (!conditionReasonPattern.test(reason)) errors.push(invalidValue(path.child('reason'), reason, conditionReasonMessage));
    if (Buffer.byteLength(reason) > 1024) errors.push(tooLong(path.child('reason'), 1024));
  }
  if (Buffer.byteLength(message) > 32 * 1024) errors.push(tooLong(path.child('message'), 32 * 1024));
  return errors;
}

/** `status.conditions` of the kinds that use `metav1.Condition`. */
export function validateConditions(conditions: readonly ConditionLike[] | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, condition] of (conditions ?? []).entries()) {
    if (seen.has(condition.type)) errors.push(duplicate(path.index(index).child('type'), condition.type));
    seen.add(condition.type);
    errors.push(...validateCondition(condition, path.index(index)));
  }
  return errors;
}

/** A name that must be there and be a DNS subdomain: references to objects. */
export const validateReferenceName = (name: string | undefined, path: FieldPath): FieldError[] =>
  name ? validateDnsSubdomainField(name, path) : [required(path)];
