/** Adoption and release: an owner takes orphans that its selector matches, and lets go what no longer matches. */
import { isNotFound, isStatus } from '../../apimachinery/errors.ts';
import { controllerOf, type KubeObject } from '../../apimachinery/meta.ts';
import type { LabelMatcher } from '../../apimachinery/selectors.ts';
import type { ResourceClient } from '../../client/client.ts';
import { controllerReference } from './ownership.ts';
import { runAll } from './slowstart.ts';

export interface ClaimOptions<O extends KubeObject, C extends KubeObject> {
  /** From the cache. */
  owner: O;
  owners: ResourceClient<O>;
  children: ResourceClient<C>;
  selector: LabelMatcher;
  candidates: readonly C[];
  /** Beyond the selector: what may be adopted or kept. */
  filter?(child: C): boolean;
  /** Finalizers that an adopted object gets. */
  finalizers?: readonly string[];
}

/** Matches labels, and knows the answer for the very same ones again: pods of a template share theirs. */
export function remembering(selector: LabelMatcher): (labels: KubeObject['metadata']['labels']) => boolean {
  let last: KubeObject['metadata']['labels'] | null = null;
  let answer = false;
  return (labels) => {
    if (labels !== last) [last, answer] = [labels, selector.matches(labels)];
    return answer;
  };
}

/** Gives what the owner has after this. A failed adoption or release fails the whole, after all were tried. */
export async function claim<O extends KubeObject, C extends KubeObject>(options: ClaimOptions<O, C>): Promise<C[]> {
  const { owner, children, candidates, filter = () => true } = options;
  const selects = remembering(options.selector);
  /** Not the owner's; for most owners, none. */
  const lost = new Set<C>();
  const adopted = new Set<C>();
  let adoptable: Promise<void> | undefined;

  async function take(child: C): Promise<void> {
    adoptable ??= assertAdoptable(options);
    await adoptable;
    if (await adopt(options, child)) adopted.add(child);
  }

  /** What must be written; for most objects, nothing. */
  function consider(child: C): (() => Promise<void>) | undefined {
    const controller = controllerOf(child);
    const matches = selects(child.metadata.labels) && filter(child);
    if (controller) {
      if (controller.uid === owner.metadata.uid && matches) return undefined;
      lost.add(child);
      if (controller.uid === owner.metadata.uid && !owner.metadata.deletionTimestamp) return () => release(children, owner, child);
      return undefined;
    }
    lost.add(child);
    if (!matches || owner.metadata.deletionTimestamp || child.metadata.deletionTimestamp) return undefined;
    return child.metadata.namespace === owner.metadata.namespace ? () => take(child) : undefined;
  }

  const writes: (() => Promise<void>)[] = [];
  for (const child of candidates) {
    const write = consider(child);
    if (write) writes.push(write);
  }
  if (writes.length > 0) await runAll(writes, (write) => write());
  return lost.size === 0 ? [...candidates] : candidates.filter((child) => !lost.has(child) || adopted.has(child));
}

/** Reads the owner anew: one that is being deleted, or was replaced, must not adopt. */
async function assertAdoptable<O extends KubeObject, C extends KubeObject>({ owner, owners }: ClaimOptions<O, C>): Promise<void> {
  const { namespace = '', name, uid } = owner.metadata;
  const fresh = await owners.get(namespace, name);
  if (fresh.metadata.uid !== uid) {
    throw new Error(`original ${owners.ref.kind} ${namespace}/${name} is gone: got uid ${fresh.metadata.uid}, wanted ${uid}`);
  }
  if (fresh.metadata.deletionTimestamp) throw new Error(`${namespace}/${name} has just been deleted at ${fresh.metadata.deletionTimestamp}`);
}

async function adopt<O extends KubeObject, C extends KubeObject>({ owner, owners, children, finalizers }: ClaimOptions<O, C>, child: C): Promise<boolean> {
  const { namespace = '', name, uid } = child.metadata;
  try {
    await children.patch(namespace, name, 'strategic', {
      metadata: { ownerReferences: [controllerReference(owner, owners.ref)], uid, ...(finalizers ? { finalizers } : {}) },
    });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Takes the owner's reference (and finalizers) off an object that may have vanished. */
export async function release<C extends KubeObject>(
  children: ResourceClient<C>,
  owner: KubeObject,
  child: C,
  finalizers: readonly string[] = [],
): Promise<void> {
  const { namespace = '', name, uid } = child.metadata;
  try {
    await children.patch(namespace, name, 'strategic', {
      metadata: {
        ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }],
        uid,
        ...(finalizers.length > 0 ? { '$deleteFromPrimitiveList/finalizers': finalizers } : {}),
      },
    });
  } catch (error) {
    // Invalid: the object of that name is another one by now, or the reference is gone already.
    if (!isNotFound(error) && !isStatus(error, 'Invalid')) throw error;
  }
}
