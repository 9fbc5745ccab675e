/** Who owns what: owner references, indices over them, and which owner a change concerns. */

import { semanticEqual } from '../../apimachinery/equality.ts';
import { apiVersionOf, controllerOf, type KubeObject, keyOf, type OwnerReference } from '../../apimachinery/meta.ts';
import type { ResourceRef } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';

export const gvkOf = (ref: ResourceRef): { apiVersion: string; kind: string } => ({ apiVersion: apiVersionOf(ref.group, ref.version), kind: ref.kind });

/** The reference that makes `owner` the controller of a new object. */
export const controllerReference = (owner: KubeObject, ref: ResourceRef): OwnerReference => ({
  ...gvkOf(ref),
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});

export const isControlledBy = (object: KubeObject, owner: KubeObject): boolean => controllerOf(object)?.uid === owner.metadata.uid;

const added = new WeakMap<object, Set<string>>();

/** Adds an index to a shared informer once, whoever comes first. */
export function sharedIndex<T extends KubeObject>(informer: Informer<T>, name: string, values: (object: T) => string[]): void {
  const names = added.get(informer) ?? new Set();
  added.set(informer, names);
  if (names.has(name)) return;
  names.add(name);
  informer.addIndex(name, values);
}

const controllerIndex = 'controller';
const orphanPrefix = 'orphan/';

/** Finds objects by the uid of their controller, and those of a namespace that have none. */
export interface OwnedLister<T extends KubeObject> {
  ownedBy(owner: KubeObject): T[];
  orphans(namespace: string): T[];
  /** What `claim` looks at: the owner's objects and those it may adopt. */
  candidates(owner: KubeObject): T[];
}

export function createOwnedLister<T extends KubeObject>(informer: Informer<T>): OwnedLister<T> {
  sharedIndex(informer, controllerIndex, (object) => [controllerOf(object)?.uid ?? `${orphanPrefix}${object.metadata.namespace ?? ''}`]);
  const ownedBy = (owner: KubeObject): T[] => informer.byIndex(controllerIndex, owner.metadata.uid ?? '');
  const orphans = (namespace: string): T[] => informer.byIndex(controllerIndex, `${orphanPrefix}${namespace}`);
  return { ownedBy, orphans, candidates: (owner) => [...ownedBy(owner), ...orphans(owner.metadata.namespace ?? '')] };
}

export interface OwnedHandlers<O extends KubeObject, C extends KubeObject> {
  owners: Informer<O>;
  children: Informer<C>;
  /** Would the owner adopt it? */
  selects(owner: O, child: C): boolean;
  enqueue(key: string): void;
  /** Before the owner is queued. */
  created?(ownerKey: string, child: C): void;
  /** A deletion began or was seen. */
  deleted?(ownerKey: string, child: C): void;
  updated?(owner: O, child: C, old: C): void;
}

/** Gives the owner that a reference points to, when it is of that kind and still the same object. */
export function resolveController<O extends KubeObject>(owners: Informer<O>, namespace: string, reference: OwnerReference | undefined): O | undefined {
  if (!reference || reference.kind !== owners.ref.kind) return undefined;
  const owner = owners.get(namespace, reference.name);
  return owner?.metadata.uid === reference.uid ? owner : undefined;
}

/** Queues owners for changes of what they own or might adopt. */
export function watchOwned<O extends KubeObject, C extends KubeObject>(options: OwnedHandlers<O, C>): void {
  const { owners, children, selects, enqueue, created, deleted, updated } = options;
  const ownerOf = (child: C): O | undefined => resolveController(owners, child.metadata.namespace ?? '', controllerOf(child));
  const enqueueSelecting = (child: C): void => {
    for (const owner of owners.list(child.metadata.namespace)) if (selects(owner, child)) enqueue(keyOf(owner));
  };
  function gone(child: C): void {
    const owner = ownerOf(child);
    if (!owner) return;
    deleted?.(keyOf(owner), child);
    enqueue(keyOf(owner));
  }

  children.addHandlers({
    added(child) {
      if (child.metadata.deletionTimestamp !== undefined) {
        gone(child);
        return;
      }
      if (!controllerOf(child)) {
        enqueueSelecting(child);
        return;
      }
      const owner = ownerOf(child);
      if (!owner) return;
      created?.(keyOf(owner), child);
      enqueue(keyOf(owner));
    },
    updated(child, old) {
      const labelsChanged = !semanticEqual(child.metadata.labels, old.metadata.labels);
      if (child.metadata.deletionTimestamp !== undefined) {
        gone(child);
        if (labelsChanged || !semanticEqual(controllerOf(child), controllerOf(old))) gone(old);
        return;
      }
      const ownerChanged = !semanticEqual(controllerOf(child), controllerOf(old));
      if (ownerChanged) {
        const before = ownerOf(old);
        if (before) enqueue(keyOf(before));
      }
      if (controllerOf(child)) {
        const owner = ownerOf(child);
        if (!owner) return;
        enqueue(keyOf(owner));
        updated?.(owner, child, old);
      } else if (labelsChanged || ownerChanged) {
        enqueueSelecting(child);
      }
    },
    deleted: gone,
  });
}
