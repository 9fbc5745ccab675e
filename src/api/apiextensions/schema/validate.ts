/** Validation of a value against an OpenAPI v3 schema, in the words and the order of upstream's validator (kube-openapi `validation`). */
import { RE2JS } from 're2js';
import { deepEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupportedInOrder, quote, required, tooLong, tooMany, typeInvalid } from '../../../apimachinery/fieldpath.ts';
import { own } from '../../../apimachinery/own.ts';
import type { JSONSchemaProps } from '../v1/types.gen.ts';
import { isOfFormat, knownFormat } from './formats.ts';
import { isSchema, itemsOf } from './struct.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What was found, and how much of the schema fitted: of several that don't, the best match is what is reported. */
class Result {
  readonly errors: FieldError[] = [];
  readonly #reported = new Set<string>();
  matches = 0;

  add(error: FieldError): void {
    const text = error.message();
    if (this.#reported.has(text)) return;
    this.#reported.add(text);
    this.errors.push(error);
  }

  merge(other: Result): void {
    for (const error of other.errors) this.add(error);
    this.matches += other.matches;
  }

  get valid(): boolean {
    return this.errors.length === 0;
  }
}

/** Names and formats of types as upstream's decoder sees them. */
function typeOf(value: unknown): readonly [type: string, format: string] {
  if (Array.isArray(value)) return ['array', ''];
  if (typeof value === 'number') return Number.isInteger(value) ? ['integer', 'int64'] : ['number', 'float64'];
  return [typeof value, ''];
}

/** Above its field, the value's own place is empty: the root of the object. */
const at = (path: string): string => (path === '' ? '<nil>' : path.replace(/^\./, ''));

const wrongType = (path: string, wanted: string, found: string): FieldError =>
  typeInvalid(at(path), found, `${path} in body must be of type ${wanted}: ${quote(found)}`);

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

/** All that is wrong, each with its path; `path` is the value's own, empty for the root. */
export const validateSchema = (value: unknown, schema: JSONSchemaProps, path = ''): FieldError[] => check(value, schema, path).errors;

function check(value: unknown, schema: JSONSchemaProps, path: string): Result {
  const result = new Result();
  const types = schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : schema.type ? [schema.type] : [];
  if (value === null || value === undefined) {
    result.matches++;
    if (types.length > 0 && !schema.nullable) result.add(wrongType(path, types.join(','), 'null'));
    checkEnum(value, schema, path, result);
    return result;
  }
  const format = knownFormat(schema);
  if (types.length > 0 || format !== '') {
    checkType(value, types, format, path, result);
    result.matches++;
  }
  checkLogic(value, schema, path, result);
  if (typeof value === 'string') checkString(value, schema, format, path, result);
  else if (typeof value === 'number') checkNumber(value, schema, format, path, result);
  else if (Array.isArray(value)) checkArray(value, schema, path, result);
  checkEnum(value, schema, path, result);
  result.matches++;
  if (isObject(value)) checkObject(value, schema, path, result);
  result.matches++;
  return result;
}

function checkType(value: unknown, types: readonly string[], format: string, path: string, result: Result): void {
  const [type, ownFormat] = typeOf(value);
  const numeric = types.includes('number') || types.includes('integer');
  const fits = types.includes(type) || (type === 'integer' && types.includes('number'));
  const sequence = typeof value === 'string' || Array.isArray(value);
  if (!sequence && format !== '' && !fits && format !== ownFormat) result.add(wrongType(path, format, ownFormat));
  else if (!(sequence && format !== '' && !numeric) && !fits) result.add(wrongType(path, types.join(','), type));
  else result.matches++;
}

function checkEnum(value: unknown, schema: JSONSchemaProps, path: string, result: Result): void {
  if (!schema.enum?.length || (value !== null && value !== undefined && schema.enum.some((one) => deepEqual(one, value)))) return;
  const allowed = schema.enum.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  result.add(notSupportedInOrder(at(path), value as string, allowed));
}

function checkString(value: string, schema: JSONSchemaProps, format: string, path: string, result: Result): void {
  const length = schema.maxLength === undefined && schema.minLength === undefined ? 0 : [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) result.add(tooLong(at(path), schema.maxLength));
  else if (schema.minLength !== undefined && length < schema.minLength) {
    result.add(invalidValue(at(path), value, `${path} in body should be at least ${schema.minLength} chars long`));
  } else if (schema.pattern && !matches(schema.pattern, value)) {
    result.add(invalidValue(at(path), value, `${path} in body should match '${schema.pattern}'`));
  }
  result.matches++;
  if (format === '') return;
  if (!isOfFormat(value, format)) result.add(typeInvalid(at(path), value, `${path} in body must be of type ${format}: ${quote(value)}`));
  result.matches++;
}

/** Upstream divides integers by the integral part of the factor. */
function checkMultiple(value: number, multipleOf: number, path: string, result: Result): void {
  const factor = Number.isInteger(value) ? Math.trunc(multipleOf) : multipleOf;
  if (factor <= 0) result.add(invalidValue(at(path), factor, `factor MultipleOf declared for ${path} must be positive: ${factor}`));
  else if (!Number.isInteger(value / factor)) result.add(invalidValue(at(path), value, `${path} in body should be a multiple of ${factor}`));
}

const integerRanges: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 };

