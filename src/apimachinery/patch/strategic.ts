/**
 * Strategic merge patch: a merge patch that knows which lists are merged, by which key, from the types' `patchStrategy` and
 * `patchMergeKey`, and which carries directives. Source: apimachinery `util/strategicpatch`.
 */
import { badRequest } from '../errors.ts';
import { own } from '../own.ts';
import type { Field, FieldType, Struct } from '../schema.ts';
import { goKind, unclassified } from './errors.ts';
import type { Json } from './strategiclist.ts';
import { badArgument, goFormat, indexByKey, isObject, itemsAreObjects, keyOfItem, noMergeKey, orderMerged } from './strategiclist.ts';

const directive = '$patch';
const retainKeys = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList';
const orderPrefix = '$setElementOrder';

const badOrderList = () => badRequest('invalid patch format of setElementOrder list');
const badPrimitiveList = () => badRequest('invalid patch format of primitive list');
const badRetainKeys = () => badRequest('invalid patch format of retainKeys');
const badDirective = (value: unknown, patch: Json) => unclassified(`unknown patch type: ${goFormat(value)} in map: ${goFormat(patch)}`);

/** What the schema says of a member of a value. */
interface Member {
  type: FieldType | undefined;
  strategy: string;
  mergeKey: string;
}

const unknownMember: Member = { type: undefined, strategy: '', mergeKey: '' };

function memberOf(type: FieldType | undefined, key: string): Member {
  if (type?.type === 'map') return { ...unknownMember, type: type.values };
  if (type?.type !== 'object') return unknownMember;
  const field: Field | undefined = type.struct.fields.get(key);
  if (!field) return unknownMember;
  const strategy = field.patchStrategy?.find((name) => name !== 'retainKeys') ?? '';
  return { type: field.type, strategy, mergeKey: field.patchMergeKey ?? '' };
}

const itemType = (type: FieldType | undefined): FieldType | undefined => (type?.type === 'array' ? type.items : undefined);

/** A value that is new to the object: without nulls, and without what carries a directive. Undefined when nothing is left. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, directive)) return undefined;
  const members = Object.entries(value)
    .filter(([, member]) => member !== null)
    .map(([key, member]) => [key, clean(member)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

/** `$deleteFromPrimitiveList/finalizers` → `finalizers`. */
function afterPrefix(key: string, prefix: string, error: () => Error): string {
  const slash = key.indexOf('/');
  if (slash < 0 || key.slice(0, slash) !== prefix) throw error();
  return key.slice(slash + 1);
}

function applyRetainKeys(original: Json, patch: Json): void {
  if (!Object.hasOwn(patch, retainKeys)) return;
  const keys = patch[retainKeys];
  delete patch[retainKeys];
  if (!Array.isArray(keys)) throw badRetainKeys();
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && !key.startsWith(deletePrefix) && !key.startsWith(orderPrefix) && !keys.includes(key)) throw badRetainKeys();
  }
  for (const key of Object.keys(original)) if (!keys.includes(key)) delete original[key];
}

/** The items of the patch must come in the order that it asks for. */
function checkOrder(items: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (order.length === 0) return;
  const listed = items.filter((item) => !(isObject(item) && Object.hasOwn(item, directive)));
  let position = 0;
  for (const wanted of order) {
    if (position >= listed.length) return;
    if (keyOfItem(listed[position], mergeKey) === keyOfItem(wanted, mergeKey)) position++;
  }
  if (position < listed.length) {
    throw unclassified(`The order in patch list:\n${goFormat(items)}\n doesn't match ${orderPrefix} list:\n${goFormat(order)}\n`);
  }
}

function listOf(value: unknown): unknown[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw badArgument('[]interface {}', value);
  return value;
}

function applyElementOrders(original: Json, patch: Json, type: FieldType | undefined): void {
  for (const directiveKey of Object.keys(patch)) {
    if (!directiveKey.startsWith(orderPrefix)) continue;
    const order = patch[directiveKey];
    delete patch[directiveKey];
    if (!Array.isArray(order)) throw badArgument('[]interface {}', order);
    const key = afterPrefix(directiveKey, orderPrefix, badOrderList);
    const current = listOf(own(original, key));
    const items = listOf(own(patch, key) ?? undefined);
    const { type: listType, strategy, mergeKey } = memberOf(type, key);
    checkOrder(items ?? [], order, mergeKey);
    if (!current?.length && !items?.length) continue;
    let merged: unknown[];
    if (items === undefined) merged = current!;
    else if (current === undefined) merged = clean(items) as unknown[];
    else merged = mergeLists(current, items, listType, strategy, mergeKey);
    original[key] = merged.length === 0 ? merged : orderMerged(merged, order, current ?? [], mergeKey);
    delete patch[key];
  }
}

