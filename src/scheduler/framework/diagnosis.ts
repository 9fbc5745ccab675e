/** What is said of a pod that fits no node; clients and people read it in conditions and events, so it is worded as upstream does. */
import type { Rejection } from './plugin.ts';

export interface Diagnosis {
  nodeCount: number;
  /** By node name. */
  rejections: Map<string, Rejection>;
  /** Holds for every node that is not in `rejections`. */
  everywhereElse?: Rejection;
  /** The pod was rejected before any node was looked at. */
  upfront?: Rejection;
  /** Names of plugins that rejected something: events that they wait for wake the pod. */
  plugins: Set<string>;
  /** What preemption has to say. */
  preemption?: string;
}

export const newDiagnosis = (nodeCount: number): Diagnosis => ({ nodeCount, rejections: new Map(), plugins: new Set() });

export function reject(diagnosis: Diagnosis, node: string, rejection: Rejection): void {
  diagnosis.rejections.set(node, rejection);
  diagnosis.plugins.add(rejection.plugin);
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …` */
export function describe(diagnosis: Diagnosis): string {
  let text = `0/${diagnosis.nodeCount} nodes are available:`;
  if (diagnosis.upfront) {
    text += ` ${diagnosis.upfront.reasons.join(', ')}.`;
  } else {
    const counts = new Map<string, number>();
    const count = (rejection: Rejection, nodes: number): void => {
      for (const reason of rejection.reasons) counts.set(reason, (counts.get(reason) ?? 0) + nodes);
    };
    for (const rejection of diagnosis.rejections.values()) count(rejection, 1);
    const others = diagnosis.nodeCount - diagnosis.rejections.size;
    if (others > 0 && diagnosis.everywhereElse) count(diagnosis.everywhereElse, others);
    const lines = [...counts].map(([reason, nodes]) => `${nodes} ${reason}`).sort(byText);
    if (lines.length > 0) text += ` ${lines.join(', ')}.`;
  }
  return diagnosis.preemption ? `${text} ${diagnosis.preemption}` : text;
}
