/** Looks at one node of the graph, with fresh reads, and deletes it, lets it go, or leaves it. Source of the rules: upstream's `garbagecollector.go`. */
import { isConflict, isNotFound } from '../../apimachinery/errors.ts';
import type { KubeObject, OwnerReference } from '../../apimachinery/meta.ts';
import type { Client, DeleteQuery, ResourceRef } from '../../client/client.ts';
import { foregroundFinalizer, type Graph, type Identity, matchesCoordinates, type Node, orphanFinalizer } from './graph.ts';
import type { Monitors } from './monitors.ts';

/** The kind of an owner or an object is not served: it may come back. */
export class UnknownKindError extends Error {
  constructor(apiVersion: string, kind: string) {
    super(`unable to get REST mapping for ${apiVersion}/${kind}.`);
    this.name = 'UnknownKindError';
  }
}

export interface Collector {
  /** True when it must be looked at again later: not seen by an informer yet. */
  attemptToDelete(node: Node): Promise<boolean>;
  orphanDependents(node: Node): Promise<void>;
}

export function createCollector(client: Client, graph: Graph, monitors: Monitors, checkLater: (uid: string) => void): Collector {
  function refOf(apiVersion: string, kind: string): ResourceRef {
    const ref = monitors.resourceOf(apiVersion, kind);
    if (!ref) throw new UnknownKindError(apiVersion, kind);
    return { ...ref, metadataOnly: true };
  }
  const resourceOf = ({ apiVersion, kind, namespace }: Identity) => {
    const ref = refOf(apiVersion, kind);
    return { resource: client.resource<KubeObject>(ref), namespace: ref.namespaced ? namespace : '' };
  };

  async function read(identity: Identity): Promise<KubeObject | undefined> {
    const { resource, namespace } = resourceOf(identity);
    try {
      const object = await resource.get(namespace, identity.name);
      return object.metadata.uid === identity.uid ? object : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Changes metadata of the very object that was read; a conflict is retried by the caller's queue. */
  async function patch({ identity }: Node, latest: KubeObject, metadata: object): Promise<void> {
    const { resource, namespace } = resourceOf(identity);
    const { uid, resourceVersion } = latest.metadata;
    try {
      await resource.patch(namespace, identity.name, 'merge', { metadata: { ...metadata, uid, resourceVersion } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function remove({ identity }: Node, latest: KubeObject, propagationPolicy: DeleteQuery['propagationPolicy']): Promise<void> {
    const { resource, namespace } = resourceOf(identity);
    const { uid, resourceVersion } = latest.metadata;
    try {
      await resource.delete(namespace, identity.name, { propagationPolicy, preconditions: { uid, resourceVersion } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      graph.absent(identity);
    }
  }

  async function removeFinalizer(node: Node, finalizer: string): Promise<void> {
    const latest = await read(node.identity);
    const finalizers = latest?.metadata.finalizers ?? [];
    if (latest && finalizers.includes(finalizer)) await patch(node, latest, { finalizers: finalizers.filter((name) => name !== finalizer) });
  }

  type Classified = 'solid' | 'dangling' | 'waiting';

  async function classify(reference: OwnerReference, namespace: string): Promise<Classified> {
    if (graph.isAbsent(reference, namespace)) return 'dangling';
    const ref = refOf(reference.apiVersion, reference.kind);
    // A cluster-scoped object can't have an owner in a namespace; nobody can say which was meant, so it stays.
    if (ref.namespaced && namespace === '') return 'solid';
    const { apiVersion, kind, name, uid } = reference;
    // Seen to be going after its dependents: that is never taken back, so a thousand dependents need not ask.
    const node = graph.get(uid);
    const inReach = node?.identity.namespace === '' || node?.identity.namespace === namespace;
    if (node?.deletingDependents && !node.virtual && inReach && matchesCoordinates(reference, node.identity)) return 'waiting';
    const owner = await read({ apiVersion, kind, name, uid, namespace });
    if (!owner) {
      graph.noteAbsent(reference, ref.namespaced ? namespace : '');
      return 'dangling';
    }
    return owner.metadata.deletionTimestamp && owner.metadata.finalizers?.includes(foregroundFinalizer) ? 'waiting' : 'solid';
  }

  const withoutOwners = (latest: KubeObject, uids: ReadonlySet<string>): OwnerReference[] =>
    (latest.metadata.ownerReferences ?? []).filter(({ uid }) => !uids.has(uid));

  /** The owner goes when nothing is left that blocks it. */
  async function finishForeground(node: Node): Promise<void> {
    const blocking = [...node.dependents].filter(({ owners }) => owners.some(({ uid, blockOwnerDeletion }) => uid === node.identity.uid && blockOwnerDeletion));
    if (blocking.length === 0) await removeFinalizer(node, foregroundFinalizer);
    for (const dependent of blocking) if (!dependent.deletingDependents) checkLater(dependent.identity.uid);
  }

  async function collectOwned(node: Node, latest: KubeObject, references: readonly OwnerReference[]): Promise<void> {
    const groups: Record<Classified, OwnerReference[]> = { solid: [], dangling: [], waiting: [] };
    for (const reference of references) groups[await classify(reference, node.identity.namespace)].push(reference);

    if (groups.solid.length > 0) {
      const dropped = new Set([...groups.dangling, ...groups.waiting].map(({ uid }) => uid));
      if (dropped.size > 0) await patch(node, latest, { ownerReferences: withoutOwners(latest, dropped) });
      return;
    }
    if (groups.waiting.length > 0 && node.dependents.size > 0) {
      // Two that are deleted in the foreground and block each other would wait for ever.
      if ([...node.dependents].some(({ deletingDependents }) => deletingDependents)) {
        const unblocked = references.map(({ blockOwnerDeletion: _, ...reference }) => ({ ...reference, blockOwnerDeletion: false }));
        await patch(node, latest, { ownerReferences: unblocked });
        checkLater(node.identity.uid);
        if (references.some(({ blockOwnerDeletion }) => blockOwnerDeletion)) return;
      }
      await remove(node, latest, 'Foreground');
      return;
    }
    const { finalizers = [] } = latest.metadata;
    await remove(node, latest, finalizers.includes(orphanFinalizer) ? 'Orphan' : finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background');
  }

  /** By what was seen last: whoever writes names that version, so that one which has changed since is refused. */
  async function attemptAsSeen(node: Node): Promise<boolean> {
    const { identity, owners, resourceVersion, finalizers = [] } = node;
    if (node.virtual || node.deletingDependents || resourceVersion === undefined) return false;
    const { name, namespace, uid } = identity;
    const seen: KubeObject = { metadata: { name, namespace, uid, resourceVersion, ownerReferences: [...owners], finalizers: [...finalizers] } };
    try {
      if (owners.length > 0) await collectOwned(node, seen, owners);
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }

  return {
    async attemptToDelete(node) {
      if ((node.beingDeleted && !node.deletingDependents) || (await attemptAsSeen(node))) return false;
      const latest = await read(node.identity);
      if (!latest) {
        graph.absent(node.identity);
        return false;
      }
      if (node.deletingDependents) await finishForeground(node);
      else {
        const references = latest.metadata.ownerReferences ?? [];
        if (references.length > 0) await collectOwned(node, latest, references);
      }
      return node.virtual;
    },
    async orphanDependents(node) {
      const uids = new Set([node.identity.uid]);
      const results = await Promise.allSettled(
        [...node.dependents].map(async (dependent) => {
          const latest = await read(dependent.identity);
          const owned = latest?.metadata.ownerReferences?.some(({ uid }) => uids.has(uid));
          if (latest && owned) await patch(dependent, latest, { ownerReferences: withoutOwners(latest, uids) });
        }),
      );
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      await removeFinalizer(node, orphanFinalizer);
    },
  };
}
