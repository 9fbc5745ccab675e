/** Validation of a value against an OpenAPI v3 schema, in the words of upstream's validator (kube-openapi `validation`). */
import { isIP } from 'node:net';
import { RE2JS } from 're2js';
import { deepEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, required, tooLong, tooMany, typeInvalid } from '../../../apimachinery/fieldpath.ts';
import { parseCidr } from '../../../apimachinery/ip.ts';
import type { JSONSchemaProps } from '../v1/types.gen.ts';
import { isSchema, itemsOf } from './struct.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** Above its field, the value's own place is empty: the root of the object. */
const at = (path: string): string => (path === '' ? '<nil>' : path);

const patterns = new Map<string, ReturnType<typeof RE2JS.compile> | undefined>();

function matches(pattern: string, text: string): boolean {
  if (!patterns.has(pattern)) {
    if (patterns.size > 5000) patterns.clear();
    try {
      patterns.set(pattern, RE2JS.compile(pattern));
    } catch {
      patterns.set(pattern, undefined);
    }
  }
  return patterns.get(pattern)?.matcher(text).find() ?? true;
}

const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => dateTime.test(text) && !Number.isNaN(Date.parse(text)),
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)),
  duration: (text) => /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h|d|w)/.test(text) || /^\d+(?:\.\d+)?\s+\w+$/.test(text),
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  hostname: (text) => /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\.?$/.test(text),
  ipv4: (text) => isIP(text) === 4,
  ipv6: (text) => isIP(text) === 6,
  cidr: (text) => parseCidr(text) !== undefined,
  mac: (text) => /^(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$/.test(text),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uri: (text) => URL.canParse(text) || text.startsWith('/'),
};

const integerRanges: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 };

/** All that is wrong, each with its path; `path` is the value's own, empty for the root. */
export function validateSchema(value: unknown, schema: JSONSchemaProps, path = ''): FieldError[] {
  const errors: FieldError[] = [];
  check(value, schema, path, errors);
  return errors;
}

function check(value: unknown, schema: JSONSchemaProps, path: string, errors: FieldError[]): void {
  if (value === null || value === undefined) {
    if (schema.nullable) return;
    if (schema.type !== undefined || schema['x-kubernetes-int-or-string']) {
      errors.push(typeInvalid(at(path), 'null', `${path} in body must be of type ${schema.type ?? 'integer'}: "null"`));
    }
    return;
  }
  if (!checkType(value, schema, path, errors)) return;
  checkEnum(value, schema, path, errors);
  if (typeof value === 'string') checkString(value, schema, path, errors);
  else if (typeof value === 'number') checkNumber(value, schema, path, errors);
  else if (Array.isArray(value)) checkArray(value, schema, path, errors);
  else if (isObject(value)) checkObject(value, schema, path, errors);
  checkLogic(value, schema, path, errors);
}

function checkType(value: unknown, schema: JSONSchemaProps, path: string, errors: FieldError[]): boolean {
  const found = typeName(value);
  if (schema['x-kubernetes-int-or-string']) {
    if (found === 'integer' || found === 'string') return true;
    errors.push(typeInvalid(at(path), value, `${path} in body must be of type integer,string: ${JSON.stringify(found)}`));
    return false;
  }
  const { type } = schema;
  if (type === undefined || type === '' || type === found || (type === 'number' && found === 'integer')) return true;
  errors.push(typeInvalid(at(path), found, `${path} in body must be of type ${type}: ${JSON.stringify(found)}`));
  return false;
}

function checkEnum(value: unknown, schema: JSONSchemaProps, path: string, errors: FieldError[]): void {
  if (!schema.enum || schema.enum.some((one) => deepEqual(one, value))) return;
  const allowed = schema.enum.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  errors.push(notSupported(at(path), value as string, allowed));
}

