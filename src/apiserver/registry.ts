/**
 * The resources that are served, by group, version and name. Built-in kinds are there from the start;
 * custom resources come and go while the server runs.
 */

import type { KindDefinition, Subresource } from '../api/kind.ts';
import { hasStruct, structOf } from '../api/schema.ts';
import { copyJson } from '../apimachinery/copy.ts';
import type { Decoded, DecodeOptions } from '../apimachinery/decode/object.ts';
import type { GroupResource } from '../apimachinery/errors.ts';
import type { FieldError } from '../apimachinery/fieldpath.ts';
import type { Convert } from '../apimachinery/managedfields/index.ts';
import type { KubeObject } from '../apimachinery/meta.ts';
import { apiVersionOf } from '../apimachinery/meta.ts';
import { own } from '../apimachinery/own.ts';
import type { Struct } from '../apimachinery/schema.ts';
import { registryPrefix } from './cacher/cacher.ts';
import type { CacheEntry, ResourceCache, StoredObject } from './cacher/resource-cache.ts';
import type { ResourceHooks } from './contracts.ts';

/** What all served versions of a resource have in common: one place in the store, one watch cache. */
export interface StoredResource {
  /** The version that is written. */
  definition: KindDefinition;
  /** Of that version; absent for custom resources. */
  struct?: Struct;
  groupResource: GroupResource;
  apiVersion: string;
  prefix: string;
  cache: ResourceCache;
  hooks: ResourceHooks[];
}

/** One resource in one served version. */
export interface Resource {
  definition: KindDefinition;
  struct: Struct;
  /** `apps/v1` */
  apiVersion: string;
  groupResource: GroupResource;
  listKind: string;
  stored: StoredResource;
  /** A custom resource: no protobuf form, every list item with its type. */
  custom: boolean;
  /** From what is stored (under `apiVersion`) to this version. Absent when they are the same; may ask a conversion webhook. */
  fromStored?(object: StoredObject, storedAs: string): StoredObject;
  toStored?(object: StoredObject): StoredObject;
  /** For kinds that the schema table does not know: what their OpenAPI documents say. */
  openapi?: { schema?: Record<string, unknown>; revision: string };
  /** Reads a parsed body, where the schema table is not what says how. */
  decode?(value: unknown, options: DecodeOptions): Decoded<StoredObject>;
  /** What is wrong with the object in this version, besides what its declaration finds in the stored one. */
  validate?(object: StoredObject, old: StoredObject | undefined, subresource: string): FieldError[];
  /** Its definition is going: nothing new may be created. */
  terminating?: boolean;
  /**
   * Where only a webhook can convert: makes the served form of entries ready (`servedObject` gives it then), and the stored
   * form of an object (which `toStored` would). Absent where conversion is a function.
   */
  remote?: RemoteConversion;
  /** Between served versions of this resource, for field ownership. */
  convert: Convert;
  /** `{"kind":"K","apiVersion":"V",`: put before the cached form. */
  head: Buffer;
}

export interface RemoteConversion {
  prepare(entries: readonly CacheEntry[]): Promise<void>;
  served(entry: CacheEntry): StoredObject | undefined;
  toStored(object: StoredObject): Promise<StoredObject>;
}

/** One served version of a custom resource. */
export interface CustomVersion extends Pick<Resource, 'struct' | 'decode' | 'validate' | 'openapi' | 'fromStored' | 'toStored' | 'remote'> {
  definition: KindDefinition;
}

export interface AddOptions {
  struct?: Struct;
  custom?: boolean;
  /** For kinds whose conversion is not in their declaration (custom resources). */
  fromStored?(object: StoredObject, storedAs: string): StoredObject;
  toStored?(object: StoredObject): StoredObject;
  /** The version that is written, when it is not the first that was added. */
  hub?: KindDefinition;
  openapi?: Resource['openapi'];
}

const prefixFor = (group: string, plural: string): string => `${registryPrefix}${group === '' ? 'core' : group}/${plural}/`;

const keyOf = (group: string, version: string, resource: string): string => `${group}/${version}/${resource}`;

export class KindRegistry {
  readonly #resources = new Map<string, Resource>();
  readonly #stored = new Map<string, StoredResource>();
  readonly #cacheOf: (prefix: string) => ResourceCache;
  readonly #listeners: (() => void)[] = [];
  /** Counts changes: discovery and OpenAPI documents are made again when it moved. */
  generation = 0;

