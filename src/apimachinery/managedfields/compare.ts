/** What differs between two values of one type, as sets of fields; and all fields of one value. */
import { deepEqual } from '../equality.ts';
import { own } from '../own.ts';
import type { ArrayType, FieldType, Struct } from '../schema.ts';
import { elementOfItem, isMap } from './element.ts';
import { asMember, type FieldSet, type FieldSetBuilder, isEmptySet, leaf } from './fieldset.ts';
import { deduced, fieldTypeOf, isAtomic, isNamedField } from './types.ts';

type Fields = Record<string, unknown>;

export interface Difference {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

type Partial = { [part in keyof Difference]?: FieldSet | undefined };

const nothing: Difference = { added: leaf, modified: leaf, removed: leaf };

export const isSame = ({ added, modified, removed }: Difference): boolean => isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed);

/** Of two objects. Throws an `ItemError` when an item of a list has no identity. */
export function compare(type: FieldType, left: unknown, right: unknown): Difference {
  const found = differ(type, left, right);
  return found === undefined ? nothing : { added: found.added ?? leaf, modified: found.modified ?? leaf, removed: found.removed ?? leaf };
}

/** Two values that both exist (as `null`, perhaps); undefined when they are the same. */
function differ(type: FieldType, left: unknown, right: unknown): Partial | undefined {
  if (left === right) return undefined;
  if (isAtomic(type)) return deepEqual(left, right) ? undefined : { modified: leaf };
  switch (type.type) {
    case 'array':
      return differLists(type, left, right);
    case 'any':
      return differFree(left, right);
    default:
      return differMaps(type, isMap(left) ? left : null, isMap(right) ? right : null);
  }
}

function differFree(left: unknown, right: unknown): Partial | undefined {
  const leftMap = left === null || isMap(left);
  const rightMap = right === null || isMap(right);
  if (leftMap && rightMap) return differMaps(deduced, left, right);
  if (!leftMap && !rightMap) return deepEqual(left, right) ? undefined : { modified: leaf };
  if (leftMap) return { modified: leaf, removed: left === null ? undefined : below(deduced, left) };
  return { modified: leaf, added: right === null ? undefined : below(deduced, right) };
}

const isEmptyMap = (value: Fields | null): boolean => value === null || isEmptySet(value as FieldSet);

function differMaps(type: FieldType, left: Fields | null, right: Fields | null): Partial | undefined {
  if (isEmptyMap(left) && isEmptyMap(right)) return deepEqual(left, right) ? undefined : { modified: leaf };
  const collector = new Collector();
  if (right !== null) {
    for (const name of Object.keys(right).sort()) {
      const value = right[name];
      if (value === undefined) continue;
      const field = fieldTypeOf(type, name);
      if (field === undefined) continue;
      const before = own(left, name) ?? absent(type, name, left);
      if (before === undefined) collector.add(`f:${name}`, whole(field, value));
      else collector.differ(`f:${name}`, differ(field, before, value));
    }
  }
  if (left !== null) {
    for (const name in left) {
      const value = left[name];
      if (value === undefined || (right !== null && own(right, name) !== undefined)) continue;
      const field = fieldTypeOf(type, name);
      if (field === undefined) continue;
      const after = absent(type, name, right);
      if (after === undefined) collector.remove(`f:${name}`, whole(field, value));
      else collector.differ(`f:${name}`, differ(field, value, after));
    }
  }
  return collector.result();
}

/** What a field counts as that is not there: upstream's Go structs show some fields as `null`. */
function absent(type: FieldType, name: string, object: Fields | null): null | undefined {
  if (object === null) return undefined;
  if (own(object, name) === null) return null;
  return type.type === 'object' && type.struct.fields.get(name)?.presence === 'always' ? null : undefined;
}

function differLists(type: ArrayType, left: unknown, right: unknown): Partial | undefined {
  const before = Array.isArray(left) ? left : [];
  const after = Array.isArray(right) ? right : [];
  if (before.length === 0 && after.length === 0) return left === null || right === null ? { modified: leaf } : undefined;
  const lefts = itemsByElement(type, before);
  const rights = itemsByElement(type, after);
  const collector = new Collector();
  for (const [element, olds] of lefts) {
    const news = rights.get(element) ?? [];
    if (olds.length > 1 && news.length > 1) {
      if (!deepEqual(olds, news)) collector.differ(element, { modified: leaf });
    } else if (olds.length > 1) {
      if (news.length === 1) collector.add(element, whole(type.items, news[0]));
      collector.remove(element, leaf);
    } else if (news.length > 1) {
      collector.remove(element, whole(type.items, olds[0]));
      collector.add(element, leaf);
    } else if (news.length === 0) collector.remove(element, whole(type.items, olds[0]));
    else collector.differ(element, differ(type.items, olds[0], news[0]));
  }
  for (const [element, news] of rights) {
    if (!lefts.has(element)) collector.add(element, news.length > 1 ? leaf : whole(type.items, news[0]));
  }
  return collector.result();
}