function checkString(value: string, schema: JSONSchemaProps, path: string, errors: FieldError[]): void {
  const length = schema.maxLength === undefined && schema.minLength === undefined ? 0 : [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) errors.push(tooLong(at(path), schema.maxLength));
  if (schema.minLength !== undefined && length < schema.minLength) {
    errors.push(invalidValue(at(path), value, `${path} in body should be at least ${schema.minLength} chars long`));
  }
  if (schema.pattern && !matches(schema.pattern, value)) errors.push(invalidValue(at(path), value, `${path} in body should match '${schema.pattern}'`));
  const format = schema.format === undefined ? undefined : formats[schema.format];
  if (format && !format(value)) errors.push(invalidValue(at(path), value, `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`));
}

function checkNumber(value: number, schema: JSONSchemaProps, path: string, errors: FieldError[]): void {
  const wrong = (text: string): void => void errors.push(invalidValue(at(path), value, `${path} in body should be ${text}`));
  const { maximum, minimum, multipleOf } = schema;
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum)) {
    wrong(`less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
  }
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum)) {
    wrong(`greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) wrong(`a multiple of ${multipleOf}`);
  const range = schema.type === 'integer' && schema.format ? integerRanges[schema.format] : undefined;
  if (range !== undefined && (value >= range || value < -range)) wrong(`of type integer with format ${schema.format}`);
}

function checkArray(value: unknown[], schema: JSONSchemaProps, path: string, errors: FieldError[]): void {
  const items = itemsOf(schema);
  if (items) for (const [index, item] of value.entries()) check(item, items, `${path}[${index}]`, errors);
  if (schema.maxItems !== undefined && value.length > schema.maxItems) errors.push(tooMany(at(path), value.length, schema.maxItems));
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    errors.push(invalidValue(at(path), value.length, `${path} in body should have at least ${schema.minItems} items`));
  }
  if (schema.uniqueItems && value.some((one, index) => value.findIndex((other) => deepEqual(one, other)) !== index)) {
    errors.push(invalidValue(at(path), value, `${path} in body shouldn't contain duplicates`));
  }
}

const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

function checkObject(value: Json, schema: JSONSchemaProps, path: string, errors: FieldError[]): void {
  const names = Object.keys(value);
  if (schema.maxProperties !== undefined && names.length > schema.maxProperties) errors.push(tooMany(at(path), names.length, schema.maxProperties));
  if (schema.minProperties !== undefined && names.length < schema.minProperties) {
    errors.push(invalidValue(at(path), names.length, `${path} in body should have at least ${schema.minProperties} properties`));
  }
  for (const name of schema.required ?? []) if (value[name] === undefined) errors.push(required(child(path, name)));
  for (const name of names) {
    const property = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (property) check(value[name], property, child(path, name), errors);
    else if (isSchema(schema.additionalProperties)) check(value[name], schema.additionalProperties, child(path, name), errors);
    else if (schema.additionalProperties === false && schema.properties) {
      errors.push(invalidValue(at(path), name, `${child(path, name)} in body is a forbidden property`));
    }
  }
}

function checkLogic(value: unknown, schema: JSONSchemaProps, path: string, errors: FieldError[]): void {
  const errorsOf = (one: JSONSchemaProps): FieldError[] => validateSchema(value, one, path);
  const wrong = (text: string): void => void errors.push(invalidValue(at(path), '', `${JSON.stringify(path)} must ${text}`));
  for (const one of schema.allOf ?? []) {
    const found = errorsOf(one);
    errors.push(...found);
    if (found.length > 0) wrong('validate all the schemas (allOf)');
  }
  if (schema.anyOf?.length) {
    const all = schema.anyOf.map(errorsOf);
    if (all.every((found) => found.length > 0)) {
      wrong('validate at least one schema (anyOf)');
      errors.push(...(all.toSorted((a, b) => a.length - b.length)[0] as FieldError[]));
    }
  }
  if (schema.oneOf?.length) {
    const all = schema.oneOf.map(errorsOf);
    const valid = all.filter((found) => found.length === 0).length;
    if (valid !== 1) wrong(`validate one and only one schema (oneOf). ${valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`}`);
    if (valid === 0) errors.push(...(all.toSorted((a, b) => a.length - b.length)[0] as FieldError[]));
  }
  if (schema.not && errorsOf(schema.not).length === 0) wrong('not validate the schema (not)');
}
