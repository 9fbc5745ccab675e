/** `ttl-controller`: tells kubelets how long they may keep Secrets and ConfigMaps before they ask again; the larger the cluster, the longer. */
import { nodes as nodeKind } from '../api/core/v1/node.ts';
import { defineController } from './controller.ts';

const annotation = 'node.alpha.kubernetes.io/ttl';

/** Sizes overlap, so that a cluster at a boundary does not go back and forth. */
const steps = [
  { min: 0, max: 100, seconds: 0 },
  { min: 90, max: 500, seconds: 15 },
  { min: 450, max: 1000, seconds: 30 },
  { min: 900, max: 2000, seconds: 60 },
  { min: 1800, max: Number.POSITIVE_INFINITY, seconds: 300 },
] as const;

/** The step for a cluster of that size that was on `step` before. */
export function nextStep(step: number, size: number): number {
  let next = step;
  while (size > steps[next]!.max) next++;
  while (size < steps[next]!.min) next--;
  return next;
}

export const ttlController = defineController({
  name: 'ttl-controller',
  setup({ client, informers }, enqueue) {
    const nodes = informers.informer(nodeKind);
    const resource = client.resource(nodeKind);
    let step = 0;
    let size = 0;
    function count(change: 1 | -1): void {
      size += change;
      const next = nextStep(step, size);
      if (next === step) return;
      step = next;
      for (const node of nodes.list()) enqueue(node.metadata.name);
    }
    nodes.addHandlers({
      added({ metadata }) {
        count(1);
        enqueue(metadata.name);
      },
      updated: ({ metadata }) => void (metadata.annotations?.[annotation] === String(steps[step]!.seconds) || enqueue(metadata.name)),
      deleted: () => count(-1),
    });
    return {
      async reconcile(name) {
        const node = nodes.get('', name);
        const wanted = String(steps[step]!.seconds);
        if (!node || node.metadata.annotations?.[annotation] === wanted) return;
        await resource.patch('', name, 'strategic', { metadata: { uid: node.metadata.uid, annotations: { [annotation]: wanted } } });
      },
    };
  },
});
