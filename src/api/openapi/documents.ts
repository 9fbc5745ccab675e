/** The documents, by section: a group version, a group, or a path beside the resources. */
import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { apiVersionOf } from '../../apimachinery/meta.ts';
import type { Struct } from '../../apimachinery/schema.ts';
import type { KindDefinition } from '../kind.ts';
import { hasStruct, structOf } from '../schema.ts';
import { customSchemas, typeMetaSource } from './custom.ts';
import { loadDescriptions } from './descriptions.ts';
import { type Encoding, type Frame, forms } from './forms.ts';
import { type Path, typesOf } from './operations.ts';
import { renderV2, renderV3, type SharedParameters } from './render.ts';
import { resourcePaths } from './resources.ts';
import { type Dialect, type Json, namedSchema, reachable, structSchema } from './schemas.ts';
import { groupPath, serverPaths, versionPath } from './serverpaths.ts';

/** One kind in one served version. */
export interface OpenApiKind {
  definition: KindDefinition;
  /** The schema that a CustomResourceDefinition declares (`openAPIV3Schema`); absent for built-in kinds. */
  schema?: Json;
  /** Tells one state of `schema` from another. */
  revision?: string;
}

/** What one v3 document describes. */
export interface Section {
  /** As the index has it: `apis/apps/v1`, `api/v1`, `version`. */
  key: string;
  /** Upper-case hexadecimal; known without making the document. */
  hash: string;
  custom: boolean;
  kinds: readonly OpenApiKind[];
  paths(): Path[];
}

/** Of another server's v2 document, what is of the group version that it answers for. */
export interface RemoteV2 {
  hash: string;
  paths: Readonly<Record<string, Json>>;
  definitions: Readonly<Record<string, Json>>;
  parameters: Readonly<Record<string, Json>>;
}

/** Counts changes to the form of the documents: clients keep them by hash. */
const edition = 3;
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const bearer = { BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } };
const frame: Frame = { info: { title: 'Kubernetes', version: 'v1.36.2' }, securitySchemes: bearer };
/** Upstream's words for documents of custom resources. */
const customFrame: Frame = { info: { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' }, securitySchemes: undefined };

export const sha = (text: string | Buffer): string => createHash('sha512').update(text).digest('hex').toUpperCase();

function hashOf(key: string, kinds: readonly OpenApiKind[]): string {
  const parts = kinds.map(({ definition: { kind, plural, verbs, subresources = {} }, revision = '' }) => [
    kind,
    plural,
    verbs,
    Object.entries(subresources).map(([name, one]) => [name, one.type]),
    revision,
  ]);
  return sha(JSON.stringify([edition, frame.info.version, key, parts]));
}

const isCustom = ({ definition, schema }: OpenApiKind): boolean => schema !== undefined || definition.schema === '';

/** Everything that is described when these kinds are served, by key, in order. */
export function sectionsOf(kinds: readonly OpenApiKind[]): Map<string, Section> {
  const sections: Section[] = [];
  const add = (key: string, custom: boolean, members: readonly OpenApiKind[], paths: () => Path[]): void =>
    void sections.push({ key, hash: hashOf(key, members), custom, kinds: members, paths });
  for (const [key, path] of Object.entries(serverPaths)) add(key, false, [], () => [path]);
  const groups = new Set<string>();
  for (const [groupVersion, members] of Map.groupBy(kinds, ({ definition: { group, version } }) => apiVersionOf(group, version))) {
    const [{ definition }] = members as [OpenApiKind];
    const { group, version } = definition;
    const custom = members.every(isCustom);
    if (group !== '' && !custom && !groups.has(group)) {
      groups.add(group);
      add(`apis/${group}`, false, [], () => [groupPath(group)]);
    }
    add(group === '' ? `api/${version}` : `apis/${groupVersion}`, custom, members, () => [
      ...(custom ? [] : [versionPath(group, version)]),
      ...members.flatMap((kind) => resourcePaths(kind.definition, isCustom(kind))),
    ]);
  }
  return new Map(sections.sort((a, b) => (a.key < b.key ? -1 : 1)).map((section) => [section.key, section]));
}

/** The longest that making documents keeps the event loop, in milliseconds. */
const sliceMs = 8;

/** Gives the event loop back when it was kept for long enough. */
function pacer(): () => Promise<void> | undefined {
  let started = performance.now();
  return () => {
    if (performance.now() - started < sliceMs) return undefined;
    return nextTurn().then(() => {
      started = performance.now();
    });
  };
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
const sorted = (entries: [string, Buffer][]): Buffer[] => entries.sort(byName).map(([, entry]) => entry);

/** Groups whose kinds upstream's documents of custom resources do not know: what client-go leaves out. */
const serversOwn = /^(?:admission|apiextensions|apiregistration|imagepolicy)\.k8s\.io\//;

/** Of kinds that are in many groups (DeleteOptions), a v3 document names the core group's and its own. */
function knownIn([section]: readonly Section[]): (kind: string) => boolean {
  if (section?.custom) return (kind) => !serversOwn.test(kind);
  const own = `${section?.key.replace(/^apis?\//, '')}/`;
  return (kind) => kind.startsWith('/v1/') || kind.startsWith(own);
}

/** One document of these sections. */
export async function compose(sections: readonly Section[], dialect: Dialect, encoding: Encoding, remote: readonly RemoteV2[] = []): Promise<Buffer> {
  const form = forms[dialect][encoding];
  const breathe = pacer();
  const parameters: SharedParameters = new Map();
  const paths: [string, Buffer][] = [];
  const schemas = new Map<string, Buffer>();
  const names = new Set<string>();
  const isNamed = dialect === 'v3' ? knownIn(sections) : undefined;
  await loadDescriptions([typeMetaSource]);
  for (const section of sections) {
    const described = section.paths();
    for (const name of typesOf(described)) names.add(name);
    for (const path of described) {
      paths.push([path.path, form.path(path.path, dialect === 'v3' ? renderV3(path) : renderV2(path, parameters))]);
      await breathe();
    }
    for (const { definition, schema } of section.kinds.filter(isCustom)) {
      for (const type of ['ObjectMeta', 'ListMeta']) names.add(`${meta}.${type}`);
      for (const [name, json] of Object.entries(customSchemas(definition, schema, dialect))) schemas.set(name, form.schema(name, json));
      await breathe();
    }
  }
  const { structs, named } = reachable([...names].filter(hasStruct).map(structOf));
  await loadDescriptions([...structs.keys()]);
  for (const name of [...structs.keys(), ...named, ...names]) {
    if (schemas.has(name)) continue;
    const json = namedSchema(name, dialect) ?? (structs.has(name) ? structSchema(structs.get(name) as Struct, dialect, isNamed) : undefined);
    if (json) schemas.set(name, form.schema(name, json));
    await breathe();
  }
  for (const { paths: others, definitions, parameters: shared } of remote) {
    for (const [path, json] of Object.entries(others)) paths.push([path, form.path(path, json)]);
    // A name that is known here means the same there: types that all servers have.
    for (const [name, json] of Object.entries(definitions)) if (!schemas.has(name)) schemas.set(name, form.schema(name, json));
    for (const [name, json] of Object.entries(shared)) if (!parameters.has(name)) parameters.set(name, json);
    await breathe();
  }
  const custom = dialect === 'v3' && sections.every((section) => section.custom);
  return form.document(custom ? customFrame : frame, {
    paths: sorted(paths),
    schemas: sorted([...schemas]),
    parameters: sorted([...parameters].map(([name, json]) => [name, form.parameter(name, json)])),
  });
}
