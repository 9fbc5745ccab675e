/** What documents say without their words, in a form that can be compared: with a whole document, or with its digest. */
import { createHash } from 'node:crypto';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Encodings that upstream has behind a feature gate, and this server has not. */
const isMissing = (name: string): boolean => name.includes('cbor');

/** Lists whose order says nothing. */
const unordered = ['parameters', 'consumes', 'produces', 'required', 'enum', 'tags', 'x-kubernetes-group-version-kind'];

function compare(a: unknown, b: unknown): number {
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
  return one < other ? -1 : Number(one > other);
}

/** Names of properties, types and paths are no words, whatever they are. */
const isNames = (key: string): boolean => ['properties', 'schemas', 'definitions', 'paths'].includes(key);

/** Without texts, with names in order, and shared parameters where they are referred to. */
export function facts(value: unknown, parameters: Json = {}, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.filter((item) => typeof item !== 'string' || !isMissing(item)).map((item) => facts(item, parameters));
    return unordered.includes(key) ? items.sort(compare) : items;
  }
  if (!isObject(value)) return value;
  const { $ref, allOf } = value as { $ref?: string; allOf?: unknown[] };
  if (typeof $ref === 'string' && $ref.startsWith('#/parameters/')) return facts(parameters[$ref.slice('#/parameters/'.length)]);
  const entries = Object.entries(value)
    .filter(([name, inner]) => isNames(key) || !((name === 'description' && typeof inner === 'string') || isMissing(name)))
    .map(([name, inner]) => [name, facts(inner, parameters, isNames(key) ? '' : name)] as const);
  // A reference that has something to say beside it is wrapped: whether there are words makes no difference.
  const [only] = Array.isArray(allOf) && allOf.length === 1 ? allOf : [];
  if (isObject(only) && typeof only['$ref'] === 'string')
    entries.splice(0, entries.length, ...entries.filter(([name]) => name !== 'allOf'), ['$ref', only['$ref']]);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of the server's own logs, which this server does not hand out. */
const isLogs = (path: string): boolean => path.startsWith('/logs/');

/** What it serves and what its types are, each in a few characters. */
export function digestOf(document: Json): { paths: string; types: string } {
  const parameters = isObject(document['parameters']) ? document['parameters'] : {};
  const paths = Object.fromEntries(Object.entries((document['paths'] ?? {}) as Json).filter(([path]) => !isLogs(path)));
  const types = document['definitions'] ?? (document['components'] as Json | undefined)?.['schemas'] ?? {};
  const short = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 10);
  return { paths: short(facts(paths, parameters, 'paths')), types: short(facts(types, {}, 'definitions')) };
}
