/** The documents, put together from parts that are made once each. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { apiVersionOf } from '../../apimachinery/meta.ts';
import type { Struct } from '../../apimachinery/schema.ts';
import type { KindDefinition } from '../kind.ts';
import { structOf, structOfKind } from '../schema.ts';
import { customSchemas } from './custom.ts';
import { loadDescriptions } from './descriptions.ts';
import { encodeDefinition, encodeDocument, encodePath } from './gnostic.ts';
import { refNames } from './names.ts';
import { pathsOf } from './operations.ts';
import { renderPath } from './render.ts';
import { type Dialect, type Json, namedSchema, patchType, reachable, structSchema } from './schemas.ts';

/** One kind in one served version. */
export interface OpenApiKind {
  definition: KindDefinition;
  /** The schema that a CustomResourceDefinition declares (`openAPIV3Schema`); absent for built-in kinds. */
  schema?: Json;
  /** Tells one state of `schema` from another. */
  revision?: string;
}

export interface OpenApiDocument {
  json: Buffer;
  /** Upper-case hexadecimal, as the `hash` of the index and the entity tag. */
  hash: string;
}

/** Counts changes to the form of the documents: clients keep them by hash. */
const edition = 2;
const info = { title: 'Kubernetes', version: 'v1.36.2' };
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const sha = (text: string | Buffer): string => createHash('sha512').update(text).digest('hex').toUpperCase();

