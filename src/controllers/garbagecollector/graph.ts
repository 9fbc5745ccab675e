/**
 * Who depends on whom, by uid, as informers tell it. A node that is only known from an owner reference is virtual: whether it
 * exists must be asked. Changing the graph names what must be looked at; looking is `collect.ts`. Source of the rules: upstream's `graph_builder.go`.
 */

import { semanticEqual } from '../../apimachinery/equality.ts';
import type { KubeObject, OwnerReference } from '../../apimachinery/meta.ts';

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';

/** Where an object is said to be. */
export interface Identity {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
}

export interface Node {
  identity: Identity;
  owners: readonly OwnerReference[];
  /** As it was seen last; absent while it is virtual. */
  resourceVersion?: string;
  finalizers?: readonly string[];
  dependents: Set<Node>;
  virtual: boolean;
  beingDeleted: boolean;
  /** Deleted in the foreground: it goes after its dependents. */
  deletingDependents: boolean;
}

/** What the graph asks for. */
export interface GraphQueue {
  checkDeletion(uid: string): void;
  orphanDependents(uid: string): void;
  /** A dependent names an owner in another namespace. */
  invalidNamespace(dependent: Node, owner: Identity): void;
}

export interface Graph {
  get(uid: string): Node | undefined;
  /** An object as it is now; `old` as it was before, when that was known. */
  observe(object: KubeObject, gvk: { apiVersion: string; kind: string }, old?: KubeObject): void;
  forget(uid: string): void;
  /** Asked for by its identity, it was not there. */
  absent(identity: Identity): void;
  /** Known not to exist by these coordinates. */
  isAbsent(reference: OwnerReference, namespace: string): boolean;
  noteAbsent(reference: OwnerReference, namespace: string): void;
  readonly size: number;
}

const has = (object: KubeObject, finalizer: string): boolean => (object.metadata.finalizers ?? []).includes(finalizer);
const startsDeletion = (object: KubeObject, old: KubeObject | undefined, finalizer: string): boolean =>
  object.metadata.deletionTimestamp !== undefined && has(object, finalizer) && !(old?.metadata.deletionTimestamp !== undefined && has(old, finalizer));

export const matchesCoordinates = (reference: OwnerReference, { apiVersion, kind, name, uid }: Identity): boolean =>
  reference.apiVersion === apiVersion && reference.kind === kind && reference.name === name && reference.uid === uid;

const sameIdentity = (a: Identity, b: Identity): boolean => matchesCoordinates(a, b) && a.namespace === b.namespace;
const sortKey = ({ kind, apiVersion, namespace, name, uid }: Identity): string => [kind, apiVersion, namespace, name, uid].join('\0');
const maxAbsent = 500;