  constructor(cacheOf: (prefix: string) => ResourceCache) {
    this.#cacheOf = cacheOf;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Adds kinds as one change, in the order in which discovery lists them; a hub may come after a kind that converts to it. */
  add(definitions: readonly KindDefinition[], options: AddOptions = {}): Resource[] {
    const hubsFirst = definitions.toSorted((a, b) => Number(a.conversion !== undefined) - Number(b.conversion !== undefined));
    const made = new Map(hubsFirst.map((definition) => [definition, this.#add(definition, options)]));
    for (const [definition, resource] of definitions.map((one) => [one, made.get(one) as Resource] as const)) {
      const key = keyOf(definition.group, definition.version, definition.plural);
      this.#resources.delete(key);
      this.#resources.set(key, resource);
    }
    this.#changed();
    return definitions.map((definition) => made.get(definition) as Resource);
  }

  /**
   * Serves a custom resource in these versions, and in no others; none takes it away. `hub` is the version that is written.
   * What is stored stays stored. Watches end, since what they show may have changed.
   */
  setCustom(group: string, plural: string, versions: readonly CustomVersion[], hub: CustomVersion | undefined, terminating = false): void {
    for (const [key, { definition }] of [...this.#resources]) if (definition.group === group && definition.plural === plural) this.#resources.delete(key);
    const stored = hub && this.#storedOf(hub.definition);
    if (stored && hub) {
      stored.definition = hub.definition;
      stored.apiVersion = apiVersionOf(group, hub.definition.version);
      for (const { definition, struct, ...rest } of versions) {
        const resource = this.#add(definition, { struct, custom: true, hub: hub.definition });
        Object.assign(resource, rest, { terminating });
        if (!resource.toStored && definition !== hub.definition) {
          resource.toStored = (object) => ({ ...object, apiVersion: stored.apiVersion, kind: hub.definition.kind });
        }
      }
    }
    this.storedOf(group, plural)?.cache.restart();
    this.#changed();
  }

  storedOf(group: string, plural: string): StoredResource | undefined {
    return this.#stored.get(prefixFor(group, plural));
  }

  #add(definition: KindDefinition, options: AddOptions): Resource {
    const { group, version, plural, kind } = definition;
    const stored = this.#storedOf(options.hub ?? definition);
    const apiVersion = apiVersionOf(group, version);
    const hub = stored.definition;
    const same = hub === definition;
    const { conversion } = definition;
    const struct = options.struct ?? structOf(definition.schema);
    const resource: Resource = {
      definition,
      struct,
      apiVersion,
      groupResource: { group, resource: plural },
      listKind: definition.listKind ?? `${kind}List`,
      stored,
      custom: options.custom ?? false,
      convert: (from, to) => this.#convert(resource, from.object as StoredObject, to),
      head: Buffer.from(`{"kind":"${kind}","apiVersion":"${apiVersion}",`),
    };
    if (options.openapi) resource.openapi = options.openapi;
    if (options.fromStored) resource.fromStored = options.fromStored;
    else if (conversion) resource.fromStored = (object) => Object.assign(conversion.fromHub(object) as StoredObject, { apiVersion, kind });
    else if (!same) resource.fromStored = (object) => ({ ...object, apiVersion, kind });
    if (options.toStored) resource.toStored = options.toStored;
    else if (conversion) {
      resource.toStored = (object) => Object.assign(conversion.toHub(object) as StoredObject, { apiVersion: stored.apiVersion, kind: hub.kind });
    } else if (!same) resource.toStored = (object) => ({ ...object, apiVersion: stored.apiVersion, kind: hub.kind });
    this.#resources.set(keyOf(group, version, plural), resource);
    return resource;
  }

  #convert(from: Resource, object: StoredObject, apiVersion: string): ReturnType<Convert> {
    for (const to of this.#resources.values()) {
      if (to.stored !== from.stored || to.apiVersion !== apiVersion) continue;
      const copy = copyJson(object);
      const hub = from.toStored ? from.toStored(copy) : copy;
      return { apiVersion, struct: to.struct, object: to.fromStored ? to.fromStored(hub, to.stored.apiVersion) : hub };
    }
    return undefined;
  }

  /** Versions without a conversion of their own share the place, and the form, of the first that was added. */
  #storedOf(definition: KindDefinition): StoredResource {
    const hubKey = definition.conversion?.hub;
    let { group } = definition;
    if (hubKey !== undefined) {
      const hub = [...this.#resources.values()].find(
        ({ definition: other }) =>
          `${other.group}/${other.version}/${other.kind}` === hubKey || `${apiVersionOf(other.group, other.version)}/${other.kind}` === hubKey,
      );
      if (!hub) throw new Error(`${definition.kind}: the hub version ${hubKey} is not known`);
      return hub.stored;
    }
    const prefix = prefixFor(group, definition.plural);
    let stored = this.#stored.get(prefix);
    if (!stored) {
      group = definition.group;
      stored = {
        definition,
        groupResource: { group, resource: definition.plural },
        apiVersion: apiVersionOf(group, definition.version),
        prefix,
        cache: this.#cacheOf(prefix),
        hooks: [],
      };
      if (hasStruct(definition.schema)) stored.struct = stored.cache.struct = structOf(definition.schema);
      this.#stored.set(prefix, stored);
    }
    return stored;
  }

  #changed(): void {
    this.generation++;
    for (const listener of this.#listeners) listener();
  }

  find(group: string, version: string, resource: string): Resource | undefined {
    return this.#resources.get(keyOf(group, version, resource));
  }

  /** The resource of a definition, for those who hold declarations. */
  of(definition: KindDefinition): Resource {
    const found = this.find(definition.group, definition.version, definition.plural);
    if (!found) throw new Error(`${definition.kind} is not served`);
    return found;
  }

  findKind(group: string, version: string, kind: string): Resource | undefined {
    for (const resource of this.#resources.values()) {
      const { definition } = resource;
      if (definition.group === group && definition.version === version && definition.kind === kind) return resource;
    }
    return undefined;
  }

  all(): Iterable<Resource> {
    return this.#resources.values();
  }
}

/** The declaration of a subresource, if the kind has it. */
export const subresourceOf = (resource: Resource, name: string): Subresource<KubeObject> | undefined => own(resource.definition.subresources, name);
