/** What a schema may say of how lists and maps are merged. Source of the rules: upstream's `apiextensions/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupportedInOrder, required } from '../../../../apimachinery/fieldpath.ts';
import { own } from '../../../../apimachinery/own.ts';
import type { JSONSchemaProps } from '../types.gen.ts';
import { schemaValue } from './internal.ts';
import { itemsOf } from './rules/sizes.ts';

function typeError(type: string | undefined, detail: string, at: FieldPath): FieldError {
  return type ? invalidValue(at.child('type'), type, detail) : required(at.child('type'), detail);
}

export function validateMapType(schema: JSONSchemaProps, at: FieldPath): FieldError[] {
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined) return [];
  const known = ['atomic', 'granular'];
  return [
    ...(schema.type === 'object' ? [] : [typeError(schema.type, 'must be object if x-kubernetes-map-type is specified', at)]),
    ...(known.includes(mapType) ? [] : [notSupportedInOrder(at.child('x-kubernetes-map-type'), mapType, known)]),
  ];
}

/** Members of a set are compared as a whole. */
function validateSetItems(items: JSONSchemaProps, at: FieldPath): FieldError[] {
  const listType = items['x-kubernetes-list-type'];
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') return [invalidValue(at.child('x-kubernetes-list-type'), listType, detail)];
  // Upstream shows the list type here too.
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') return [invalidValue(at.child('x-kubernetes-map-type'), listType, detail)];
  return [];
}

function validateKeys(schema: JSONSchemaProps, keys: readonly string[], at: FieldPath): FieldError[] {
  const items = itemsOf(schema);
  const keysAt = at.child('x-kubernetes-list-map-keys');
  const itemsAt = at.child('items');
  const errors: FieldError[] = [];
  if (keys.length === 0) errors.push(required(keysAt, 'must not be empty if x-kubernetes-list-type is map'));
  if (schema.items === undefined) errors.push(required(itemsAt, 'must have a schema if x-kubernetes-list-type is map'));
  else if (!items) {
    const shown = { Schema: null, JSONSchemas: (schema.items as JSONSchemaProps[]).map(schemaValue) };
    errors.push(invalidValue(itemsAt, shown, 'must only have a single schema if x-kubernetes-list-type is map'));
  }
  if (!items) return errors;
  if (items.type !== 'object') {
    return [...errors, invalidValue(itemsAt.child('type'), items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map")];
  }
  for (const [index, key] of keys.entries()) {
    const property = own(items.properties, key);
    if (!property) errors.push(invalidValue(keysAt, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      const typeAt = itemsAt.child('properties').key(key).child('type');
      errors.push(invalidValue(typeAt, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    if (keys.indexOf(key) < index) errors.push(invalidValue(keysAt, keys, 'must not contain duplicate entries'));
  }
  return errors;
}

/** Identity must be there for every item. */
function validateIdentity(schema: JSONSchemaProps, listType: string, keys: readonly string[], at: FieldPath): FieldError[] {
  const items = itemsOf(schema);
  if (!items || (listType !== 'set' && listType !== 'map')) return [];
  const itemsAt = at.child('items');
  const errors = items.nullable ? [forbiddenField(itemsAt.child('nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`)] : [];
  if (listType === 'set') return errors;
  for (const key of keys) {
    const property = own(items.properties, key);
    if (!property) continue;
    const keyAt = itemsAt.child('properties').key(key);
    if (!items.required?.includes(key) && property.default === undefined) {
      const detail = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      errors.push(required(keyAt.child('default'), detail));
    }
    if (property.nullable) {
      errors.push(forbiddenField(keyAt.child('nullable'), 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'));
    }
  }
  return errors;
}

export function validateListType(schema: JSONSchemaProps, at: FieldPath): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const typeAt = at.child('x-kubernetes-list-type');
  const needsMap = 'must be map if x-kubernetes-list-map-keys is non-empty';
  if (listType === undefined) return keys.length > 0 ? [required(typeAt, needsMap)] : [];
  const errors: FieldError[] = [];
  const items = itemsOf(schema);
  if (schema.type !== 'array') errors.push(typeError(schema.type, 'must be array if x-kubernetes-list-type is specified', at));
  else if (listType === 'set' && items) errors.push(...validateSetItems(items, at.child('items')));
  const known = ['atomic', 'set', 'map'];
  if (!known.includes(listType)) errors.push(notSupportedInOrder(typeAt, listType, known));
  if (keys.length > 0 && listType !== 'map') errors.push(invalidValue(typeAt, listType, needsMap));
  if (listType === 'map') errors.push(...validateKeys(schema, keys, at));
  return [...errors, ...validateIdentity(schema, listType, keys, at)];
}