/** `apps/v1` → `apis/apps/v1`, `v1` → `api/v1`: as the index has it. */
export const pathOf = (groupVersion: string): string => (groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`);

export function byGroupVersion(kinds: readonly OpenApiKind[]): Map<string, OpenApiKind[]> {
  return Map.groupBy(kinds, ({ definition: { group, version } }) => apiVersionOf(group, version));
}

/** Of a group version's document, without making it. */
export function hashOf(groupVersion: string, kinds: readonly OpenApiKind[]): string {
  const parts = kinds.map(({ definition: { kind, plural, verbs, subresources = {} }, revision = '' }) => [
    kind,
    plural,
    verbs,
    Object.entries(subresources).map(([name, one]) => [name, one.type]),
    revision,
  ]);
  return sha(JSON.stringify([edition, info.version, groupVersion, parts]));
}

/** What paths beside the resources answer: discovery, and the version. */
const discoveryTypes = ['APIGroup', 'APIGroupList', 'APIVersions'].map((name) => `${meta}.${name}`).concat('io.k8s.apimachinery.pkg.version.Info');

const isCustom = ({ definition, schema }: OpenApiKind): boolean => schema !== undefined || definition.schema === '';

/** The structs that a kind's operations name. */
function rootsOf(kind: OpenApiKind): Struct[] {
  const { definition } = kind;
  const names = [`${meta}.DeleteOptions`, `${meta}.Status`, `${meta}.APIResourceList`];
  if (definition.verbs.includes('watch')) names.push(`${meta}.WatchEvent`);
  if (isCustom(kind)) names.push(`${meta}.ObjectMeta`, `${meta}.ListMeta`);
  else {
    names.push(definition.schema);
    if (definition.verbs.includes('list')) names.push(refNames(definition).list);
  }
  const roots = names.map(structOf);
  for (const subresource of Object.values(definition.subresources ?? {})) {
    if (subresource.type === 'scale') roots.push(structOf('io.k8s.api.autoscaling.v1.Scale'));
    if (subresource.type !== 'custom') continue;
    const { group, version, kind: responseKind } = subresource.responseKind;
    // Options of connections are query parameters, no bodies.
    if (responseKind.endsWith('Options')) continue;
    const struct = structOfKind(apiVersionOf(group, version), responseKind);
    if (struct) roots.push(struct);
  }
  return roots;
}

interface Parts {
  paths: [string, Json][];
  /** Types of the schema table, without those that are known already. */
  schemas: [string, Json][];
  /** Types that custom kinds declare. */
  custom: [string, Json][];
  /** Of all types of the schema table that are needed. */
  names: string[];
}

async function partsOf(kinds: readonly OpenApiKind[], dialect: Dialect, known: ReadonlyMap<string, unknown> = new Map()): Promise<Parts> {
  const beside = dialect === 'v2' ? discoveryTypes.map(structOf) : [];
  const { structs, named } = reachable([...kinds.flatMap(rootsOf), ...beside]);
  const missing = [...structs.keys()].filter((name) => !known.has(name));
  // Of those known already too: fields say what their types are.
  await loadDescriptions([...structs.keys()]);
  const schemas: [string, Json][] = missing.map((name) => [name, structSchema(structs.get(name) as Struct, dialect)]);
  const others = [...named, patchType].filter((name) => namedSchema(name, dialect) !== undefined);
  for (const name of others) if (!known.has(name)) schemas.push([name, namedSchema(name, dialect) as Json]);
  const paths: [string, Json][] = [];
  const custom: [string, Json][] = [];
  for (const kind of kinds) {
    const { definition, schema } = kind;
    if (isCustom(kind)) custom.push(...Object.entries(customSchemas(definition, schema, dialect)));
    const tag = `${definition.group === '' ? 'core' : definition.group.replace(/\.k8s\.io$/, '').replaceAll('.', '_')}_${definition.version}`;
    for (const path of pathsOf(definition)) paths.push([path.path, renderPath(path, { dialect, tag, custom: isCustom(kind) })]);
  }
  return { paths, schemas, custom, names: [...structs.keys(), ...others] };
}

const byName = ([a]: [string, Json], [b]: [string, Json]): number => (a < b ? -1 : 1);

/** The OpenAPI v3 document of one group version. */
export async function documentV3(groupVersion: string, kinds: readonly OpenApiKind[]): Promise<OpenApiDocument> {
  const { paths, schemas, custom } = await partsOf(kinds, 'v3');
  const securitySchemes = { BearerToken: { description: 'Bearer Token authentication', in: 'header', name: 'authorization', type: 'apiKey' } };
  const document = {
    openapi: '3.0.0',
    info,
    paths: Object.fromEntries(paths.sort(byName)),
    components: { schemas: Object.fromEntries([...schemas, ...custom].sort(byName)), securitySchemes },
  };
  return { json: Buffer.from(JSON.stringify(document)), hash: hashOf(groupVersion, kinds) };
}

/** What one group version adds to the v2 document, besides types of the schema table. */
interface Share {
  hash: string;
  paths: string;
  pathsProto: Buffer;
  definitions: string;
  definitionsProto: Buffer;
  /** Types of the schema table that it needs. */
  names: readonly string[];
}

const shares = new Map<string, Share>();
const definitions = new Map<string, { json: string; proto: Buffer }>();

const jsonEntries = (entries: readonly [string, Json][]): string =>
  entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',');
const protoEntries = (entries: readonly [string, Json][], encode: (name: string, value: Json) => Buffer): Buffer =>
  Buffer.concat(entries.map(([name, value]) => encode(name, value)));

async function shareOf(groupVersion: string, kinds: readonly OpenApiKind[]): Promise<Share> {
  const hash = hashOf(groupVersion, kinds);
  const cached = shares.get(groupVersion);
  if (cached?.hash === hash) return cached;
  const { paths, schemas, custom, names } = await partsOf(kinds, 'v2', definitions);
  for (const [name, schema] of schemas) definitions.set(name, { json: jsonEntries([[name, schema]]), proto: encodeDefinition(name, schema) });
  const share: Share = {
    hash,
    names,
    paths: jsonEntries(paths),
    pathsProto: protoEntries(paths, encodePath),
    definitions: jsonEntries(custom),
    definitionsProto: protoEntries(custom, encodeDefinition),
  };
  shares.set(groupVersion, share);
  return share;
}

export interface OpenApiV2 {
  json: Buffer;
  /** `application/com.github.proto-openapi.spec.v2@v1.0+protobuf` */
  protobuf: Buffer;
  hash: string;
}

const security =
  '"securityDefinitions":{"BearerToken":{"description":"Bearer Token authentication","in":"header","name":"authorization","type":"apiKey"}},"security":[{"BearerToken":[]}]';

/** The OpenAPI v2 document of everything. */
export async function documentV2(kinds: readonly OpenApiKind[]): Promise<OpenApiV2> {
  const all: Share[] = [];
  for (const [groupVersion, members] of byGroupVersion(kinds)) {
    all.push(await shareOf(groupVersion, members));
    await nextTurn();
  }
  const common = [...new Set(all.flatMap(({ names }) => names))].sort().flatMap((name) => definitions.get(name) ?? []);
  const joined = (texts: readonly string[]): string => texts.filter((text) => text !== '').join(',');
  const paths = joined(all.map((share) => share.paths));
  const types = joined([...common.map(({ json }) => json), ...all.map((share) => share.definitions)]);
  const json = `{"swagger":"2.0","info":${JSON.stringify(info)},"paths":{${paths}},"definitions":{${types}},${security}}`;
  const protobuf = encodeDocument(
    info,
    Buffer.concat(all.map(({ pathsProto }) => pathsProto)),
    Buffer.concat([...common.map(({ proto }) => proto), ...all.map(({ definitionsProto }) => definitionsProto)]),
  );
  return { json: Buffer.from(json), protobuf, hash: sha(all.map(({ hash }) => hash).join(' ')) };
}
