/** `pod-garbage-collector-controller`: deletes pods that nobody else will: of nodes that are gone, and too many that have ended. */
import { nodes as nodeKind } from '../api/core/v1/node.ts';
import { pods as podKind } from '../api/core/v1/pod.ts';
import type { Node, Pod, PodCondition } from '../api/core/v1/types.gen.ts';
import { isNotFound } from '../apimachinery/errors.ts';
import { timeOf } from '../apimachinery/meta.ts';
import { runAll } from './common/slowstart.ts';
import { defineController } from './controller.ts';

const sweep = 'sweep';
const sweepMs = 20_000;
/** How long a node must be missed: it may be about to register, or the cache may be behind. */
const quarantineMs = 40_000;
/** Ended pods that are kept when nothing else is set. */
const terminatedThreshold = 12_500;

const hasEnded = ({ status }: Pod): boolean => !['Pending', 'Running', 'Unknown'].includes(status?.phase ?? '');

/** Evicted ones first, then the oldest. */
function byUselessness(a: Pod, b: Pod): number {
  const evicted = (pod: Pod): number => Number(pod.status?.phase === 'Failed' && pod.status.reason === 'Evicted');
  if (evicted(a) !== evicted(b)) return evicted(b) - evicted(a);
  const [one, two] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return one === two ? (a.metadata.name < b.metadata.name ? -1 : 1) : one < two ? -1 : 1;
}

const isOutOfService = (node: Node | undefined): boolean =>
  node !== undefined &&
  node.status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True' &&
  (node.spec?.taints ?? []).some(({ key }) => key === 'node.kubernetes.io/out-of-service');

export const podGarbageCollectorController = defineController({
  name: 'pod-garbage-collector-controller',
  identity: 'pod-garbage-collector',
  concurrency: 1,
  setup({ client, informers, now, settings }, enqueue) {
    const pods = informers.informer(podKind);
    const nodes = informers.informer(nodeKind);
    const podClient = client.resource(podKind);
    const threshold = (settings['terminatedPodGCThreshold'] as number | undefined) ?? terminatedThreshold;
    /** Since when a node that pods are on is missed. */
    const missed = new Map<string, number>();
    enqueue(sweep);

    async function remove(pod: Pod, condition?: Omit<PodCondition, 'status' | 'type'>): Promise<void> {
      const { namespace = '', name, uid, generation } = pod.metadata;
      try {
        if (pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed') {
          const conditions = condition
            ? [{ type: 'DisruptionTarget', status: 'True', lastTransitionTime: timeOf(now()), observedGeneration: generation, ...condition }]
            : undefined;
          const status = { phase: 'Failed', observedGeneration: generation, ...(conditions ? { conditions } : {}) };
          await podClient.patch(namespace, name, 'strategic', { metadata: { uid }, status }, { subresource: 'status' });
        }
        await podClient.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }

    async function isGone(name: string): Promise<boolean> {
      try {
        await client.resource(nodeKind).get('', name);
        return false;
      } catch (error) {
        if (isNotFound(error)) return true;
        throw error;
      }
    }

    /** Names of nodes that have been missed for long enough. */
    async function goneNodes(all: readonly Pod[]): Promise<Set<string>> {
      const absent = new Set(all.flatMap(({ spec }) => (spec.nodeName && !nodes.get('', spec.nodeName) ? [spec.nodeName] : [])));
      for (const name of missed.keys()) if (!absent.has(name)) missed.delete(name);
      const gone = new Set<string>();
      const time = performance.now();
      for (const name of absent) {
        const since = missed.get(name) ?? time;
        missed.set(name, since);
        if (time - since >= quarantineMs && (await isGone(name))) gone.add(name);
      }
      return gone;
    }

    return {
      async reconcile() {
        const all = pods.list();
        const ended = all.filter(hasEnded).sort(byUselessness);
        const doomed = new Set(threshold > 0 ? ended.slice(0, Math.max(0, ended.length - threshold)) : []);
        for (const pod of all) {
          const { deletionTimestamp } = pod.metadata;
          if (!deletionTimestamp) continue;
          const { nodeName } = pod.spec;
          // Never scheduled, or on a node that somebody declared dead: no kubelet will finish it.
          if (!nodeName || isOutOfService(nodes.get('', nodeName))) doomed.add(pod);
        }
        // One that can't be deleted does not keep the others.
        const [first] = await Promise.allSettled([runAll([...doomed], (pod) => remove(pod))]);
        const gone = await goneNodes(all);
        const orphaned = all.filter(({ spec }) => spec.nodeName !== undefined && gone.has(spec.nodeName));
        await runAll(orphaned, (pod) => remove(pod, { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }));
        if (first.status === 'rejected') throw first.reason;
        return { requeueAfterMs: sweepMs };
      },
    };
  },
});
