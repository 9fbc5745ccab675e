/**
 * OpenAPI documents of everything that is served, made from the schema table and the kinds' declarations when first asked for,
 * and kept compressed.
 *
 * Each function takes the kinds that are served; the API server passes one array as long as nothing changes. Without an
 * argument: all built-in kinds that are on by default. `key` is a section as the index names it: `api/v1`, `apis/apps/v1`,
 * `apis/apps`, `version`; undefined is a 404. `hash` is the entity tag of a document in every encoding, known before it is made.
 */
import type { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { builtinKinds } from '../index.ts';
import { compose, type OpenApiKind, type RemoteV2, type Section, sectionsOf, sha } from './documents.ts';
import type { Encoding } from './forms.ts';
import type { Dialect } from './schemas.ts';

export type { OpenApiKind, RemoteV2 } from './documents.ts';
export type { Encoding } from './forms.ts';

/** What kubectl accepts for v2, and client-go for v3. */
export const protobufTypes: Readonly<Record<Dialect, string>> = {
  v2: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  v3: 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf',
};

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

export interface OpenApiDocument {
  /** Upper-case hexadecimal. */
  hash: string;
  /** The body, compressed with gzip or not. */
  compressed(encoding: Encoding): Promise<Buffer>;
  plain(encoding: Encoding): Promise<Buffer>;
}

const builtin: readonly OpenApiKind[] = builtinKinds.filter(({ offByDefault }) => !offByDefault).map((definition) => ({ definition }));

const sectionsByKinds = new WeakMap<readonly OpenApiKind[], Map<string, Section>>();
/** By key, and `''` for v2: the newest, whatever array it came from. */
const documents = new Map<string, OpenApiDocument>();

function sections(kinds: readonly OpenApiKind[]): Map<string, Section> {
  let found = sectionsByKinds.get(kinds);
  if (!found) sectionsByKinds.set(kinds, (found = sectionsOf(kinds)));
  return found;
}

function documentOf(key: string, hash: string, make: (encoding: Encoding) => Promise<Buffer>): OpenApiDocument {
  const known = documents.get(key);
  if (known?.hash === hash) return known;
  const bodies: Partial<Record<Encoding, Promise<Buffer>>> = {};
  const compressed = (encoding: Encoding): Promise<Buffer> => {
    // What failed may be asked for again.
    bodies[encoding] ??= make(encoding).then((body) => gzipAsync(body));
    return bodies[encoding].catch((error: unknown) => {
      delete bodies[encoding];
      throw error;
    });
  };
  const document: OpenApiDocument = { hash, compressed, plain: async (encoding) => gunzipAsync(await compressed(encoding)) };
  documents.set(key, document);
  return document;
}

/** Answers `GET /openapi/v3`: where each document is, by key. */
export function openapiV3Paths(kinds: readonly OpenApiKind[] = builtin): Record<string, { serverRelativeURL: string }> {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const { key, hash } of sections(kinds).values()) paths[key] = { serverRelativeURL: `/openapi/v3/${key}?hash=${hash}` };
  return paths;
}

/** Answers `GET /openapi/v3/<key>`. */
export function openapiV3(key: string, kinds: readonly OpenApiKind[] = builtin): OpenApiDocument | undefined {
  const section = sections(kinds).get(key);
  return section && documentOf(key, section.hash, (encoding) => compose([section], 'v3', encoding));
}

/** Answers `GET /openapi/v2`, with what other servers say of what is theirs. */
export function openapiV2(kinds: readonly OpenApiKind[] = builtin, remote: readonly RemoteV2[] = []): OpenApiDocument {
  const all = [...sections(kinds).values()];
  return documentOf('', sha([...all, ...remote].map(({ hash }) => hash).join(' ')), (encoding) => compose(all, 'v2', encoding, remote));
}
