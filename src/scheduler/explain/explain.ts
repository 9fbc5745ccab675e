/** Why a pod goes where it goes: the decision made anew, with what every plugin said of every node. By the code that decides. */
import { filterByExtenders, scoresOfExtenders } from '../extenders/ask.ts';
import type { Extender } from '../extenders/extender.ts';
import { choose, findFeasible, nodesToFind } from '../framework/decide.ts';
import { describe } from '../framework/diagnosis.ts';
import type { Snapshot } from '../framework/plugin.ts';
import type { Profile } from '../framework/profile.ts';
import { findCandidates } from '../preemption/preemption.ts';
import { leastHarm } from '../preemption/victims.ts';
import { extenderPlugin } from '../queue/rules.ts';
import type { Nominator } from '../state/nominator.ts';
import type { PodInfo } from '../state/podinfo.ts';

export interface NodeExplanation {
  node: string;
  /** Absent: the node passed. */
  rejectedBy?: { plugin: string; reasons: readonly string[]; preemptionMayHelp: boolean };
  /** By plugin; of nodes that passed. */
  scores?: { plugin: string; score: number; weight: number }[];
  total?: number;
}

export interface PreemptionExplanation {
  node: string;
  victims: { pod: string; priority: number }[];
  budgetsViolated: number;
  chosen: boolean;
}

export interface Explanation {
  pod: string;
  profile: string;
  /** The node that the pod is on; the explanation is then of what would be decided now, were it not there. */
  boundTo?: string;
  /** Why it is not tried at all. */
  gated?: string;
  filters: string[];
  nodes: NodeExplanation[];
  /** The highest total; several: one of them by chance. */
  best: string[];
  /** As in the pod's condition, when no node passes. */
  message?: string;
  preemption?: PreemptionExplanation[];
  /** In a cluster as large as this the scheduler stops when it has found so many nodes. */
  nodesScored?: number;
}

export interface ExplainInput {
  pod: PodInfo;
  snapshot: Snapshot;
  nominator: Nominator;
  profile: Profile;
  /** Milliseconds. */
  now: number;
  extenders?: readonly Extender[];
}

/** The pod must not be counted in the snapshot. */
export async function explainDecision({ pod, snapshot, nominator, profile, now, extenders = [] }: ExplainInput): Promise<Explanation> {
  const explanation: Explanation = { pod: pod.key, profile: profile.name, filters: profile.filters.map(({ name }) => name), nodes: [], best: [] };
  const gate = profile.gateOf(pod.pod);
  if (gate) explanation.gated = `${gate.plugin}: ${gate.reason}`;
  const total = snapshot.nodes.length;
  if (total === 0) return { ...explanation, message: 'no nodes available to schedule pods' };
  const enough = nodesToFind(total, profile.percentageOfNodesToScore);
  if (enough < total) explanation.nodesScored = enough;

  // All nodes are looked at, as the scheduler does itself when it finds none.
  const everything: Profile = { ...profile, percentageOfNodesToScore: 100 };
  const found = findFeasible({ pod, snapshot, nominator, profile: everything, startAt: 0, random: () => 0 });
  if (found.outcome === 'no-nodes') return explanation;
  if (found.outcome === 'error') return { ...explanation, message: `running "${found.plugin}" filter plugin: ${found.message}` };
  const { diagnosis, checks } = found;
  const scores = new Map<string, NonNullable<NodeExplanation['scores']>>();
  const passed = found.outcome === 'nodes' ? found.nodes : [];
  const feasible = await filterByExtenders(extenders, pod, passed, diagnosis);
  if (feasible.length > 0) {
    for (const { name } of feasible) scores.set(name, []);
    choose({ pod, snapshot, profile, random: () => 0.99 }, feasible, undefined, ({ name, weight }, node, score) =>
      scores.get(node.name)!.push({ plugin: name, score, weight }),
    );
    for (const [name, score] of await scoresOfExtenders(extenders, pod, feasible)) scores.get(name)?.push({ plugin: extenderPlugin, score, weight: 1 });
  }
  for (const { name } of snapshot.nodes) {
    const own = scores.get(name);
    const rejection = diagnosis.rejections.get(name) ?? diagnosis.everywhereElse;
    if (own) explanation.nodes.push({ node: name, scores: own, total: own.reduce((sum, { score, weight }) => sum + score * weight, 0) });
    else if (rejection) {
      const { plugin, reasons, code } = rejection;
      explanation.nodes.push({ node: name, rejectedBy: { plugin, reasons, preemptionMayHelp: code === 'unschedulable' } });
    }
  }
  explanation.nodes.sort((a, b) => (b.total ?? -1) - (a.total ?? -1) || (a.node < b.node ? -1 : 1));
  const highest = explanation.nodes[0]?.total;
  if (highest !== undefined) {
    explanation.best = explanation.nodes.flatMap((one) => (one.total === highest ? [one.node] : []));
    return explanation;
  }
  explanation.message = describe(diagnosis);
  const args = profile.postFilters.flatMap((one) => ('preemption' in one ? [one.preemption] : []))[0];
  if (!args) return explanation;
  const candidates = findCandidates({ pod, snapshot, checks, diagnosis, nominator, now, random: () => 0, args });
  if (candidates.outcome === 'none') explanation.message += ` ${candidates.message}`;
  else {
    const chosen = leastHarm(candidates.candidates, now);
    explanation.preemption = candidates.candidates.map((one) => ({
      node: one.node.name,
      victims: one.pods.map(({ key, priority }) => ({ pod: key, priority })),
      budgetsViolated: one.violations,
      chosen: one === chosen,
    }));
  }
  return explanation;
}