export function createGraph(queue: GraphQueue): Graph {
  const nodes = new Map<string, Node>();
  /** Coordinates of owners that were looked for in vain; the oldest are forgotten. */
  const absent = new Set<string>();
  const absentKey = ({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): string => [apiVersion, kind, namespace, name, uid].join('\0');
  function noteAbsent(reference: OwnerReference, namespace: string): void {
    absent.add(absentKey(reference, namespace));
    if (absent.size > maxAbsent) for (const oldest of absent) return void absent.delete(oldest);
  }

  function link(node: Node, references: readonly OwnerReference[]): void {
    let doubtful = false;
    const { namespace } = node.identity;
    for (const reference of references) {
      const owner = nodes.get(reference.uid);
      if (!owner) {
        const { apiVersion, kind, name, uid } = reference;
        nodes.set(uid, {
          identity: { apiVersion, kind, name, uid, namespace },
          owners: [],
          dependents: new Set([node]),
          virtual: true,
          beingDeleted: false,
          deletingDependents: false,
        });
        queue.checkDeletion(uid);
        continue;
      }
      owner.dependents.add(node);
      // It came while the owner's dependents are being deleted.
      if (owner.deletingDependents) queue.checkDeletion(node.identity.uid);
      const foreign = owner.identity.namespace !== '' && owner.identity.namespace !== namespace;
      if (foreign && !owner.virtual) queue.invalidNamespace(node, { ...owner.identity, ...reference, namespace });
      if (foreign || !matchesCoordinates(reference, owner.identity) || (owner.virtual && owner.identity.namespace !== namespace)) doubtful = true;
    }
    if (doubtful) queue.checkDeletion(node.identity.uid);
  }

  function unlink(node: Node, references: readonly OwnerReference[]): void {
    for (const { uid } of references) {
      const owner = nodes.get(uid);
      owner?.dependents.delete(node);
      // Nobody refers to it any more, and nobody saw it.
      if (owner?.virtual && owner.dependents.size === 0) nodes.delete(uid);
    }
  }

  function relink(node: Node, references: readonly OwnerReference[]): void {
    const before = new Map(node.owners.map((reference) => [reference.uid, reference]));
    const after = new Map(references.map((reference) => [reference.uid, reference]));
    const removed = node.owners.filter(({ uid }) => !after.has(uid));
    for (const old of node.owners) {
      // An owner in foreground deletion may have waited for this.
      if (old.blockOwnerDeletion && !after.get(old.uid)?.blockOwnerDeletion && nodes.has(old.uid)) queue.checkDeletion(old.uid);
    }
    node.owners = references;
    link(
      node,
      references.filter(({ uid }) => !before.has(uid)),
    );
    unlink(node, removed);
  }

  /** The real object behind a virtual node: dependents that described it otherwise must be looked at. */
  function materialize(node: Node, identity: Identity): void {
    if (!sameIdentity(node.identity, identity)) {
      for (const dependent of partition(node.dependents, identity).others) {
        if (identity.namespace !== '' && dependent.identity.namespace !== identity.namespace) {
          queue.invalidNamespace(dependent, { ...identity, namespace: dependent.identity.namespace });
        }
        queue.checkDeletion(dependent.identity.uid);
      }
      node.identity = identity;
    }
    node.virtual = false;
  }

  function transition(node: Node, object: KubeObject, old: KubeObject | undefined): void {
    if (startsDeletion(object, old, orphanFinalizer)) queue.orphanDependents(node.identity.uid);
    else if (startsDeletion(object, old, foregroundFinalizer)) {
      node.deletingDependents = true;
      for (const dependent of node.dependents) queue.checkDeletion(dependent.identity.uid);
      queue.checkDeletion(node.identity.uid);
    }
  }

  function remove(node: Node): void {
    nodes.delete(node.identity.uid);
    unlink(node, node.owners);
    for (const dependent of node.dependents) {
      noteAbsent(node.identity, node.identity.namespace);
      queue.checkDeletion(dependent.identity.uid);
    }
    for (const { uid } of node.owners) if (nodes.get(uid)?.deletingDependents) queue.checkDeletion(uid);
  }

  function tellMatching(dependents: readonly Node[], identity: Identity): void {
    for (const dependent of dependents) {
      noteAbsent(identity, identity.namespace);
      queue.checkDeletion(dependent.identity.uid);
    }
  }

  return {
    get: (uid) => nodes.get(uid),
    observe(object, { apiVersion, kind }, old) {
      const { uid = '', name, namespace = '', ownerReferences = [], deletionTimestamp, resourceVersion, finalizers } = object.metadata;
      const identity = { apiVersion, kind, namespace, name, uid };
      const known = nodes.get(uid);
      const node: Node = known ?? { identity, owners: [], dependents: new Set(), virtual: false, beingDeleted: false, deletingDependents: false };
      if (!known) nodes.set(uid, node);
      else if (known.virtual) materialize(known, identity);
      if (resourceVersion) node.resourceVersion = resourceVersion;
      if (finalizers || node.finalizers) node.finalizers = finalizers ?? [];
      if (deletionTimestamp !== undefined) node.beingDeleted = true;
      if (!semanticEqual(node.owners, ownerReferences)) relink(node, ownerReferences);
      transition(node, object, old);
    },
    forget(uid) {
      const node = nodes.get(uid);
      if (node) remove(node);
    },
    absent(identity) {
      const node = nodes.get(identity.uid);
      if (!node) return;
      const { matching, others } = partition(node.dependents, identity);
      if (node.virtual && others.length > 0) {
        // Some describe it otherwise: those who were wrong hear of it, then the next description is tried.
        tellMatching(matching, identity);
        if (!sameIdentity(node.identity, identity)) return;
        const next = alternative(others, identity);
        if (next) {
          node.identity = next;
          queue.checkDeletion(next.uid);
        }
        return;
      }
      if (!node.virtual && !sameIdentity(node.identity, identity)) {
        tellMatching(matching, identity);
        return;
      }
      remove(node);
    },
    isAbsent: (reference, namespace) => absent.has(absentKey(reference, '')) || absent.has(absentKey(reference, namespace)),
    noteAbsent,
    get size() {
      return nodes.size;
    },
  };
}

/** Dependents that refer to the owner by just this identity, and those that do not. */
function partition(dependents: Iterable<Node>, owner: Identity): { matching: Node[]; others: Node[] } {
  const matching: Node[] = [];
  const others: Node[] = [];
  for (const dependent of dependents) {
    const references = dependent.owners.filter(({ uid }) => uid === owner.uid);
    const foreign = owner.namespace !== '' && owner.namespace !== dependent.identity.namespace;
    if (!foreign && references.some((reference) => matchesCoordinates(reference, owner))) matching.push(dependent);
    if (foreign || references.some((reference) => !matchesCoordinates(reference, owner))) others.push(dependent);
  }
  return { matching, others };
}

/** The description after `tried` in a fixed order, so that all get their turn. */
function alternative(dependents: readonly Node[], tried: Identity): Identity | undefined {
  const descriptions = dependents.flatMap(({ identity, owners }) =>
    owners.filter(({ uid }) => uid === tried.uid).map(({ apiVersion, kind, name, uid }) => ({ apiVersion, kind, name, uid, namespace: identity.namespace })),
  );
  const sorted = descriptions.filter((description) => !sameIdentity(description, tried)).sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  return sorted.find((description) => sortKey(description) > sortKey(tried)) ?? sorted[0];
}
