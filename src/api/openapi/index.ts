/**
 * OpenAPI documents of everything that is served, made from the schema table and the kinds' declarations when first asked for.
 *
 * Each function takes the kinds that are served; the API server passes one array as long as nothing changes, and all results
 * are kept for that array (parts of built-in kinds longer). Without an argument: all built-in kinds that are on by default.
 *
 * - `openapiV3Index(kinds?): OpenApiDocument` answers `GET /openapi/v3`: JSON, `{"paths": {"api/v1": {"serverRelativeURL": …}}}`.
 * - `openapiV3(groupVersion, kinds?): Promise<OpenApiDocument | undefined>` answers `GET /openapi/v3/api/v1` and
 *   `/openapi/v3/apis/<group>/<version>`: JSON only. `groupVersion` is `v1`, `apps/v1`, …; undefined is a 404.
 * - `openapiV2(kinds?): Promise<OpenApiV2>` answers `GET /openapi/v2`: `json`, and `protobuf` for clients that accept
 *   `application/com.github.proto-openapi.spec.v2@v1.0+protobuf` (kubectl accepts nothing else).
 *
 * `hash` is the entity tag (in quotes) of each. A request for a v3 document with `?hash=` may be answered with
 * `Cache-Control: public, immutable` and an `Expires` far away when the hash is the current one, and with a redirect (301) to
 * the current URL when it is not, as upstream does.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { builtinKinds } from '../index.ts';
import { byGroupVersion, documentV2, documentV3, hashOf, type OpenApiDocument, type OpenApiKind, type OpenApiV2, pathOf } from './documents.ts';

export type { OpenApiDocument, OpenApiKind, OpenApiV2 } from './documents.ts';

/** What kubectl accepts for v2. */
export const protobufV2 = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

const builtin: readonly OpenApiKind[] = builtinKinds.filter(({ offByDefault }) => !offByDefault).map((definition) => ({ definition }));

interface Made {
  groups: Map<string, OpenApiKind[]>;
  index?: OpenApiDocument;
  v2?: Promise<OpenApiV2>;
}

const made = new WeakMap<readonly OpenApiKind[], Made>();
/** By group version, whatever array it came from. */
const documents = new Map<string, { hash: string; document: Promise<OpenApiDocument> }>();

function of(kinds: readonly OpenApiKind[]): Made {
  let found = made.get(kinds);
  if (!found) {
    found = { groups: byGroupVersion(kinds) };
    made.set(kinds, found);
  }
  return found;
}

export function openapiV3Index(kinds: readonly OpenApiKind[] = builtin): OpenApiDocument {
  const known = of(kinds);
  if (!known.index) {
    const paths: Record<string, { serverRelativeURL: string }> = {};
    for (const [groupVersion, members] of known.groups) {
      const path = pathOf(groupVersion);
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(groupVersion, members)}` };
    }
    const json = Buffer.from(JSON.stringify({ paths }));
    known.index = { json, hash: createHash('sha512').update(json).digest('hex').toUpperCase() };
  }
  return known.index;
}

export async function openapiV3(groupVersion: string, kinds: readonly OpenApiKind[] = builtin): Promise<OpenApiDocument | undefined> {
  const members = of(kinds).groups.get(groupVersion);
  if (!members) return undefined;
  const hash = hashOf(groupVersion, members);
  let cached = documents.get(groupVersion);
  if (cached?.hash !== hash) {
    cached = { hash, document: documentV3(groupVersion, members) };
    documents.set(groupVersion, cached);
  }
  return cached.document;
}

export function openapiV2(kinds: readonly OpenApiKind[] = builtin): Promise<OpenApiV2> {
  const known = of(kinds);
  known.v2 ??= documentV2(kinds);
  return known.v2;
}
