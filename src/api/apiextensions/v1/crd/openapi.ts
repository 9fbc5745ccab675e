/** What a schema of a definition may say. Source of the rules: upstream's `apiextensions/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../../../apimachinery/fieldpath.ts';
import type { JSONSchemaProps } from '../types.gen.ts';
import { validateListType, validateMapType } from './lists.ts';
import { declaredElements, itemsOf, valuesOf } from './rules/sizes.ts';
import type { RuleTotal } from './rules/validation.ts';
import { compileRules, validateRuleForm } from './rules/validation.ts';

/** Where in the schema we are. */
interface Place {
  at: FieldPath;
  root: boolean;
  /** Why no default may stand here. */
  noDefaults: string | undefined;
  insideMeta: boolean;
  /** Rules are only compiled where a value of the schema stands, and not where it is judged once more (`anyOf`, …). */
  rules: boolean;
  /** How many values the lists and maps above allow; undefined when one of them has no limit. */
  count: number | undefined;
  /** The list above whose items have no identity, so that none has an old value. */
  uncorrelatable: FieldPath | undefined;
}

interface Found {
  schema: FieldError[];
  rules: FieldError[];
  total: RuleTotal;
  /** Whether rules are compiled at all: not when the schema is not structural. */
  compile: boolean;
  /** The version's schema has not changed: what one rule costs is not judged again. */
  unchanged: boolean;
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const metaFields = ['metadata', 'kind', 'apiVersion'];
const filled = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length > 0;

function unsupported(schema: JSONSchemaProps, { at, noDefaults, insideMeta }: Place): FieldError[] {
  const errors: FieldError[] = [];
  const never = (name: string): void => void errors.push(forbiddenField(at.child(name), `${name} is not supported`));
  if (schema.type && !types.includes(schema.type)) errors.push(notSupported(at.child('type'), schema.type, types));
  if (schema.default !== undefined && noDefaults !== undefined) errors.push(forbiddenField(at.child('default'), `must not be set ${noDefaults}`));
  if (schema.id) never('id');
  if (schema.additionalItems !== undefined) never('additionalItems');
  if (filled(schema.patternProperties)) never('patternProperties');
  if (filled(schema.definitions)) never('definitions');
  if (schema.dependencies !== undefined) never('dependencies');
  if (schema.$ref !== undefined) never('$ref');
  if (schema.type === 'null') errors.push(forbiddenField(at.child('type'), 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema.items) && schema.items.length > 0) errors.push(forbiddenField(at.child('items'), 'items must be a schema object and not an array'));
  if (insideMeta && schema['x-kubernetes-embedded-resource']) {
    errors.push(forbiddenField(at.child('x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'));
  }
  return errors;
}

function visitValues(schema: JSONSchemaProps, place: Place, found: Found, times: number | undefined): void {
  const { additionalProperties } = schema;
  if (additionalProperties === undefined) return;
  const at = place.at.child('additionalProperties');
  if (filled(schema.properties) && additionalProperties !== true) {
    found.schema.push(forbiddenField(at, 'additionalProperties and properties are mutual exclusive'));
  }
  const values = valuesOf(schema);
  const noDefaults = place.insideMeta ? 'inside additionalProperties applying to object metadata' : place.noDefaults;
  if (values) visit(values, { ...place, at, root: false, noDefaults, count: times }, found);
}

function visitProperties(schema: JSONSchemaProps, place: Place, found: Found, times: number | undefined): void {
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const meta = (place.root || schema['x-kubernetes-embedded-resource'] === true) && metaFields.includes(name);
    visit(
      inner,
      {
        ...place,
        at: place.at.child('properties').key(name),
        root: false,
        count: times,
        insideMeta: place.insideMeta || meta,
        noDefaults: meta && place.root ? `in top-level ${name}` : place.noDefaults,
      },
      found,
    );
  }
}

function visitJudging(schema: JSONSchemaProps, place: Place, found: Found): void {
  const below = (one: JSONSchemaProps, at: FieldPath): void => visit(one, { ...place, at, root: false, rules: false }, found);
  if (schema.not) below(schema.not, place.at.child('not'));
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [index, one] of (schema[name] ?? []).entries()) below(one, place.at.child(name).index(index));
  }
  for (const [name, one] of Object.entries(schema.definitions ?? {})) below(one, place.at.child('definitions').key(name));
}

function visitItems(schema: JSONSchemaProps, place: Place, found: Found, times: number | undefined): void {
  const at = place.at.child('items');
  const uncorrelatable = place.uncorrelatable ?? (schema['x-kubernetes-list-type'] === 'map' ? undefined : place.at);
  const below = (one: JSONSchemaProps, oneAt: FieldPath): void => visit(one, { ...place, at: oneAt, root: false, count: times, uncorrelatable }, found);
  const items = itemsOf(schema);
  if (items) below(items, at);
  else if (Array.isArray(schema.items)) for (const [index, one] of schema.items.entries()) below(one, at.index(index));
}

function visit(schema: JSONSchemaProps, place: Place, found: Found): void {
  const before = found.schema.length;
  const { at } = place;
  found.schema.push(...unsupported(schema, place));
  if (schema.uniqueItems) {
    found.schema.push(forbiddenField(at.child('uniqueItems'), 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  }
  const each = declaredElements(schema);
  const times = place.count === undefined || each === undefined ? undefined : place.count * each;
  visitValues(schema, place, found, times);
  visitProperties(schema, place, found, times);
  visitJudging(schema, place, found);
  visitItems(schema, place, found, times);
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    found.schema.push(invalidValue(at.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'));
  }
  found.schema.push(...validateMapType(schema, at), ...validateListType(schema, at));
  const rulesAt = at.child('x-kubernetes-validations');
  for (const [index, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) found.schema.push(...validateRuleForm(rule, schema, rulesAt.index(index)));
  if (found.schema.length > before || !place.rules || !found.compile) return;
  const { count, uncorrelatable } = place;
  const root = place.root || schema['x-kubernetes-embedded-resource'] === true;
  found.rules.push(...compileRules(schema, { at, count, uncorrelatable, root, unchanged: found.unchanged }, found.total));
}

/** All that is wrong, rules last. `total` sums up what the rules cost. */
export function validateOpenApi(schema: JSONSchemaProps, at: FieldPath, compile: boolean, unchanged: boolean, total: RuleTotal): FieldError[] {
  const found: Found = { schema: [], rules: [], total, compile, unchanged };
  visit(schema, { at, root: true, noDefaults: undefined, insideMeta: false, rules: true, count: 1, uncorrelatable: undefined }, found);
  return [...found.schema, ...found.rules];
}

const allowedAtRoot =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations';

/** With a status of its own, whose schema is taken out, nothing may be said about the whole; names are Go's. */
export const wrongAtRoot = (shown: readonly string[]): string | undefined =>
  shown.every((name) => allowedAtRoot.split(' ').includes(name))
    ? undefined
    : `only [${allowedAtRoot}] fields are allowed at the root of the schema if the status subresource is enabled`;

export const typeAtRoot = (at: FieldPath, type: string): FieldError =>
  type === '' ? required(at) : invalidValue(at, type, 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled');
