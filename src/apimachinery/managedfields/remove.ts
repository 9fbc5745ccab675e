/** Taking fields out of a value, and the sets that this is done with. */
import type { FieldType } from '../schema.ts';
import { elementOfItem, isMap } from './element.ts';
import { asMember, type FieldSet, type FieldSetBuilder, isMember } from './fieldset.ts';
import { fieldTypeOf, isAtomic, isNamedField } from './types.ts';

/** A value without the members of the set. What becomes empty by that stays, empty. */
export function removeFields(type: FieldType, value: unknown, set: FieldSet): unknown {
  if (value === null || isAtomic(type)) return value;
  if (type.type === 'array') {
    if (!Array.isArray(value)) return value;
    const kept: unknown[] = [];
    for (const item of value) {
      const node = set[elementOfItem(type, item)];
      if (node === undefined) kept.push(item);
      else if (!isMember(node)) kept.push(removeFields(type.items, item, node));
    }
    return kept;
  }
  if (!isMap(value)) return value;
  const kept: Record<string, unknown> = {};
  for (const name in value) {
    const node = set[`f:${name}`];
    if (node !== undefined && isMember(node)) continue;
    const field = node === undefined ? undefined : fieldTypeOf(type, name);
    kept[name] = node === undefined || field === undefined ? value[name] : removeFields(field, value[name], node);
  }
  return kept;
}

/** The set in which each field that the schema names, and that leads to a member, is a member too. */
export function withNamedFields(type: FieldType | undefined, set: FieldSet): FieldSet {
  const result: FieldSetBuilder = {};
  for (const element in set) {
    const node = set[element] as FieldSet;
    if (element === '.') {
      result[element] = node;
      continue;
    }
    const name = element.startsWith('f:') ? element.slice(2) : undefined;
    const inner =
      type === undefined
        ? undefined
        : name !== undefined
          ? fieldTypeOf(type, name)
          : element.startsWith('k:') && type.type === 'array'
            ? type.items
            : undefined;
    const below = withNamedFields(inner, node);
    result[element] = type !== undefined && name !== undefined && isNamedField(type, name) ? asMember(below) : below;
  }
  return result;
}

/**
 * Adjusts a stored set to a schema that changed since: where a value of several owners became one value, whoever owned a part
 * of it owns it all. The set itself when nothing changed.
 */
export function fitToSchema(type: FieldType, set: FieldSet): FieldSet {
  let result: FieldSetBuilder | undefined;
  for (const element in set) {
    if (element === '.') continue;
    const inner = element.startsWith('f:') ? fieldTypeOf(type, element.slice(2)) : type.type === 'array' ? type.items : undefined;
    if (inner === undefined) continue;
    const node = set[element] as FieldSet;
    const fitted = fitNode(inner, node);
    if (fitted !== node) (result ??= { ...set })[element] = fitted;
  }
  return result ?? set;
}

function fitNode(type: FieldType, node: FieldSet): FieldSet {
  for (const element in node) {
    if (element === '.') continue;
    const structured = type.type === 'object' || type.type === 'map' || type.type === 'array';
    return structured && isAtomic(type) ? {} : fitToSchema(type, node);
  }
  return node;
}
