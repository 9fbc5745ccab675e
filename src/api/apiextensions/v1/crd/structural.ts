/** Whether a schema is structural: every value has a type, so that it can be pruned and defaulted. Source of the rules: KEP-95, apiextensions `schema`. */
import { RE2JS } from 're2js';
import { deepEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, required } from '../../../../apimachinery/fieldpath.ts';
import { own } from '../../../../apimachinery/own.ts';
import type { JSONSchemaProps } from '../types.gen.ts';
import { isSchema, itemsOf, valuesOf } from './rules/sizes.ts';

type Level = 'root' | 'item' | 'field';

const filled = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length > 0;

/** What no structural schema can hold, as upstream says it when nothing else is wrong; the first of them. */
export function unsupportedField(schema: JSONSchemaProps): string | undefined {
  const found = (['id', '$schema', '$ref'] as const).find((name) => schema[name]);
  if (found) return `OpenAPIV3Schema '${found === '$schema' ? 'schema' : found}' is not supported`;
  const maps = (['patternProperties', 'dependencies', 'additionalItems', 'definitions'] as const).find((name) =>
    name === 'additionalItems' ? schema[name] !== undefined : filled(schema[name]),
  );
  if (maps) return `OpenAPIV3Schema '${maps}' is not supported`;
  const nested = [schema.not ? [schema.not] : [], schema.allOf ?? [], schema.anyOf ?? [], schema.oneOf ?? []].flat();
  for (const one of nested) {
    const inner = unsupportedField(one);
    if (inner) return inner;
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  if (Array.isArray(schema.items)) return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  for (const one of [itemsOf(schema), ...Object.values(schema.properties ?? {}), valuesOf(schema)]) {
    const inner = one && unsupportedField(one);
    if (inner) return inner;
  }
  return undefined;
}

/** `at` is the place of the root schema, of which {@link unsupportedField} finds nothing. */
export function validateStructural(schema: JSONSchemaProps, at: FieldPath): FieldError[] {
  const errors = [...invariants(schema, 'root', at), ...nestedCompleteness(schema, schema, at, at)];
  return errors.sort((a, b) => (a.message() < b.message() ? -1 : a.message() > b.message() ? 1 : 0));
}

const untyped: Record<Level, string> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function invariants(schema: JSONSchemaProps, level: Level, at: FieldPath): FieldError[] {
  const { type = '', properties = {}, additionalProperties } = schema;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const [items, values] = [itemsOf(schema), valuesOf(schema)];
  const errors: FieldError[] = [];
  if (type === 'array' && !items) errors.push(required(at.child('items'), 'must be specified'));
  if (items) errors.push(...invariants(items, 'item', at.child('items')));
  for (const [name, inner] of Object.entries(properties)) errors.push(...invariants(inner, 'field', at.child('properties').key(name)));
  if (additionalProperties !== undefined && level === 'root') errors.push(forbiddenField(at.child('additionalProperties'), 'must not be used at the root'));
  if (values) errors.push(...invariants(values, 'field', at.child('additionalProperties')));
  if (intOrString && preserves) {
    errors.push(invalidValue(at.child('x-kubernetes-preserve-unknown-fields'), true, 'must be false if x-kubernetes-int-or-string is true'));
  }
  if (intOrString && embedded) {
    errors.push(invalidValue(at.child('x-kubernetes-embedded-resource'), true, 'must be false if x-kubernetes-int-or-string is true'));
  }
  errors.push(...valueValidation(schema, at));
  const typeAt = at.child('type');
  if (embedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(typeAt, detail) : invalidValue(typeAt, type, detail));
  } else if (type === '' && !intOrString && !preserves) errors.push(required(typeAt, untyped[level]));
  if (embedded && additionalProperties !== undefined) {
    errors.push(forbiddenField(at.child('additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set'));
  }
  if (level === 'root' && type !== '' && type !== 'object') errors.push(invalidValue(typeAt, type, 'must be object at the root'));
  errors.push(...metadataInvariants(properties, level === 'root' || embedded, level === 'root', at.child('properties')));
  if (embedded && !preserves && Object.keys(properties).length === 0) {
    const detail = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(required(at.child('properties'), detail));
  }
  return errors;
}

function metadataInvariants(properties: Record<string, JSONSchemaProps>, typed: boolean, root: boolean, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['kind', 'apiVersion']) {
    const type = properties[name]?.type ?? '';
    if (typed && properties[name] && type !== 'string') errors.push(invalidValue(at.key(name).child('type'), type, 'must be string'));
  }
  const { metadata } = properties;
  if (!metadata) return errors;
  if (typed && metadata.type !== 'object') errors.push(invalidValue(at.key('metadata').child('type'), metadata.type ?? '', 'must be object'));
  if (!root) return errors;
  const { type: _, default: __, properties: known = {}, ...rest } = metadata;
  const others = Object.keys(known).some((name) => name !== 'name' && name !== 'generateName') || Object.values(rest).some((value) => value !== undefined);
  if (others) {
    errors.push(forbiddenField(at.key('metadata'), 'must not specify anything other than name and generateName, but metadata is implicitly specified'));
  }
  return errors;
}

