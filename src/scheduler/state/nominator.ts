/** Pods that preempted others and wait for a node to become free: the room that they were promised is not given to lesser pods. */
import type { PodInfo } from './podinfo.ts';

export interface Nominator {
  /** Replaces an earlier nomination; an empty node name takes it away. */
  nominate(pod: PodInfo, node: string): void;
  remove(uid: string): void;
  /** Pods that are promised room on that node. */
  on(node: string): Iterable<PodInfo>;
  nodeOf(uid: string): string | undefined;
  readonly empty: boolean;
}

const none: readonly PodInfo[] = [];

export function createNominator(): Nominator {
  const byNode = new Map<string, Map<string, PodInfo>>();
  const nodes = new Map<string, string>();

  function remove(uid: string): void {
    const node = nodes.get(uid);
    if (node === undefined) return;
    nodes.delete(uid);
    const pods = byNode.get(node);
    pods?.delete(uid);
    if (pods?.size === 0) byNode.delete(node);
  }

  return {
    nominate(pod, node) {
      remove(pod.uid);
      if (node === '') return;
      nodes.set(pod.uid, node);
      const pods = byNode.get(node) ?? new Map<string, PodInfo>();
      pods.set(pod.uid, pod);
      byNode.set(node, pods);
    },
    remove,
    on: (node) => byNode.get(node)?.values() ?? none,
    nodeOf: (uid) => nodes.get(uid),
    get empty() {
      return nodes.size === 0;
    },
  };
}
