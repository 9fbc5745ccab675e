/** The files of requests: how they are read, and what their short forms stand for. README.md describes them. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

/** How an object is changed: by a merge patch, then by values at paths (`a.0.b`; null removes). */
export interface Change {
  with?: JsonObject;
  set?: JsonObject;
}

export interface RequestSpec extends Change {
  method?: string;
  path?: string;
  /** Text is sent as it is. */
  body?: Json;
  /** The body is this answer of the case (the first is 1), changed. */
  from?: number;
  contentType?: string;
  accept?: string;
  headers?: Record<string, string>;
  as?: { user: string; groups?: string[] };
  /** Of a watch: read so many, then go. */
  events?: number;
  /** Asked again until these paths of the answer have these values. */
  until?: JsonObject;
  /** Caches of a recorded server are given a moment after it. */
  settle?: boolean;
  create?: JsonObject;
  query?: string;
  sub?: string;
}

export interface Case extends Change {
  name: string;
  base?: JsonObject;
  /** A namespace of its own. */
  fresh?: boolean;
  query?: string;
  setup?: (string | RequestSpec)[];
  request?: string | RequestSpec;
  steps?: (string | RequestSpec)[];
  update?: Change & { sub?: string; query?: string };
}

export interface CorpusFile {
  base?: JsonObject;
  setup?: (string | RequestSpec)[];
  cases: Case[];
}

/** A case written out: what is asked before, what is compared. */
export interface Plan {
  name: string;
  base?: JsonObject;
  fresh: boolean;
  setup: RequestSpec[];
  compared: RequestSpec[];
}

/** Whether a file is for a server with both address families. */
export const isDualStack = (file: string): boolean => file.endsWith('.dualstack.yaml');

/** Throws on a name given twice, and on a case that asks nothing. */
export function readCorpusFile(path: string): { setup: RequestSpec[]; plans: Plan[] } {
  const file = parse(readFileSync(path, 'utf8'), { merge: true, maxAliasCount: -1 }) as CorpusFile;
  const names = new Set<string>();
  const plans = file.cases.map((entry) => {
    if (names.has(entry.name)) throw new Error(`${path}: two cases '${entry.name}'`);
    names.add(entry.name);
    return planOf(entry, entry.base ?? file.base);
  });
  return { setup: (file.setup ?? []).map((request) => requestOf(request, undefined)), plans };
}

function planOf(entry: Case, base: JsonObject | undefined): Plan {
  const object = base && changed(base, entry);
  const create: RequestSpec = { create: object ?? {}, ...(entry.query ? { query: entry.query } : {}) };
  const setup = (entry.setup ?? []).map((request) => requestOf(request, object));
  let compared: RequestSpec[];
  if (entry.steps) compared = entry.steps.map((request) => requestOf(request, object));
  else if (entry.request) compared = [requestOf(entry.request, object)];
  else if (entry.update) {
    setup.push(create);
    const { sub, query, ...change } = entry.update;
    compared = [{ method: 'PUT', path: `{object}${sub ? `/${sub}` : ''}${query ? `?${query}` : ''}`, from: setup.length, ...change }];
  } else compared = [create];
  if (!object && [...setup, ...compared].includes(create)) throw new Error(`case '${entry.name}' has no base`);
  return { name: entry.name, ...(object ? { base: object } : {}), fresh: entry.fresh ?? false, setup, compared };
}

function requestOf(request: string | RequestSpec, object: JsonObject | undefined): RequestSpec {
  if (request === 'create' && object) return { create: object };
  if (typeof request !== 'string') return request;
  const space = request.indexOf(' ');
  if (space < 0) throw new Error(`a request is 'METHOD path', not '${request}'`);
  return { method: request.slice(0, space), path: request.slice(space + 1) };
}

/** A changed copy. */
export function changed(object: JsonObject, change: Change): JsonObject {
  const result = mergePatch(structuredClone(object), change.with ?? {}) as JsonObject;
  for (const [path, value] of Object.entries(change.set ?? {}))
    setPath(
      result,
      path.split(/(?<!\\)\./).map((key) => key.replaceAll('\\.', '.')),
      value,
    );
  return result;
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return structuredClone(patch);
  const result = isObject(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

function setPath(object: JsonObject, path: readonly string[], value: Json): void {
  let at: Json = object;
  for (const [index, key] of path.entries()) {
    const holder = at as JsonObject;
    if (index === path.length - 1) {
      if (value === null && Array.isArray(at)) at.splice(Number(key), 1);
      else if (value === null) delete holder[key];
      else holder[key] = structuredClone(value);
      return;
    }
    holder[key] ??= /^\d+$/.test(path[index + 1] as string) ? [] : {};
    at = holder[key] as Json;
  }
}

/** What stands at a path. */
export function valueAt(value: unknown, path: string): unknown {
  return path
    .split(/(?<!\\)\./)
    .map((key) => key.replaceAll('\\.', '.'))
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | null | undefined)?.[key], value);
}
