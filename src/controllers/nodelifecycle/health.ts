/** Whether a node still gives signs of life, and which conditions and taints follow. Pure, save for the clock that is handed in. */

import type { Lease } from '../../api/coordination/v1/types.gen.ts';
import type { Node, NodeCondition, Taint } from '../../api/core/v1/types.gen.ts';
import { timeOf } from '../../apimachinery/meta.ts';

export const notReadyTaint = 'node.kubernetes.io/not-ready';
export const unreachableTaint = 'node.kubernetes.io/unreachable';

/** What a condition in that state means for new pods. */
const taintKeys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReadyTaint, Unknown: unreachableTaint },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};
const unschedulableTaint = 'node.kubernetes.io/unschedulable';
const ownNoScheduleKeys = new Set([...Object.values(taintKeys).flatMap((states) => Object.values(states)), unschedulableTaint]);
/** `NetworkUnavailable` is for whoever sets up routes to say. */
const kubeletConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export const readyOf = (node: Node): NodeCondition | undefined => node.status?.conditions?.find(({ type }) => type === 'Ready');

/** Remembers when a node was last heard of, by our own clock: those of nodes may be wrong. */
export interface Heartbeats {
  /** A status or a lease that is newer than what was seen before counts as a sign of life. Gives the time of the last one. */
  observe(node: Node, lease: Lease | undefined, now: number): number;
  forget(name: string): void;
}

export function createHeartbeats(): Heartbeats {
  const seen = new Map<string, { heartbeat: string | undefined; renewed: string | undefined; at: number }>();
  return {
    observe(node, lease, now) {
      const ready = readyOf(node);
      const heartbeat = ready?.status === 'Unknown' && ready.reason?.startsWith('NodeStatus') ? undefined : ready?.lastHeartbeatTime;
      const renewed = lease?.spec.renewTime;
      const known = seen.get(node.metadata.name);
      if (!known) {
        // A node that never reported has the time since it was made.
        const at = ready ? now : Date.parse(node.metadata.creationTimestamp ?? new Date(now).toISOString());
        seen.set(node.metadata.name, { heartbeat, renewed, at: renewed ? now : at });
      } else if ((heartbeat && heartbeat !== known.heartbeat) || (renewed && renewed !== known.renewed)) {
        seen.set(node.metadata.name, { heartbeat: heartbeat ?? known.heartbeat, renewed, at: now });
      }
      return seen.get(node.metadata.name)!.at;
    },
    forget: (name) => void seen.delete(name),
  };
}

/** Conditions of a node that was not heard of for too long; undefined when they say so already. */
export function unknownConditions({ metadata, status }: Node, now: Date): NodeCondition[] | undefined {
  const conditions = structuredClone(status?.conditions ?? []);
  let changed = false;
  for (const type of kubeletConditions) {
    const condition = conditions.find((one) => one.type === type);
    if (condition?.status === 'Unknown') continue;
    changed = true;
    const lost = { status: 'Unknown', lastTransitionTime: timeOf(now) };
    if (condition) Object.assign(condition, lost, { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' });
    else {
      conditions.push({
        type,
        ...lost,
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: metadata.creationTimestamp,
      });
    }
  }
  return changed ? conditions : undefined;
}

/** The taints of a node with those that its conditions ask for, those of others untouched. */
export function noScheduleTaints({ spec, status }: Node): Taint[] {
  const wanted = (status?.conditions ?? []).flatMap(({ type, status: state }) => taintKeys[type]?.[state] ?? []);
  if (spec.unschedulable) wanted.push(unschedulableTaint);
  const kept = (spec.taints ?? []).filter(({ key, effect }) => effect !== 'NoSchedule' || !ownNoScheduleKeys.has(key) || wanted.includes(key));
  const missing = wanted.filter((key) => !kept.some((taint) => taint.key === key && taint.effect === 'NoSchedule'));
  return [...kept, ...missing.map((key) => ({ key, effect: 'NoSchedule' }))];
}

/** The one of the two that drives pods away, given the state of the node; undefined for a node that is well. */
export function evictingTaint(ready: NodeCondition | undefined): string | undefined {
  if (ready?.status === 'True') return undefined;
  return ready?.status === 'False' ? notReadyTaint : ready ? unreachableTaint : undefined;
}

/** With exactly the wanted one of our two NoExecute taints. */
export function noExecuteTaints(taints: readonly Taint[], wanted: string | undefined, now: Date): Taint[] {
  const kept = taints.filter(({ key, effect }) => effect !== 'NoExecute' || (key !== notReadyTaint && key !== unreachableTaint) || key === wanted);
  if (!wanted || kept.some(({ key, effect }) => key === wanted && effect === 'NoExecute')) return kept;
  return [...kept, { key: wanted, effect: 'NoExecute', timeAdded: timeOf(now) }];
}

/** Labels that older clients still select by follow their current form. */
export function legacyLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  const pairs = [
    ['kubernetes.io/os', 'beta.kubernetes.io/os'],
    ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
  ] as const;
  return Object.fromEntries(
    pairs.flatMap(([current, old]) => (labels[current] !== undefined && labels[old] !== labels[current] ? [[old, labels[current]!]] : [])),
  );
}
