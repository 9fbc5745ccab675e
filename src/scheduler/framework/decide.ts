/** The decision: filters give the nodes that a pod can run on, scores the best of them. Pure: same snapshot, same answer. */

import type { NodeInfo } from '../state/nodeinfo.ts';
import type { Nominator } from '../state/nominator.ts';
import type { PodInfo } from '../state/podinfo.ts';
import { type Diagnosis, newDiagnosis, reject } from './diagnosis.ts';
import { type FilterPlugin, isRejection, type NodeCheck, type Rejection, type Snapshot, unresolvable } from './plugin.ts';
import type { Profile, WeightedScore } from './profile.ts';

export interface DecisionInput {
  pod: PodInfo;
  snapshot: Snapshot;
  nominator: Nominator;
  profile: Profile;
  /** Where to begin among the nodes: not every search begins at the first. */
  startAt: number;
  /** Breaks ties. Gives 0 ≤ x < 1. */
  random(): number;
}

interface Refused {
  outcome: 'none';
  diagnosis: Diagnosis;
  checks: readonly NodeCheck[];
  looked: number;
}
type Impossible = { outcome: 'no-nodes' } | { outcome: 'error'; plugin: string; message: string };

export type Decision = { outcome: 'node'; node: NodeInfo; checks: readonly NodeCheck[]; looked: number } | Refused | Impossible;

/** What the filters left over, before extenders and scores. */
export type Feasible = { outcome: 'nodes'; nodes: NodeInfo[]; diagnosis: Diagnosis; checks: readonly NodeCheck[]; looked: number } | Refused | Impossible;

export function decide(input: DecisionInput): Decision {
  const found = findFeasible(input);
  if (found.outcome !== 'nodes') return found;
  const { nodes, checks, looked } = found;
  return { outcome: 'node', node: choose(input, nodes), checks, looked };
}

export function findFeasible(input: DecisionInput): Feasible {
  const { pod, snapshot, nominator, profile } = input;
  const all = snapshot.nodes;
  if (all.length === 0) return { outcome: 'no-nodes' };
  const diagnosis = newDiagnosis(all.length);
  const prepared = prepareChecks(pod, snapshot, profile.filters, diagnosis);
  if ('error' in prepared) return { outcome: 'error', plugin: prepared.error.plugin, message: prepared.error.reasons.join(', ') };
  const { checks, names } = prepared;
  if (diagnosis.upfront) return { outcome: 'none', diagnosis, checks, looked: 0 };

  const nominated = pod.pod.status?.nominatedNodeName ? snapshot.node(pod.pod.status.nominatedNodeName) : undefined;
  if (nominated && !runFilters(pod, checks, nominated, nominator)) return { outcome: 'nodes', nodes: [nominated], diagnosis, checks, looked: 0 };

  const candidates = names ? [...names].flatMap((name) => snapshot.node(name) ?? []) : all;
  const count = candidates.length;
  const enough = nodesToFind(count, profile.percentageOfNodesToScore);
  const nodes: NodeInfo[] = [];
  let at = count > 0 ? input.startAt % count : 0;
  for (let left = count; left > 0 && nodes.length < enough; left--) {
    const node = candidates[at]!;
    at = at + 1 === count ? 0 : at + 1;
    const rejection = runFilters(pod, checks, node, nominator);
    if (!rejection) nodes.push(node);
    else if (rejection.code === 'error') return { outcome: 'error', plugin: rejection.plugin, message: rejection.reasons.join(', ') };
    else reject(diagnosis, node.name, rejection);
  }
  const looked = nodes.length + diagnosis.rejections.size;
  return nodes.length === 0 ? { outcome: 'none', diagnosis, checks, looked } : { outcome: 'nodes', nodes, diagnosis, checks, looked };
}

type Prepared = { checks: NodeCheck[]; names: ReadonlySet<string> | undefined } | { error: Rejection };

