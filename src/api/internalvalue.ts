/** Structs as upstream's field errors print them: all fields of the Go type, in its order. */
import type { FieldType, Struct } from '../apimachinery/schema.ts';
import { structOf } from './schema.ts';

const initialism = /^(api|ca|cel|cidr|csi|dns|id|ip|json|tls|uid|url)(?=[A-Z]|s?$)/;

/** What the field of that JSON name is called in Go. */
const goName = (name: string): string =>
  initialism.test(name) ? name.replace(initialism, (word) => word.toUpperCase()) : name.charAt(0).toUpperCase() + name.slice(1);

function emptyOf(type: FieldType): unknown {
  if (type.type === 'object') return internalOf(type.struct, {});
  if (type.type === 'string') return type.format === undefined ? '' : type.format === 'int-or-string' ? 0 : type.format === 'quantity' ? '0' : null;
  if (type.type === 'boolean') return false;
  return type.type === 'integer' || type.type === 'number' ? 0 : null;
}

function valueOf(type: FieldType, value: unknown, inner: (struct: Struct, value: object) => unknown): unknown {
  if (type.type === 'array' && Array.isArray(value)) return value.map((item) => valueOf(type.items, item, inner));
  if (type.type === 'map' && typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [key, valueOf(type.values, item, inner)] as const);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return type.type === 'object' && typeof value === 'object' && value !== null ? inner(type.struct, value) : value;
}

function internalOf(struct: Struct, value: object): unknown {
  // What is of the library itself has but one Go type.
  if (struct.name.startsWith('io.k8s.apimachinery.')) return versionedOf(struct, value);
  const given = value as Record<string, unknown>;
  return Object.fromEntries(
    [...struct.fields.values()].map(({ name, type, presence }) => {
      const shown = given[name] === undefined ? (presence === 'pointer' ? null : emptyOf(type)) : valueOf(type, given[name], internalOf);
      return [goName(name), shown];
    }),
  );
}

function versionedOf(struct: Struct, value: object): unknown {
  const given = value as Record<string, unknown>;
  const known = [...struct.fields.values()].filter(({ name, presence }) => given[name] !== undefined || presence === 'always');
  return Object.fromEntries(known.map(({ name, type }) => [name, given[name] === undefined ? emptyOf(type) : valueOf(type, given[name], versionedOf)]));
}

/** As upstream prints its internal type, which has no names for JSON: `structName` is that of a version of it. */
export const internalValue = (structName: string, value: object | undefined): unknown => (value ? internalOf(structOf(structName), value) : null);

/** As upstream prints a selector. */
export const selectorValue = (selector: object | undefined): unknown => versionedValue('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector', selector);

/** As upstream prints a type of a version: the names of JSON, in the order of the fields. */
export const versionedValue = (structName: string, value: object | undefined): unknown => (value ? versionedOf(structOf(structName), value) : null);
