/**
 * A scheduler plugin: racks have a power budget, and pods that say how much they draw only go where it lasts.
 * Nodes are labelled `example.com/rack`; pods have the label `example.com/watts`; `budgetWatts` is an argument of the profile.
 */
import type { NodeInfo, PluginFactory, PodInfo, Rejection, Snapshot } from 'knarr';

const rackLabel = 'example.com/rack';
const wattsLabel = 'example.com/watts';

const wattsOf = ({ labels }: PodInfo): number => Number(labels[wattsLabel] ?? 0);
const outOfPower: Rejection = { plugin: 'RackPower', code: 'unschedulable', reasons: ["node(s)' rack is out of power"] };

/** What the pods of each rack draw. */
function drawn({ nodes }: Snapshot): Map<string, number> {
  const racks = new Map<string, number>();
  for (const node of nodes) {
    const rack = node.labels[rackLabel];
    if (rack === undefined) continue;
    let sum = racks.get(rack) ?? 0;
    for (const pod of node.pods.values()) sum += wattsOf(pod);
    racks.set(rack, sum);
  }
  return racks;
}

const createRackPower: PluginFactory = (args) => {
  const budget = Number(args['budgetWatts'] ?? 1_000);

  /** PreFilter counts once per pod; what it gives back is Filter, asked per node. */
  function check(pod: PodInfo, racks: Map<string, number>) {
    const wanted = wattsOf(pod);
    const change = (other: PodInfo, { labels }: NodeInfo, sign: 1 | -1): void => {
      const rack = labels[rackLabel];
      if (rack !== undefined) racks.set(rack, (racks.get(rack) ?? 0) + sign * wattsOf(other));
    };
    return {
      filter({ labels }: NodeInfo): Rejection | undefined {
        const rack = labels[rackLabel];
        return rack !== undefined && (racks.get(rack) ?? 0) + wanted > budget ? outOfPower : undefined;
      },
      // Preemption asks what would be if some pods were not there.
      addPod: (other: PodInfo, node: NodeInfo): void => change(other, node, 1),
      removePod: (other: PodInfo, node: NodeInfo): void => change(other, node, -1),
      clone: () => check(pod, new Map(racks)),
    };
  }

  return {
    filter: (pod, snapshot) => (wattsOf(pod) > 0 ? check(pod, drawn(snapshot)) : undefined),
    score(pod, snapshot) {
      if (wattsOf(pod) === 0) return undefined;
      const racks = drawn(snapshot);
      return { score: ({ labels }) => Math.max(0, Math.round(100 * (1 - (racks.get(labels[rackLabel] ?? '') ?? 0) / budget))) };
    },
    // A pod that was refused is tried again when one that drew power is gone, or there are more racks.
    wakes: [
      { on: 'pod/delete', helps: (_pod, event) => event.resource === 'pod' && event.old?.metadata.labels?.[wattsLabel] !== undefined },
      { on: 'node/add' },
    ],
  };
};

export default createRackPower;
