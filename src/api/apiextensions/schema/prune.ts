/** Drops what a structural schema does not know. Source of the rules: KEP-95, apiextensions `schema/pruning`. */

import { isRawNumber } from '../../../apimachinery/codec/number.ts';
import { copyJson } from '../../../apimachinery/copy.ts';
import { own } from '../../../apimachinery/own.ts';
import type { JSONSchemaProps } from '../v1/types.gen.ts';
import { isSchema, itemsOf, objectMetaStruct, preserves } from './struct.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);

const metaFields = new Set(['apiVersion', 'kind', 'metadata']);

/** Changes the object in place; gives the paths of what was dropped, sorted. `metadata` of the root is left alone. */
export function prune(object: Json, schema: JSONSchemaProps): string[] {
  const unknown: string[] = [];
  pruneValue(object, { ...schema, 'x-kubernetes-embedded-resource': true }, '', unknown, false);
  return unknown.sort();
}

/** As {@link prune}, of a value inside an object. */
export const pruneInner = (value: unknown, schema: JSONSchemaProps): void => pruneValue(value, schema, '', [], false);

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** `keep`: below a field that preserves what it does not know; schemas further down may prune again. */
function pruneValue(value: unknown, schema: JSONSchemaProps | undefined, path: string, unknown: string[], keep: boolean): void {
  const keeping = schema ? preserves(schema) || (keep && schema.properties === undefined) : keep;
  if (Array.isArray(value)) {
    const items = schema && itemsOf(schema);
    if (items || !keeping) for (const [index, item] of value.entries()) pruneValue(item, items, `${path}[${index}]`, unknown, keeping && !items);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    if (schema?.['x-kubernetes-embedded-resource'] && metaFields.has(name)) {
      if (name === 'metadata' && path !== '' && isObject(inner)) pruneMetadata(inner, join(path, name), unknown);
      continue;
    }
    const property = own(schema?.properties, name);
    if (property) pruneValue(inner, property, join(path, name), unknown, false);
    else if (isSchema(schema?.additionalProperties)) pruneValue(inner, schema.additionalProperties, join(path, name), unknown, false);
    else if (schema?.additionalProperties === true || keeping) continue;
    else {
      if (!(path === '' && metaFields.has(name))) unknown.push(join(path, name));
      delete value[name];
    }
  }
}

/** An embedded object's metadata has the fields that all metadata has, whatever the schema preserves. */
function pruneMetadata(metadata: Json, path: string, unknown: string[]): void {
  const { fields } = objectMetaStruct();
  for (const name of Object.keys(metadata)) {
    if (fields.has(name)) continue;
    unknown.push(join(path, name));
    delete metadata[name];
  }
}

/** Nulls where none are allowed are as if absent; defaults come in their place, if there are any. */
export function dropNulls(value: unknown, schema: JSONSchemaProps | undefined): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    for (const item of value) dropNulls(item, items);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    const declared = own(schema.properties, name);
    const property = declared ?? (isSchema(schema.additionalProperties) ? schema.additionalProperties : undefined);
    if (inner === null && property && !property.nullable) delete value[name];
    else dropNulls(inner, property);
  }
}

/** Fills in the defaults of the schema, in place. */
export function applyDefaults(value: unknown, schema: JSONSchemaProps | undefined): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) for (const item of value) applyDefaults(item, items);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default !== undefined && own(value, name) === undefined) value[name] = copyJson(property.default);
    applyDefaults(own(value, name), property);
  }
  if (!isSchema(schema.additionalProperties)) return;
  for (const [name, inner] of Object.entries(value)) if (!own(schema.properties, name)) applyDefaults(inner, schema.additionalProperties);
}

/** Whether anything below has a default: objects of other schemas need not be looked at. */
export function hasDefaults(schema: JSONSchemaProps | undefined): boolean {
  if (!schema) return false;
  if (schema.default !== undefined) return true;
  const items = itemsOf(schema);
  if (items && hasDefaults(items)) return true;
  if (isSchema(schema.additionalProperties) && hasDefaults(schema.additionalProperties)) return true;
  return Object.values(schema.properties ?? {}).some(hasDefaults);
}