/** Items by what identifies them; there may be several of the same identity. */
function itemsByElement(type: ArrayType, list: readonly unknown[]): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>();
  for (const item of list) {
    const element = elementOfItem(type, item);
    const known = items.get(element);
    if (known) known.push(item);
    else items.set(element, [item]);
  }
  return items;
}

/** Gathers what is found below one node. */
class Collector {
  #added: FieldSetBuilder | undefined;
  #modified: FieldSetBuilder | undefined;
  #removed: FieldSetBuilder | undefined;

  add(element: string, node: FieldSet): void {
    (this.#added ??= {})[element] = node;
  }

  remove(element: string, node: FieldSet): void {
    (this.#removed ??= {})[element] = node;
  }

  differ(element: string, found: Partial | undefined): void {
    if (found === undefined) return;
    if (found.added) (this.#added ??= {})[element] = found.added;
    if (found.modified) (this.#modified ??= {})[element] = found.modified;
    if (found.removed) (this.#removed ??= {})[element] = found.removed;
  }

  result(): Partial | undefined {
    if (this.#added === undefined && this.#modified === undefined && this.#removed === undefined) return undefined;
    return { added: this.#added, modified: this.#modified, removed: this.#removed };
  }
}

/** The node of a value that came or went as a whole: it and everything below it. */
function whole(type: FieldType, value: unknown): FieldSet {
  const fields = below(type, value);
  return fields === undefined ? leaf : asMember(fields);
}

const shown = new WeakMap<Struct, readonly string[]>();

/** Fields that upstream's Go structs show even as `null`. */
function alwaysShown(struct: Struct): readonly string[] {
  let names = shown.get(struct);
  if (names === undefined) shown.set(struct, (names = [...struct.fields].filter(([, { presence }]) => presence === 'always').map(([name]) => name)));
  return names;
}

/** Everything below a value; undefined when it is one value, or empty. */
function below(type: FieldType, value: unknown): FieldSet | undefined {
  if (value === null || isAtomic(type)) return undefined;
  const fields: FieldSetBuilder = {};
  if (type.type === 'array') {
    for (const [element, items] of itemsByElement(type, value as unknown[])) fields[element] = items.length > 1 ? leaf : whole(type.items, items[0]);
  } else {
    if (!isMap(value)) return undefined;
    for (const name of Object.keys(value).sort()) {
      const item = value[name];
      const field = item === undefined ? undefined : fieldTypeOf(type, name);
      if (field !== undefined) fields[`f:${name}`] = whole(field, item);
    }
    if (type.type === 'object') for (const name of alwaysShown(type.struct)) fields[`f:${name}`] ??= leaf;
  }
  return isEmptySet(fields) ? undefined : fields;
}

/**
 * The fields that a value of this type sets: what its applier owns. Unlike in a difference, a field that the schema names
 * is not a member when something below it is.
 */
export function fieldsOf(type: FieldType, value: unknown): FieldSet {
  return fieldsBelow(type, value) ?? leaf;
}

function fieldsBelow(type: FieldType, value: unknown): FieldSetBuilder | undefined {
  if (value === null || value === undefined || isAtomic(type)) return undefined;
  const fields: FieldSetBuilder = {};
  if (type.type === 'array') {
    if (!Array.isArray(value)) return undefined;
    for (const [element, items] of itemsByElement(type, value)) {
      fields[element] = asMember((items.length > 1 ? undefined : fieldsBelow(type.items, items[0])) ?? leaf);
    }
  } else {
    if (!isMap(value)) return undefined;
    for (const name of Object.keys(value).sort()) {
      const item = value[name];
      const field = item === undefined ? undefined : fieldTypeOf(type, name);
      if (field === undefined) continue;
      const node = fieldsBelow(field, item);
      if (node !== undefined) fields[`f:${name}`] = isNamedField(type, name) ? node : asMember(node);
      else if (!isEmptyList(field, item)) fields[`f:${name}`] = leaf;
    }
  }
  return isEmptySet(fields) ? undefined : fields;
}

/** An empty list of items sets nothing, where the schema names the field. */
const isEmptyList = (type: FieldType, value: unknown): boolean => Array.isArray(value) && value.length === 0 && !isAtomic(type) && type.type === 'array';
