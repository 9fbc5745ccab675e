/** Which pods make room on this node for one that the cluster, or the node, can't do without: a pure function. */
import type { Node, Pod } from '../../api/core/v1/types.gen.ts';
import { type QosClass, qosClassOf } from '../containers/resources.ts';
import { isCriticalPod } from '../podworker/critical.ts';
import { insufficient } from './admit.ts';

const rank: Record<QosClass, number> = { BestEffort: 0, Burstable: 1, Guaranteed: 2 };

/** As few as will do, those with the weakest claims first; undefined when that would not help, or the pod has no such right. */
export function preemptionVictims(pod: Pod, node: Node, others: readonly Pod[]): Pod[] | undefined {
  if (!isCriticalPod(pod)) return undefined;
  const lower = (other: Pod): boolean => !isCriticalPod(other) || (other.spec.priority ?? 0) < (pod.spec.priority ?? 0);
  const fits = (gone: ReadonlySet<Pod>): boolean =>
    !insufficient(
      pod,
      node,
      others.filter((other) => !gone.has(other)),
    );
  const candidates = others.filter(lower).sort((a, b) => rank[qosClassOf(a)] - rank[qosClassOf(b)] || (a.spec.priority ?? 0) - (b.spec.priority ?? 0));
  const chosen = new Set<Pod>();
  for (const candidate of candidates) {
    if (fits(chosen)) break;
    chosen.add(candidate);
  }
  if (!fits(chosen)) return undefined;
  // Those that turn out not to be needed stay, beginning with the strongest claims.
  for (const candidate of [...chosen].reverse()) {
    chosen.delete(candidate);
    if (!fits(chosen)) chosen.add(candidate);
  }
  return candidates.filter((candidate) => chosen.has(candidate));
}
