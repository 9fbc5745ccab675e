/** `namespace-controller`: empties namespaces that are being deleted, then takes off the finalizer that kept them. */
import { namespaces } from '../../api/core/v1/namespace.ts';
import type { Namespace } from '../../api/core/v1/types.gen.ts';
import { isConflict, isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { type Discovered, discover, resourceId, type ServedResource } from '../common/discovery.ts';
import { type ControllerContext, defineController, type Enqueue, type ReconcileResult, type RunningController } from '../controller.ts';
import { type DeletionState, deletionConditions } from './conditions.ts';
import { contentResources, deleteContent } from './content.ts';

export const namespaceController = defineController({ name: 'namespace-controller', concurrency: 10, setup });

const ownFinalizer = 'kubernetes';
/** Resources of one namespace that are emptied at once. */
const parallel = 8;
const discoveryMs = 1_000;

interface Emptied {
  state: DeletionState;
  waitSeconds: number;
  errors: unknown[];
  /** Of which something is left, or not known to be gone. */
  kept: ServedResource[];
}

const keepsSomething = ({ kept }: Emptied): boolean => kept.length > 0;

function setup({ client, informers, now, log }: ControllerContext, enqueue: Enqueue): RunningController {
  const informer = informers.informer(namespaces);
  const resource = client.resource(namespaces);
  const consider = (namespace: Namespace): void => {
    if (namespace.metadata.deletionTimestamp) enqueue(keyOf(namespace));
  };
  informer.addHandlers({ added: consider, updated: consider, deleted: ({ metadata }) => void stuck.delete(metadata.uid ?? '') });

  let known: { at: number; discovered: Promise<Discovered> } | undefined;
  /** Namespaces that go together share what was discovered. */
  function served(): Promise<Discovered> {
    const time = performance.now();
    if (!known || time - known.at > discoveryMs) known = { at: time, discovered: discover(client) };
    return known.discovered;
  }

  /** By uid: what kept a namespace the last time. Until that is gone nothing else is asked for, so that a finalizer which nobody removes costs little. */
  const stuck = new Map<string, ServedResource[]>();

  async function empty(namespace: Namespace): Promise<Emptied> {
    const { uid = '' } = namespace.metadata;
    const before = stuck.get(uid);
    const again = before && (await emptyOf(namespace, { resources: before, failed: new Map() }));
    const emptied = again && keepsSomething(again) ? again : await emptyOf(namespace, await served());
    const { kept } = emptied;
    if (kept.length > 0) stuck.set(uid, kept);
    else stuck.delete(uid);
    return emptied;
  }

  async function emptyOf(namespace: Namespace, { resources, failed }: Discovered): Promise<Emptied> {
    const { name, deletionTimestamp = '' } = namespace.metadata;
    const sinceSeconds = (now().getTime() - Date.parse(deletionTimestamp)) / 1_000;
    const remaining = new Map<string, number>();
    const finalizers = new Map<string, number>();
    const errors: unknown[] = [...failed.values()];
    const contentErrors: string[] = [];
    const kept: ServedResource[] = [];
    let waitSeconds = 0;

    async function one(served: ServedResource): Promise<void> {
      try {
        const left = await deleteContent(client, served, name, sinceSeconds);
        waitSeconds = Math.max(waitSeconds, left.waitSeconds);
        if (left.count > 0) {
          remaining.set(`${served.ref.plural}.${served.ref.group}`, left.count);
          kept.push(served);
        }
        for (const [finalizer, count] of left.finalizers) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + count);
      } catch (error) {
        log.debug({ err: error, namespace: name, resource: resourceId(served.ref) }, 'content of a namespace could not be deleted');
        errors.push(error);
        kept.push(served);
        contentErrors.push((error as Error).message);
      }
    }

    const { pods, others } = contentResources(resources);
    // Pods first: while they stop they may need what else is there (network policies, secrets).
    for (const served of pods) await one(served);
    if (remaining.size === 0 && contentErrors.length === 0) {
      const queue = [...others];
      await Promise.all(
        Array.from({ length: parallel }, async () => {
          for (let served = queue.shift(); served; served = queue.shift()) await one(served);
        }),
      );
    }
    const discoveryError =
      failed.size === 0
        ? undefined
        : `Discovery failed for some groups, ${failed.size} failing: unable to retrieve the complete list of server APIs: ${[...failed].map(([version, error]) => `${version}: ${(error as Error).message}`).join(', ')}`;
    return { state: { ...(discoveryError === undefined ? {} : { discoveryError }), contentErrors, remaining, finalizers }, waitSeconds, errors, kept };
  }

  async function report(namespace: Namespace, state: DeletionState): Promise<void> {
    const conditions = deletionConditions(namespace.status?.conditions ?? [], state, now());
    if (!conditions) return;
    try {
      await resource.updateStatus({ ...namespace, status: { ...namespace.status, conditions } });
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }

  /** Reads anew: the status was just written, and others may have taken their finalizer meanwhile. */
  async function finalize(name: string): Promise<void> {
    const namespace = await resource.get('', name);
    const finalizers = namespace.spec.finalizers ?? [];
    if (!finalizers.includes(ownFinalizer)) return;
    const body = { ...namespace, spec: { ...namespace.spec, finalizers: finalizers.filter((finalizer) => finalizer !== ownFinalizer) } };
    await resource.subresource('PUT', '', name, 'finalize', body);
  }

  async function reconcile(key: string): Promise<ReconcileResult> {
    const cached = informer.getByKey(key);
    if (!cached?.metadata.deletionTimestamp) return undefined;
    try {
      const namespace = await resource.get('', key);
      if (!namespace.metadata.deletionTimestamp || !namespace.spec.finalizers?.includes(ownFinalizer)) return undefined;
      const { state, waitSeconds, errors } = await empty(namespace);
      await report(namespace, state);
      if (waitSeconds > 0) return { requeueAfterMs: (Math.floor(waitSeconds / 2) + 1) * 1_000 };
      if (errors.length > 0) throw errors[0];
      await finalize(key);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  }

  return { reconcile };
}
