/** How servers behind APIServices describe what they serve: v3 is theirs to answer, v2 is merged into this server's. */
import type { APIService } from '../../api/apiregistration/v1/types.gen.ts';
import type { RemoteV2 } from '../../api/openapi/index.ts';
import { apiVersionOf } from '../../apimachinery/meta.ts';
import type { RemoteDocuments } from '../nonresource/openapi.ts';
import type { Ask } from './ask.ts';

/** For so long, in milliseconds, nobody is asked again. */
const freshMs = 10_000;

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const sectionOf = (document: Json, name: string): Record<string, Json> => (isObject(document[name]) ? document[name] : {}) as Record<string, Json>;

/** Every name that is referred to below `prefix`. */
function refsOf(value: unknown, prefix: string, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const item of value) refsOf(item, prefix, found);
  else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      if (name === '$ref' && typeof inner === 'string') {
        if (inner.startsWith(prefix)) found.add(inner.slice(prefix.length));
      } else refsOf(inner, prefix, found);
    }
  }
  return found;
}

/** What of a v2 document is of the group version: its paths, and what these need. */
export function partOf(document: unknown, groupVersion: string, hash: string): RemoteV2 | undefined {
  if (!isObject(document)) return undefined;
  const below = `/apis/${groupVersion}/`;
  const paths = Object.fromEntries(Object.entries(sectionOf(document, 'paths')).filter(([path]) => path.startsWith(below)));
  const shared = sectionOf(document, 'parameters');
  const parameters = Object.fromEntries([...refsOf(paths, '#/parameters/')].flatMap((name) => (shared[name] ? [[name, shared[name]]] : [])));
  const all = sectionOf(document, 'definitions');
  const definitions: Record<string, Json> = {};
  // A set that grows while it is gone through.
  const wanted = refsOf([paths, parameters], '#/definitions/');
  for (const name of wanted) {
    const definition = all[name];
    if (!definition) continue;
    definitions[name] = definition;
    refsOf(definition, '#/definitions/', wanted);
  }
  return { hash, paths, definitions, parameters };
}

interface Known {
  etag: string;
  asked: number;
  v2: Promise<RemoteV2 | undefined>;
}

/** Asks a server what it describes; what it does not describe is simply not there. */
export function createDescriber(ask: Ask): (service: APIService) => Promise<RemoteDocuments> {
  const known = new Map<string, Known>();

  function v2(service: APIService, name: string, groupVersion: string): Promise<RemoteV2 | undefined> {
    const former = known.get(name);
    const now = performance.now();
    if (former && now - former.asked < freshMs) return former.v2;
    const state: Known = { etag: former?.etag ?? '', asked: now, v2: Promise.resolve(undefined) };
    state.v2 = ask(service, '/openapi/v2', state.etag).then(
      ({ etag, body }) => {
        if (body === undefined) return former?.v2;
        state.etag = etag;
        return partOf(body, groupVersion, `${name} ${etag || now}`);
      },
      // What was described stays so while the server does not answer.
      () => former?.v2,
    );
    known.set(name, state);
    return state.v2;
  }

  return async (service) => {
    const { metadata, spec } = service;
    const groupVersion = apiVersionOf(spec?.group ?? '', spec?.version ?? '');
    const key = `apis/${groupVersion}`;
    const index = await ask(service, '/openapi/v3').then(
      ({ body }) => (isObject(body) ? sectionOf(body, 'paths')[key] : undefined),
      () => undefined,
    );
    const serverRelativeURL = index?.['serverRelativeURL'];
    const name = `${metadata.uid}`;
    return { v3: typeof serverRelativeURL === 'string' ? { [key]: { serverRelativeURL } } : {}, v2: () => v2(service, name, groupVersion) };
  };
}