function checkNumber(value: number, schema: JSONSchemaProps, format: string, path: string, result: Result): void {
  const wrong = (text: string): void => result.add(invalidValue(at(path), value, `${path} in body should be ${text}`));
  const { maximum, minimum, multipleOf, type } = schema;
  const range = type === 'integer' ? (own(integerRanges, format) ?? 2 ** 63) : undefined;
  if (range !== undefined && (value >= range || value < -range || !Number.isInteger(value))) {
    const of = format === '' ? '(default format)' : `with format ${format}`;
    result.add(invalidValue('<nil>', '', `Checked value must be of type ${type} ${of} in ${path}`));
  }
  if (multipleOf !== undefined) checkMultiple(value, multipleOf, path, result);
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum)) {
    wrong(`greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
  }
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum)) {
    wrong(`less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
  }
  result.matches += 2;
}

function checkArray(value: unknown[], schema: JSONSchemaProps, path: string, result: Result): void {
  const items = itemsOf(schema);
  if (items) for (const [index, item] of value.entries()) result.merge(check(item, items, `${path}[${index}]`));
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    result.add(invalidValue(at(path), value.length, `${path} in body should have at least ${schema.minItems} items`));
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) result.add(tooMany(at(path), value.length, schema.maxItems));
  if (schema.uniqueItems && value.some((one, index) => value.findIndex((other) => deepEqual(one, other)) !== index)) {
    result.add(invalidValue(at(path), '', `${path} in body shouldn't contain duplicates`));
  }
  result.matches += 2;
}

/** Of a declared property; any other's path begins with a dot at the root, which is dropped for the field alone. */
const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

function checkObject(value: Json, schema: JSONSchemaProps, path: string, result: Result): void {
  const names = Object.keys(value);
  if (schema.minProperties !== undefined && names.length < schema.minProperties) {
    result.add(invalidValue(at(path), names.length, `${path} in body should have at least ${schema.minProperties} properties`));
  }
  if (schema.maxProperties !== undefined && names.length > schema.maxProperties) result.add(tooMany(at(path), names.length, schema.maxProperties));
  const { properties = {}, additionalProperties } = schema;
  for (const name of names) {
    if (Object.hasOwn(properties, name)) continue;
    if (additionalProperties === false) result.add(invalidValue(at(path), name, `${path}.${name} in body is a forbidden property`));
    else if (isSchema(additionalProperties)) result.merge(check(value[name], additionalProperties, `${path}.${name}`));
  }
  for (const [name, property] of Object.entries(properties)) {
    {
      const given = own(value, name);
      if (given !== undefined) result.merge(check(given, property, child(path, name)));
    }
  }
  for (const name of schema.required ?? []) if (own(value, name) === undefined) result.add(required(at(`${path}.${name}`)));
  result.matches++;
}

/** The result that fits best; of equals the first. */
const best = (results: readonly Result[]): Result => results.reduce((one, other) => (other.matches > one.matches ? other : one));

/** These are about the whole, so upstream reports them at its root. */
function checkLogic(value: unknown, schema: JSONSchemaProps, path: string, result: Result): void {
  const wrong = (text: string): void => result.add(invalidValue('<nil>', '', `${quote(path)} must ${text}`));
  const all = (schemas: readonly JSONSchemaProps[]): Result[] => schemas.map((one) => check(value, one, path));
  if (schema.anyOf?.length) {
    const results = all(schema.anyOf);
    const fitting = results.find((one) => one.valid);
    if (!fitting) wrong('validate at least one schema (anyOf)');
    result.merge(fitting ?? best(results));
  }
  if (schema.oneOf?.length) {
    const results = all(schema.oneOf);
    const fitting = results.filter((one) => one.valid);
    if (fitting.length !== 1) {
      wrong(`validate one and only one schema (oneOf). ${fitting.length === 0 ? 'Found none valid' : `Found ${fitting.length} valid alternatives`}`);
    }
    if (fitting.length <= 1) result.merge(fitting[0] ?? best(results));
  }
  if (schema.allOf?.length) {
    const results = all(schema.allOf);
    for (const one of results) result.merge(one);
    if (results.some((one) => !one.valid)) wrong(`validate all the schemas (allOf)${results.some((one) => one.valid) ? '' : '. None validated'}`);
  }
  if (schema.not && check(value, schema.not, path).valid) wrong('not validate the schema (not)');
  result.matches += 2;
}
