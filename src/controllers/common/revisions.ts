/** The history of a workload's templates as ControllerRevisions. Source of the rules: upstream's `controller/history`. */
import { controllerrevisions } from '../../api/apps/v1/controllerrevision.ts';
import type { ControllerRevision } from '../../api/apps/v1/types.gen.ts';
import type { PodTemplateSpec } from '../../api/core/v1/types.gen.ts';
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts';
import type { KubeObject, LabelSelector } from '../../apimachinery/meta.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import type { Client, ResourceClient } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';
import { claim } from './claim.ts';
import { controllerReference, createOwnedLister, isControlledBy } from './ownership.ts';
import { canonicalJson, templateHash } from './templatehash.ts';

export interface RevisionedObject extends KubeObject {
  spec: { selector: LabelSelector; template: PodTemplateSpec; revisionHistoryLimit?: number };
}

/**
 * What `kubectl rollout undo` applies as a strategic merge patch. Written as upstream's controllers write it, byte for byte
 * (keys in order, `resources` and `metadata` even when empty): they tell revisions apart by their bytes.
 */
export function revisionData({ metadata = {}, spec }: PodTemplateSpec): Record<string, unknown> {
  const withResources = <T extends object>(containers: readonly T[] | undefined): T[] | undefined =>
    containers?.map((container) => ({ ...container, resources: 'resources' in container && container.resources ? container.resources : {} }));
  const whole = spec && {
    ...spec,
    containers: withResources(spec.containers),
    ...(spec.initContainers ? { initContainers: withResources(spec.initContainers) } : {}),
  };
  return { spec: JSON.parse(canonicalJson({ template: { metadata, spec: whole, $patch: 'replace' } })) };
}

/** The template that a revision keeps. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { template } = (data as { spec: { template: PodTemplateSpec & { $patch?: string } } }).spec;
  const { $patch: _, ...rest } = template;
  return rest;
}

const sameData = (a: ControllerRevision['data'], b: ControllerRevision['data']): boolean => canonicalJson(a) === canonicalJson(b);

const byRevision = (a: ControllerRevision, b: ControllerRevision): number =>
  a.revision - b.revision ||
  ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '')
    ? -1
    : (a.metadata.creationTimestamp ?? '') > (b.metadata.creationTimestamp ?? '')
      ? 1
      : 0) ||
  (a.metadata.name < b.metadata.name ? -1 : 1);

export interface Revisions<T extends RevisionedObject> {
  /** The owner's, oldest first; orphans that match are adopted. */
  list(owner: T): Promise<ControllerRevision[]>;
  /** The revision of the owner's template: found (and made the newest) or created. Gives the collision count that follows. */
  sync(
    owner: T,
    revisions: readonly ControllerRevision[],
    collisionCount: number | undefined,
  ): Promise<{ update: ControllerRevision; collisionCount: number | undefined }>;
  /** Deletes the oldest beyond the limit, but none that is in use. */
  truncate(owner: T, revisions: readonly ControllerRevision[], live: ReadonlySet<string>): Promise<void>;
}

/** `labelsOf` adds to the labels of a new revision, given its hash. */
export function createRevisions<T extends RevisionedObject>(
  client: Client,
  informers: InformerFactory,
  owners: ResourceClient<T>,
  labelsOf: (hash: string) => Record<string, string>,
): Revisions<T> {
  const resource = client.resource(controllerrevisions);
  const owned = createOwnedLister(informers.informer(controllerrevisions));

  function compose(owner: T, revision: number, collisionCount: number | undefined): ControllerRevision {
    const { template } = owner.spec;
    const hash = templateHash(template, collisionCount || undefined);
    return {
      metadata: {
        name: `${owner.metadata.name.slice(0, 223)}-${hash}`,
        namespace: owner.metadata.namespace,
        labels: { ...template.metadata?.labels, ...labelsOf(hash) },
        annotations: { ...owner.metadata.annotations },
        ownerReferences: [controllerReference(owner, owners.ref)],
      },
      data: revisionData(template),
      revision,
    };
  }

  async function create(
    owner: T,
    revision: number,
    collisions: number | undefined,
  ): Promise<{ update: ControllerRevision; collisionCount: number | undefined }> {
    for (let collisionCount = collisions; ; collisionCount = (collisionCount ?? 0) + 1) {
      const wanted = compose(owner, revision, collisionCount);
      try {
        return { update: await resource.create(wanted), collisionCount };
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        const existing = await resource.get(wanted.metadata.namespace ?? '', wanted.metadata.name);
        if (sameData(existing.data, wanted.data) && isControlledBy(existing, owner)) return { update: existing, collisionCount };
      }
    }
  }

  return {
    async list(owner) {
      const revisions = await claim({
        owner,
        owners,
        children: resource,
        selector: labelSelectorMatcher(owner.spec.selector),
        candidates: owned.candidates(owner),
      });
      return revisions.sort(byRevision);
    },
    async sync(owner, revisions, collisionCount) {
      const data = revisionData(owner.spec.template);
      const newest = revisions.at(-1);
      const equal = revisions.findLast((revision) => sameData(revision.data, data));
      const next = (newest?.revision ?? 0) + 1;
      if (!equal) return create(owner, next, collisionCount);
      if (equal === newest) return { update: equal, collisionCount };
      return { update: await resource.update({ ...equal, revision: next }), collisionCount };
    },
    async truncate(owner, revisions, live) {
      const limit = owner.spec.revisionHistoryLimit ?? 10;
      const old = revisions.filter(({ metadata }) => !live.has(metadata.name));
      for (const { metadata } of old.slice(0, Math.max(0, old.length - limit))) {
        try {
          await resource.delete(metadata.namespace ?? '', metadata.name);
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      }
    },
  };
}
