/**
 * Path elements as `fieldsV1` writes them: `f:<name>` of a field or map key, `k:<JSON>` for the item of a list with these key
 * fields, `v:<JSON>` for the item of a set, `i:<number>` for a position.
 */
import { isRawNumber } from '../codec/number.ts';
import { quote } from '../fieldpath.ts';
import { own } from '../own.ts';
import type { ArrayType } from '../schema.ts';

type Fields = Record<string, unknown>;

/** An item of a list has no identity. */
export class ItemError extends Error {
  override readonly name = 'ItemError';
}

export const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);

/** The element of a list's item; throws an {@link ItemError} when the item lacks what identifies it. */
export function elementOfItem(type: ArrayType, item: unknown): string {
  if (type.list === 'set') {
    if (isMap(item)) throw new ItemError("associative list without keys has an element that's a map type");
    if (Array.isArray(item)) throw new ItemError('not supported: associative list with lists as elements');
    if (item === null || item === undefined) throw new ItemError("associative list without keys has an element that's an explicit null");
    return `v:${JSON.stringify(item)}`;
  }
  if (item === null || item === undefined) throw new ItemError('associative list with keys may not have a null element');
  if (!isMap(item)) throw new ItemError('associative list with keys may not have non-map elements');
  let text = '';
  for (const key of sortedKeys(type)) {
    const value = own(item, key) ?? defaultOf(type, key);
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`;
  }
  if (text === '') {
    const keys = (type.keys ?? []).map(quote).join(' ');
    throw new ItemError(`associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`);
  }
  return `k:{${text}}`;
}

const sortedOf = new WeakMap<ArrayType, readonly string[]>();

function sortedKeys(type: ArrayType): readonly string[] {
  let keys = sortedOf.get(type);
  if (keys === undefined) sortedOf.set(type, (keys = [...(type.keys ?? [])].sort()));
  return keys;
}

/** What the schema says, and for text that is always there the empty text: upstream's document gives it as its default. */
function defaultOf(type: ArrayType, key: string): unknown {
  const field = type.items.type === 'object' ? type.items.struct.fields.get(key) : undefined;
  return field?.default ?? (field?.presence === 'always' && field.type.type === 'string' ? '' : undefined);
}

/** The element as this module writes it: keys sorted, JSON without spaces. Undefined when it can't be read; unknown kinds are dropped so. */
export function canonicalElement(element: string): string | undefined {
  switch (element.slice(0, 2)) {
    case 'f:':
      return element;
    case 'i:':
      return /^i:-?\d+$/.test(element) ? element : undefined;
    case 'v:':
    case 'k:':
      break;
    default:
      return undefined;
  }
  const value: unknown = JSON.parse(element.slice(2));
  if (element.startsWith('v:')) return `v:${JSON.stringify(value)}`;
  if (!isMap(value)) throw new Error(`parsing key as path element: ${element}`);
  const keys = Object.keys(value);
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] as string) > (keys[index] as string)) {
      return `k:${JSON.stringify(Object.fromEntries(keys.sort().map((key) => [key, value[key]])))}`;
    }
  }
  return `k:${JSON.stringify(value)}`;
}

/** As messages show it: `.replicas`, `[name="web"]`, `[="finalizer"]`, `[0]`. */
export function showElement(element: string): string {
  const text = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${text}`;
    case 'k:': {
      const fields = JSON.parse(text) as Fields;
      return `[${Object.keys(fields)
        .map((key) => `${key}=${showValue(fields[key])}`)
        .join(',')}]`;
    }
    case 'v:':
      return `[=${showValue(JSON.parse(text))}]`;
    default:
      return `[${text}]`;
  }
}

const showValue = (value: unknown): string => (typeof value === 'string' ? quote(value) : JSON.stringify(value));

export const showPath = (path: readonly string[]): string => path.map(showElement).join('');
