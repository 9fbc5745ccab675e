/** Whether the defaults of a structural schema are values of it. Source of the rules: apiextensions `schema/defaulting`. */
import { copyJson } from '../../../../apimachinery/copy.ts';
import { deepEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue } from '../../../../apimachinery/fieldpath.ts';
import { pruneInner } from '../../schema/prune.ts';
import { validateRules } from '../../schema/rules.ts';
import { validateSchema } from '../../schema/validate.ts';
import type { JSONSchemaProps } from '../types.gen.ts';
import { itemsOf } from './rules/sizes.ts';

const metaFields = ['metadata', 'kind', 'apiVersion'];

function validateDefault(schema: JSONSchemaProps, at: FieldPath, insideMeta: boolean): FieldError[] {
  const value: unknown = schema.default;
  const errors: FieldError[] = [];
  if (!insideMeta) {
    const pruned = copyJson(value);
    pruneInner(pruned, schema);
    if (!deepEqual(pruned, value)) errors.push(invalidValue(at, value, 'must not have unknown fields'));
  }
  const wrong = validateSchema(value, schema);
  if (wrong.length > 0) return [...errors, ...wrong.map((error) => error.below(at))];
  const broken = validateRules(value, value, schema, { at: at.toString() });
  return [...errors, ...broken, ...(broken.length > 0 ? [] : validateRules(value, undefined, schema, { at: at.toString() }))];
}

/** `at` is the place of the schema. Below `additionalProperties` no default counts. */
export function validateDefaults(schema: JSONSchemaProps, at: FieldPath, root = true, insideMeta = false): FieldError[] {
  const embedded = root || schema['x-kubernetes-embedded-resource'] === true;
  const inMeta = insideMeta && !embedded;
  const items = itemsOf(schema);
  return [
    ...(schema.default === undefined ? [] : validateDefault(schema, at.child('default'), inMeta)),
    ...(items ? validateDefaults(items, at.child('items'), false, inMeta) : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
      validateDefaults(inner, at.child('properties').key(name), false, inMeta || (embedded && metaFields.includes(name))),
    ),
  ];
}
