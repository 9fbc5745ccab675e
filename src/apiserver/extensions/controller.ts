/** Follows CustomResourceDefinitions: accepts their names, serves what they declare, and empties what they leave behind. */

import { customresourcedefinitions } from '../../api/apiextensions/v1/customresourcedefinition.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../../api/apiextensions/v1/types.gen.ts';
import { copyJson } from '../../apimachinery/copy.ts';
import { deepEqual } from '../../apimachinery/equality.ts';
import { isConflict, isNotFound } from '../../apimachinery/errors.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import type { Client } from '../../client/client.ts';
import type { WebhookTransport } from '../admission/webhook/call.ts';
import type { ServerCore } from '../core.ts';
import { rawUpdate } from '../storage/raw.ts';
import { createConverter } from './conversion.ts';
import { customVersion } from './kind.ts';

export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

const conditionOf = (crd: CustomResourceDefinition, type: string): CustomResourceDefinitionCondition | undefined =>
  crd.status?.conditions?.find((condition) => condition.type === type);

export const isEstablished = (crd: CustomResourceDefinition): boolean => conditionOf(crd, 'Established')?.status === 'True';

function setCondition(crd: CustomResourceDefinition, condition: Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>, now: Date): void {
  crd.status ??= {};
  crd.status.conditions ??= [];
  const { conditions } = crd.status;
  const there = conditions.find(({ type }) => type === condition.type);
  const lastTransitionTime = there?.status === condition.status ? there.lastTransitionTime : undefined;
  const next = { ...condition, lastTransitionTime: lastTransitionTime ?? timeOf(now) };
  if (there) Object.assign(there, next);
  else conditions.push(next);
}

export interface CustomResources {
  /** Serves what is there already. */
  start(): Promise<void>;
  stop(): void;
}

