/** What `schedulingapi.ts` has scheduled: pods of several kinds. */
import type { Pod } from '../src/api/core/v1/types.gen.ts';

export const namespace = 'bench';
export const zone = 'topology.kubernetes.io/zone';
export const hostname = 'kubernetes.io/hostname';

export type Spec = Partial<Pod['spec']>;
export interface Case {
  spec(index: number): Spec;
  count: number;
  /** What is there beforehand. */
  fill?(index: number): Spec;
}

const labelSelector = { matchLabels: { app: 'web' } };
const requests = (cpu: string) => ({ containers: [{ name: 'c', image: 'i', resources: { requests: { cpu, memory: '64Mi' } } }] });
/** By name: what pods are made on so many nodes. */
export const casesOf = (nodeCount: number, podCount: number): Record<string, Case> => ({
  plain: { count: podCount, spec: () => ({}) },
  'anti-affinity': {
    count: podCount,
    spec: (index) => {
      const term = { labelSelector: { matchLabels: { group: `g${index % 20}` } }, topologyKey: hostname };
      return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
    },
  },
  'topology spread': {
    count: podCount,
    spec: () => ({
      topologySpreadConstraints: [
        { maxSkew: 5, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector },
        { maxSkew: 1, topologyKey: hostname, whenUnsatisfiable: 'ScheduleAnyway', labelSelector },
      ],
    }),
  },
  preemption: {
    // A victim per node, and a preemptor for a part of them.
    count: Math.min(300, nodeCount, podCount),
    fill: (index) => ({ ...requests('30'), nodeName: `n${index}`, terminationGracePeriodSeconds: 0 }),
    spec: () => ({ ...requests('30'), priorityClassName: 'high' }),
  },
});

export const podOf = (name: string, index: number, spec: Spec): Pod => ({
  metadata: { name, namespace, labels: { app: 'web', group: `g${index % 20}` } },
  spec: { ...requests('100m'), ...spec, containers: spec.containers ?? requests('100m').containers },
});