/** `$patch: delete` removes its item, `$patch: replace` the whole list; what is left of both sides. */
function applyItemDirectives(original: unknown[], patch: readonly unknown[], mergeKey: string): { current: unknown[]; items: Json[] } {
  const items: Json[] = [];
  let replace = false;
  const deleted = new Set<unknown>();
  for (const item of patch as readonly Json[]) {
    if (!Object.hasOwn(item, directive)) {
      items.push(item);
    } else if (item[directive] === 'delete') {
      deleted.add(keyOfItem(item, mergeKey));
    } else if (item[directive] === 'replace') {
      replace = true;
    } else if (item[directive] === 'merge') {
      throw unclassified('merging lists cannot yet be specified in the patch');
    } else {
      throw badDirective(item[directive], item);
    }
  }
  if (replace) return { current: items, items: [] };
  if (deleted.size === 0) return { current: original, items };
  const kept = original.filter((item, index) => {
    if (!isObject(item)) throw unclassified(`value for key ${index} is not a map`);
    return !(Object.hasOwn(item, mergeKey) && deleted.has(item[mergeKey]));
  });
  return { current: kept, items };
}

function mergeObjectLists(original: unknown[], patch: readonly unknown[], type: FieldType | undefined, mergeKey: string): unknown[] {
  if (mergeKey === '') throw unclassified('cannot merge lists without merge key for struct');
  const { current, items } = applyItemDirectives(original, patch, mergeKey);
  const merged = [...current];
  const positions = indexByKey(merged, mergeKey);
  for (const item of items) {
    if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
    const at = positions.get(item[mergeKey]);
    if (at === undefined) {
      positions.set(item[mergeKey], merged.length);
      merged.push(clean(item));
    } else merged[at] = mergeMaps(merged[at] as Json, item, itemType(type));
  }
  return orderMerged(merged, items, current, mergeKey);
}

function mergeLists(original: unknown[], patch: readonly unknown[], type: FieldType | undefined, strategy: string, mergeKey: string): unknown[] {
  if (strategy !== 'merge') return clean(patch) as unknown[];
  if (original.length === 0 && patch.length === 0) return original;
  if (itemsAreObjects(original, patch)) return mergeObjectLists(original, patch, type, mergeKey);
  return orderMerged([...new Set([...original, ...patch])], patch, original, '');
}

const shapeOf = (value: unknown): string => (Array.isArray(value) ? 'list' : isObject(value) ? 'map' : 'scalar');

function mergeMember(original: Json, key: string, value: unknown, type: FieldType | undefined): void {
  const current = own(original, key);
  const shape = shapeOf(value);
  if (current === undefined || current === null || shape === 'scalar' || shapeOf(current) !== shape) {
    const cleaned = clean(value);
    if (cleaned === undefined) delete original[key];
    else original[key] = cleaned;
    return;
  }
  const { type: memberType, strategy, mergeKey } = memberOf(type, key);
  if (Array.isArray(value)) original[key] = mergeLists(current as unknown[], value, memberType, strategy, mergeKey);
  else if (strategy === 'replace') original[key] = value;
  else original[key] = mergeMaps(current as Json, value as Json, memberType);
}

function mergeMaps(original: Json, patch: Json, type: FieldType | undefined): Json {
  if (Object.hasOwn(patch, directive)) {
    const { [directive]: what, ...rest } = patch;
    if (what === 'replace') return rest;
    if (what === 'delete') return {};
    throw badDirective(what, patch);
  }
  const merged = { ...original };
  const left = { ...patch };
  applyRetainKeys(merged, left);
  applyElementOrders(merged, left, type);
  for (const [key, value] of Object.entries(left)) {
    if (key.startsWith(deletePrefix)) {
      const listKey = afterPrefix(key, deletePrefix, badPrimitiveList);
      const current = own(merged, listKey);
      if (Array.isArray(current) && Array.isArray(value)) {
        const deleted = new Set<unknown>(value);
        merged[listKey] = current.filter((item) => !deleted.has(item));
      }
    } else if (value === null) {
      delete merged[key];
    } else {
      mergeMember(merged, key, value, type);
    }
  }
  return merged;
}

/**
 * Applies a strategic merge patch to an object of the type; both are left as they are.
 * 400 for a malformed patch or directive, 422 for lists of lists, and 500 (as upstream) for what does not fit the type:
 * `map: … does not contain declared merge key: name`.
 */
export function applyStrategicMergePatch(struct: Struct, original: Json, patch: unknown): Json {
  if (!isObject(patch)) throw badRequest(`json: cannot unmarshal ${goKind(patch)} into Go value of type map[string]interface {}`);
  return mergeMaps(original, patch, { type: 'object', struct });
}
