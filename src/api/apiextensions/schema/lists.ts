/** Lists whose items have an identity: no two items may have the same. */

import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, path } from '../../../apimachinery/fieldpath.ts';
import { own } from '../../../apimachinery/own.ts';
import type { JSONSchemaProps } from '../v1/types.gen.ts';
import { isSchema, itemsOf } from './struct.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

export function validateLists(value: unknown, schema: JSONSchemaProps | undefined, at: FieldPath | undefined = undefined): FieldError[] {
  if (!schema) return [];
  const errors: FieldError[] = [];
  if (Array.isArray(value)) {
    const here = at ?? path('');
    errors.push(...duplicates(value, schema, here));
    const items = itemsOf(schema);
    for (const [index, item] of value.entries()) errors.push(...validateLists(item, items, here.index(index)));
  } else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      const property = own(schema.properties, name) ?? (isSchema(schema.additionalProperties) ? schema.additionalProperties : undefined);
      if (property) errors.push(...validateLists(inner, property, at ? at.child(name) : path(name)));
    }
  }
  return errors;
}

function duplicates(list: readonly unknown[], schema: JSONSchemaProps, at: FieldPath): FieldError[] {
  const kind = schema['x-kubernetes-list-type'];
  if (kind !== 'set' && kind !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    if (kind === 'map' && !isObject(item)) {
      errors.push(invalidValue(at.index(index), item, 'must be an object for an array of list-type map'));
      continue;
    }
    const identity = kind === 'map' ? Object.fromEntries(keys.map((key) => [key, own(item as Json, key)])) : item;
    const text = JSON.stringify(identity);
    if (seen.has(text)) errors.push(duplicate(at.index(index), identity));
    seen.add(text);
  }
  return errors;
}
