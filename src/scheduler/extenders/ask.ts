/** Asks the extenders, one after the other, what they make of a decision. */
import type { Diagnosis } from '../framework/diagnosis.ts';
import { reject } from '../framework/diagnosis.ts';
import { unresolvable, unschedulable } from '../framework/plugin.ts';
import type { Victims } from '../preemption/victims.ts';
import { extenderPlugin } from '../queue/rules.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { PodInfo } from '../state/podinfo.ts';
import type { Extender } from './extender.ts';

const interested = (extenders: readonly Extender[], { pod }: PodInfo): Extender[] => extenders.filter((extender) => extender.isInterested(pod));

/** The nodes that all extenders leave; why they left the others out is noted in the diagnosis. Rejects when one fails that must not. */
export async function filterByExtenders(extenders: readonly Extender[], pod: PodInfo, nodes: readonly NodeInfo[], diagnosis: Diagnosis): Promise<NodeInfo[]> {
  let left = [...nodes];
  for (const extender of interested(extenders, pod)) {
    if (left.length === 0) break;
    if (!extender.filter) continue;
    try {
      const { nodes: kept, failed, failedAndUnresolvable } = await extender.filter(pod.pod, left);
      for (const [name, reason] of Object.entries(failed)) reject(diagnosis, name, unschedulable(extenderPlugin, reason));
      for (const [name, reason] of Object.entries(failedAndUnresolvable)) reject(diagnosis, name, unresolvable(extenderPlugin, reason));
      left = kept;
    } catch (error) {
      if (!extender.ignorable) throw error;
    }
  }
  if (left.length !== nodes.length) diagnosis.plugins.add(extenderPlugin);
  return left;
}

/** By node. An extender that fails gives no scores. */
export async function scoresOfExtenders(extenders: readonly Extender[], pod: PodInfo, nodes: readonly NodeInfo[]): Promise<ReadonlyMap<string, number>> {
  const sums = new Map<string, number>();
  const lists = await Promise.allSettled(interested(extenders, pod).map((extender) => extender.prioritize?.(pod.pod, nodes)));
  for (const list of lists) {
    if (list.status === 'rejected' || !list.value) continue;
    for (const [name, score] of list.value) sums.set(name, (sums.get(name) ?? 0) + score);
  }
  return sums;
}

/** The candidates that all extenders leave, perhaps with other victims. */
export async function preemptByExtenders(extenders: readonly Extender[], pod: PodInfo, candidates: readonly Victims[]): Promise<readonly Victims[]> {
  let left = candidates;
  for (const extender of interested(extenders, pod)) {
    if (left.length === 0) break;
    if (!extender.preempt) continue;
    try {
      left = await extender.preempt(pod.pod, left);
    } catch (error) {
      if (!extender.ignorable) throw error;
    }
  }
  return left;
}