const eitherType: readonly JSONSchemaProps[] = [{ type: 'integer' }, { type: 'string' }];
const isEither = (schemas: readonly JSONSchemaProps[] | undefined): boolean => schemas !== undefined && deepEqual(schemas, eitherType);

/** Types stand nowhere below, but for the one way to say that an integer and a string will do. */
function valueValidation(schema: JSONSchemaProps, at: FieldPath, nested = false, first = false): FieldError[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  const errors: FieldError[] = [];
  const skipped = nested ? first : isEither(anyOf);
  if (!skipped) for (const [index, one] of anyOf.entries()) errors.push(...nestedValidation(one, at.child('anyOf').index(index)));
  const firstIsEither = !nested && isEither(allOf[0]?.anyOf);
  for (const [index, one] of allOf.entries()) errors.push(...nestedValidation(one, at.child('allOf').index(index), firstIsEither && index === 0));
  for (const [index, one] of oneOf.entries()) errors.push(...nestedValidation(one, at.child('oneOf').index(index)));
  if (not) errors.push(...nestedValidation(not, at.child('not')));
  const wrong = pattern ? patternError(pattern) : undefined;
  if (wrong !== undefined) errors.push(invalidValue(at.child('pattern'), pattern, `must be a valid regular expression, but isn't: ${wrong}`));
  return errors;
}

function patternError(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const forbiddenBelow: readonly (readonly [name: keyof JSONSchemaProps & string, detail: string])[] = [
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

const isSet = (value: unknown): boolean => value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0);

function nestedValidation(schema: JSONSchemaProps, at: FieldPath, first = false): FieldError[] {
  const errors = valueValidation(schema, at, true, first);
  const items = itemsOf(schema);
  if (items) errors.push(...nestedValidation(items, at.child('items')));
  for (const [name, inner] of Object.entries(schema.properties ?? {})) errors.push(...nestedValidation(inner, at.child('properties').key(name)));
  if (schema.type) errors.push(forbiddenField(at.child('type'), 'must be empty to be structural'));
  if (schema.additionalProperties === true || isSchema(schema.additionalProperties)) {
    errors.push(forbiddenField(at.child('additionalProperties'), 'must be undefined to be structural'));
  }
  for (const [name, detail] of forbiddenBelow) if (isSet(schema[name])) errors.push(forbiddenField(at.child(name), detail));
  if (schema.properties?.['metadata']) errors.push(forbiddenField(at.child('properties').key('metadata'), 'must not be specified in a nested context'));
  return errors;
}

/** What is judged must also be declared. */
function nestedCompleteness(judged: JSONSchemaProps, declared: JSONSchemaProps, declaredAt: FieldPath, judgedAt: FieldPath): FieldError[] {
  const below = (one: JSONSchemaProps, at: FieldPath): FieldError[] => completeness(one, declared, declaredAt, at);
  return [
    ...(judged.not ? below(judged.not, judgedAt.child('not')) : []),
    ...(['allOf', 'anyOf', 'oneOf'] as const).flatMap((name) => (judged[name] ?? []).flatMap((one, index) => below(one, judgedAt.child(name).index(index)))),
  ];
}

function completeness(judged: JSONSchemaProps, declared: JSONSchemaProps | undefined, declaredAt: FieldPath, judgedAt: FieldPath): FieldError[] {
  if (!declared) return [required(declaredAt, `because it is defined in ${judgedAt}`)];
  const items = itemsOf(judged);
  return [
    ...nestedCompleteness(judged, declared, declaredAt, judgedAt),
    ...(items ? completeness(items, itemsOf(declared), declaredAt.child('items'), judgedAt.child('items')) : []),
    ...Object.entries(judged.properties ?? {}).flatMap(([name, inner]) =>
      completeness(inner, own(declared.properties, name), declaredAt.child('properties').key(name), judgedAt.child('properties').key(name)),
    ),
  ];
}