export function createCustomResources(core: ServerCore, client: Client, transport: WebhookTransport): CustomResources {
  const { reader, registry, storage, log } = core;
  const resource = registry.of(customresourcedefinitions);
  /** What is served for each definition, so that nothing is done again when only the status moved. */
  const served = new Map<string, { spec: unknown; names: unknown; group: string; plural: string }>();
  const retries = new Map<string, NodeJS.Timeout>();
  let stopped = false;
  let queue: Promise<void> = Promise.resolve();

  function enqueue(name: string): void {
    queue = queue
      .then(() => (stopped ? undefined : reconcile(name)))
      .catch((error: unknown) => {
        if (stopped) return;
        if (!isConflict(error) && !isNotFound(error)) log?.warn({ err: error, crd: name }, 'a custom resource definition could not be served');
        retries.set(name, setTimeout(() => enqueue(name), 500).unref());
      });
  }

  async function reconcile(name: string): Promise<void> {
    const crd = await reader.get<CustomResourceDefinition>(customresourcedefinitions, '', name);
    if (!crd) {
      withdraw(name);
      return;
    }
    if (crd.metadata.deletionTimestamp !== undefined) {
      serve(crd);
      await empty(crd);
      return;
    }
    const conflict = await conflictOf(crd);
    await writeStatus(crd, conflict);
    const current = (await reader.get<CustomResourceDefinition>(customresourcedefinitions, '', name)) ?? crd;
    if (isEstablished(current)) serve(current);
  }

  /** Why the names are not free; undefined when they are. */
  async function conflictOf({ spec, metadata }: CustomResourceDefinition): Promise<{ reason: string; message: string } | undefined> {
    const others = (await reader.list<CustomResourceDefinition>(customresourcedefinitions)).flatMap((other) =>
      other.metadata.name !== metadata.name && other.spec.group === spec.group ? (other.status?.acceptedNames ?? []) : [],
    );
    const resources = new Set<string>();
    const kinds = new Set<string>();
    for (const { plural, singular = '', shortNames = [], kind, listKind = '' } of others) {
      for (const one of [plural, singular, ...shortNames]) if (one) resources.add(one);
      for (const one of [kind, listKind]) if (one) kinds.add(one);
    }
    const { plural, singular = '', shortNames = [], kind, listKind = '' } = spec.names;
    const taken = (text: string): string => `${JSON.stringify(text)} is already in use`;
    if (resources.has(plural)) return { reason: 'PluralConflict', message: taken(plural) };
    if (singular && resources.has(singular)) return { reason: 'SingularConflict', message: taken(singular) };
    const short = shortNames.find((one) => resources.has(one));
    if (short) return { reason: 'ShortNamesConflict', message: taken(short) };
    if (kinds.has(kind)) return { reason: 'KindConflict', message: taken(kind) };
    if (listKind && kinds.has(listKind)) return { reason: 'ListKindConflict', message: taken(listKind) };
    return undefined;
  }

  async function writeStatus(crd: CustomResourceDefinition, conflict: { reason: string; message: string } | undefined): Promise<void> {
    await rawUpdate(storage, resource, {
      namespace: '',
      name: crd.metadata.name,
      uid: crd.metadata.uid,
      change(object) {
        const current = object as unknown as CustomResourceDefinition;
        const before = copyJson(current.status);
        const now = new Date();
        current.status ??= {};
        if (conflict) setCondition(current, { type: 'NamesAccepted', status: 'False', ...conflict }, now);
        else {
          current.status.acceptedNames = copyJson(current.spec.names);
          setCondition(current, { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }, now);
        }
        if (!isEstablished(current)) {
          const established = { reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' };
          if (conflict) setCondition(current, { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }, now);
          else setCondition(current, { type: 'Established', status: 'True', ...established }, now);
        }
        const storageVersion = current.spec.versions.find(({ storage: stored }) => stored)?.name;
        const versions = current.status.storedVersions ?? [];
        if (storageVersion && !versions.includes(storageVersion)) current.status.storedVersions = [...versions, storageVersion];
        return !deepEqual(before, current.status);
      },
    });
  }

  function serve(crd: CustomResourceDefinition): void {
    const { name } = crd.metadata;
    const { group, names, versions } = crd.spec;
    const known = served.get(name);
    const accepted = [crd.status?.acceptedNames, crd.metadata.deletionTimestamp !== undefined];
    if (known && deepEqual(known.spec, crd.spec) && deepEqual(known.names, accepted)) return;
    const storageVersion = versions.find(({ storage: stored }) => stored) ?? versions[0];
    if (!storageVersion) return;
    const converter = crd.spec.conversion?.strategy === 'Webhook' ? createConverter(transport, crd) : undefined;
    const offered = versions
      .filter(({ served: isServed }) => isServed)
      .map((version) => {
        const custom = customVersion(crd, version);
        const finish = custom.fromStored as NonNullable<typeof custom.fromStored>;
        return converter ? { ...custom, remote: converter(version.name, storageVersion.name, (object) => finish(object, object.apiVersion ?? '')) } : custom;
      });
    const hub = offered.find(({ definition }) => definition.version === storageVersion.name) ?? customVersion(crd, storageVersion);
    const sorted = offered.toSorted((a, b) => compareVersions(a.definition.version, b.definition.version));
    registry.setCustom(group, names.plural, sorted, hub, crd.metadata.deletionTimestamp !== undefined);
    served.set(name, { spec: copyJson(crd.spec), names: copyJson(accepted), group, plural: names.plural });
  }

  function withdraw(name: string): void {
    const known = served.get(name);
    if (!known) return;
    served.delete(name);
    registry.setCustom(known.group, known.plural, [], undefined);
  }

  /** Deletes every object of the kind; when none is left, the definition may go. */
  async function empty(crd: CustomResourceDefinition): Promise<void> {
    const { metadata, spec } = crd;
    if (!metadata.finalizers?.includes(cleanupFinalizer)) return;
    const version = spec.versions.find(({ served: isServed }) => isServed)?.name;
    const { cache } = registry.storedOf(spec.group, spec.names.plural) ?? {};
    if (cache && version) {
      const custom = client.resource({ group: spec.group, version, plural: spec.names.plural, kind: spec.names.kind, namespaced: spec.scope === 'Namespaced' });
      for (const entry of [...cache.entries.values()]) {
        await custom.delete(entry.namespace, entry.name).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      }
      if (cache.entries.size > 0) {
        retries.set(metadata.name, setTimeout(() => enqueue(metadata.name), 1000).unref());
        return;
      }
    }
    const definitions = client.resource(customresourcedefinitions);
    const current = await definitions.get('', metadata.name);
    await definitions.update({
      ...current,
      metadata: { ...current.metadata, finalizers: (current.metadata.finalizers ?? []).filter((one) => one !== cleanupFinalizer) },
    });
  }

  return {
    async start() {
      reader.onChange<CustomResourceDefinition>(customresourcedefinitions, (_type, crd) => enqueue(crd.metadata.name));
      for (const crd of await reader.list<CustomResourceDefinition>(customresourcedefinitions)) {
        if (isEstablished(crd)) serve(crd);
        enqueue(crd.metadata.name);
      }
    },
    stop() {
      stopped = true;
      for (const timer of retries.values()) clearTimeout(timer);
    },
  };
}

/** `v2` before `v1` before `v1beta2` before `v1alpha1` before anything else, which is in alphabetical order. */
export function compareVersions(a: string, b: string): number {
  const parse = (text: string): { major: number; stage: number; minor: number } | undefined => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text);
    return match ? { major: Number(match[1]), stage: match[2] === 'alpha' ? 0 : match[2] === 'beta' ? 1 : 2, minor: Number(match[3] ?? 0) } : undefined;
  };
  const [left, right] = [parse(a), parse(b)];
  if (left && right) return right.stage - left.stage || right.major - left.major || right.minor - left.minor;
  if (left || right) return left ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
