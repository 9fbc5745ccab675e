/** `taint-eviction-controller`: deletes pods from nodes with a NoExecute taint, at once or after the time for which they tolerate it. */
import { isDeepStrictEqual } from 'node:util';
import { nodes as nodeKind } from '../api/core/v1/node.ts';
import { pods as podKind } from '../api/core/v1/pod.ts';
import { tolerates } from '../api/core/v1/taints.ts';
import type { Node, Pod, Taint, Toleration } from '../api/core/v1/types.gen.ts';
import { keyOf } from '../apimachinery/meta.ts';
import { podsOnNodes } from './common/podsonnodes.ts';
import { createTimedEvictions } from './common/timedeviction.ts';
import { defineController } from './controller.ts';

const evictingTaints = (node: Node | undefined): Taint[] => (node?.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute');

/** Seconds for which the pod may stay: 0 when it tolerates not all, infinity when it tolerates all for good. */
export function tolerationSeconds(taints: readonly Taint[], tolerations: readonly Toleration[] = []): number {
  const used = taints.map((taint) => tolerations.filter((toleration) => tolerates(toleration, taint)));
  if (used.some((matching) => matching.length === 0)) return 0;
  const limits = used.flat().flatMap(({ tolerationSeconds: limit }) => (limit === undefined || limit === null ? [] : [Math.max(limit, 0)]));
  return Math.min(Number.POSITIVE_INFINITY, ...limits);
}

export const taintEvictionController = defineController({
  name: 'taint-eviction-controller',
  identity: 'node-controller',
  concurrency: 20,
  setup({ client, informers, events, now }, enqueue) {
    const nodes = informers.informer(nodeKind);
    const pods = informers.informer(podKind);
    const onNode = podsOnNodes(pods);
    const evictions = createTimedEvictions({
      pods: client.resource(podKind),
      events,
      now,
      eventReason: 'TaintManagerEviction',
      marking: (key) => `Marking for deletion Pod ${key}`,
      cancelling: (key) => `Cancelling deletion of Pod ${key}`,
      condition: { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' },
    });

    const enqueuePods = (node: Node): void => {
      for (const pod of onNode(node.metadata.name)) enqueue(keyOf(pod));
    };
    nodes.addHandlers({
      added: (node) => void (evictingTaints(node).length > 0 && enqueuePods(node)),
      updated: (node, old) => void (isDeepStrictEqual(evictingTaints(node), evictingTaints(old)) || enqueuePods(node)),
    });
    const isAffected = ({ spec }: Pod): boolean => !!spec.nodeName && evictingTaints(nodes.get('', spec.nodeName)).length > 0;
    pods.addHandlers({
      added: (pod) => void (isAffected(pod) && enqueue(keyOf(pod))),
      updated(pod, old) {
        const moved = pod.spec.nodeName !== old.spec.nodeName || !isDeepStrictEqual(pod.spec.tolerations, old.spec.tolerations);
        if (moved && isAffected(pod)) enqueue(keyOf(pod));
      },
      deleted: (pod) => evictions.forget(keyOf(pod)),
    });

    return {
      async reconcile(key) {
        const pod = pods.getByKey(key);
        if (!pod?.spec.nodeName || pod.metadata.deletionTimestamp) {
          evictions.forget(key);
          return;
        }
        const taints = evictingTaints(nodes.get('', pod.spec.nodeName));
        return evictions.apply(key, pod, taints.length === 0 ? Number.POSITIVE_INFINITY : tolerationSeconds(taints, pod.spec.tolerations));
      },
    };
  },
});