/** Makes all filters ready for the pod; what they reject at once is said in the diagnosis. */
export function prepareChecks(pod: PodInfo, snapshot: Snapshot, filters: readonly FilterPlugin[], diagnosis: Diagnosis): Prepared {
  const checks: NodeCheck[] = [];
  let names: ReadonlySet<string> | undefined;
  for (const plugin of filters) {
    const check = plugin.prepare(pod, snapshot);
    if (!check) continue;
    if (isRejection(check)) {
      if (check.code === 'error') return { error: check };
      diagnosis.upfront = check;
      diagnosis.everywhereElse = check;
      diagnosis.plugins.add(check.plugin);
      break;
    }
    checks.push(check);
    if (!check.nodeNames) continue;
    const own: ReadonlySet<string> = check.nodeNames;
    names = names ? new Set([...names].filter((one) => own.has(one))) : own;
    diagnosis.plugins.add(plugin.name);
    diagnosis.everywhereElse = unresolvable(plugin.name, `node(s) didn't satisfy plugin(s) [${[...diagnosis.plugins].sort().join(' ')}]`);
  }
  return { checks, names };
}

function runChecks(checks: readonly NodeCheck[], node: NodeInfo): Rejection | undefined {
  for (let i = 0; i < checks.length; i++) {
    const rejection = checks[i]!.filter(node);
    if (rejection) return rejection;
  }
  return undefined;
}

/**
 * Filters, and where room on the node was promised to pods of at least this priority, filters with those on it as well:
 * they may come, so the pod must fit beside them; they may not come, so it must not depend on them.
 */
export function runFilters(pod: PodInfo, checks: readonly NodeCheck[], node: NodeInfo, nominator: Nominator): Rejection | undefined {
  const promised = nominator.empty ? [] : [...nominator.on(node.name)].filter((other) => other.uid !== pod.uid && other.priority >= pod.priority);
  if (promised.length > 0) {
    const crowded = node.clone();
    const adjusted = checks.map((check) => check.clone?.() ?? check);
    for (const other of promised) {
      crowded.addPod(other);
      for (const check of adjusted) check.addPod?.(other, crowded);
    }
    const rejection = runChecks(adjusted, crowded);
    if (rejection) return rejection;
  }
  return runChecks(checks, node);
}

const fewest = 100;

/** In a large cluster a part of the feasible nodes is enough to choose from: 50 % shrinking to 5 %, at least 100. */
export function nodesToFind(count: number, percentageOfNodesToScore = 0): number {
  if (count < fewest) return count;
  const percentage = percentageOfNodesToScore || Math.max(50 - Math.floor(count / 125), 5);
  return Math.max(Math.floor((count * percentage) / 100), fewest);
}

/** Tells each plugin's normalized score, before its weight. */
export type ScoreListener = (plugin: WeightedScore, node: NodeInfo, score: number) => void;

/** The node with the highest weighted sum of scores; one of them at random when several have it. `extra` is added to the sums. */
export function choose(
  { pod, snapshot, profile, random }: Pick<DecisionInput, 'pod' | 'snapshot' | 'profile' | 'random'>,
  nodes: readonly NodeInfo[],
  extra?: (node: NodeInfo) => number,
  listener?: ScoreListener,
): NodeInfo {
  if (nodes.length === 1 && !listener) return nodes[0]!;
  const totals = new Float64Array(nodes.length);
  const scores: number[] = new Array(nodes.length).fill(0);
  for (const plugin of profile.scores) {
    const ready = plugin.prepare(pod, snapshot, nodes);
    if (!ready) continue;
    for (let i = 0; i < nodes.length; i++) scores[i] = ready.score(nodes[i]!);
    ready.normalize?.(scores, nodes);
    for (let i = 0; i < nodes.length; i++) totals[i]! += scores[i]! * plugin.weight;
    if (listener) for (let i = 0; i < nodes.length; i++) listener(plugin, nodes[i]!, scores[i]!);
  }
  if (extra) for (let i = 0; i < nodes.length; i++) totals[i]! += extra(nodes[i]!);
  let highest = Number.NEGATIVE_INFINITY;
  let chosen = nodes[0]!;
  let ties = 0;
  for (let i = 0; i < nodes.length; i++) {
    if (totals[i]! < highest) continue;
    ties = totals[i] === highest ? ties + 1 : 1;
    highest = totals[i]!;
    if (ties === 1 || random() * ties < 1) chosen = nodes[i]!;
  }
  return chosen;
}
