/** Whether a pod that fits nowhere may displace others, and which. Pure; `evict.ts` does it. */
import type { PluginArgs } from '../config/types.ts';
import { type Diagnosis, describe, newDiagnosis } from '../framework/diagnosis.ts';
import { type NodeCheck, type Rejection, type Snapshot, unresolvable } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { Nominator } from '../state/nominator.ts';
import type { PodInfo } from '../state/podinfo.ts';
import { leastHarm, preemptionPlugin, selectVictims, type Victims } from './victims.ts';

export interface PreemptionInput {
  pod: PodInfo;
  snapshot: Snapshot;
  checks: readonly NodeCheck[];
  /** Why the pod fits nowhere. */
  diagnosis: Diagnosis;
  nominator: Nominator;
  /** Milliseconds. */
  now: number;
  random(): number;
  /** How many candidates are enough; a tenth of the nodes and at least a hundred unless given. */
  args?: PluginArgs['DefaultPreemption'];
}

/** `keep`: an earlier nomination stands. */
interface NoHelp {
  outcome: 'none';
  message: string;
  keep: boolean;
  /** A plugin did: it is all that is said. */
  failed?: boolean;
}

export type Candidates = { outcome: 'candidates'; candidates: Victims[] } | NoHelp;
export type Preemption = { outcome: 'victims'; victims: Victims } | NoHelp;

const notHelpful = unresolvable(preemptionPlugin, 'Preemption is not helpful for scheduling');

const defaultArgs: PluginArgs['DefaultPreemption'] = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 };

const candidatesWanted = (nodes: number, { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute }: typeof defaultArgs): number =>
  Math.min(Math.max(Math.floor((nodes * percentage) / 100), absolute), nodes);

const rejectionOf = ({ rejections, everywhereElse }: Diagnosis, node: string): Rejection | undefined => rejections.get(node) ?? everywhereElse;

function ineligible({ pod, snapshot, diagnosis }: PreemptionInput): string | undefined {
  if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = pod.pod.status?.nominatedNodeName;
  if (!nominated || rejectionOf(diagnosis, nominated)?.code === 'unresolvable') return undefined;
  const leaving = [...(snapshot.node(nominated)?.pods.values() ?? [])].some((other) => other.priority < pod.priority && isLeavingByPreemption(other));
  return leaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
}

function isLeavingByPreemption({ terminating, pod }: PodInfo): boolean {
  const condition = pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return terminating && condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}

export function findPreemption(input: PreemptionInput): Preemption {
  const found = findCandidates(input);
  if (found.outcome === 'none') return found;
  return preferred(found.candidates, input.now);
}

/** The candidate that does the least harm. */
export function preferred(candidates: readonly Victims[], now: number): Preemption {
  const victims = leastHarm(candidates, now);
  return victims ? { outcome: 'victims', victims } : { outcome: 'none', message: 'preemption: no candidate node for preemption', keep: true };
}

/** Nodes on which the pod would fit if others went. */
export function findCandidates(input: PreemptionInput): Candidates {
  const { pod, snapshot, checks, diagnosis, nominator, now, random, args = defaultArgs } = input;
  const why = ineligible(input);
  if (why) return { outcome: 'none', message: `preemption: ${why}`, keep: true };
  const nodes = snapshot.nodes.filter((node) => rejectionOf(diagnosis, node.name)?.code === 'unschedulable');
  const budgets = snapshot.listers.disruptionBudgets.list();
  const found: Victims[] = [];
  let harmless = 0;
  let broken: string | undefined;
  const failed = newDiagnosis(snapshot.nodes.length);
  failed.everywhereElse = notHelpful;
  const offset = Math.floor(random() * nodes.length);
  const wanted = candidatesWanted(nodes.length, args);
  for (let i = 0; i < nodes.length && !(harmless > 0 && found.length >= wanted); i++) {
    const node: NodeInfo = nodes[(offset + i) % nodes.length]!;
    const victims = selectVictims({ pod, checks, nominator, budgets, now }, node);
    if ('reasons' in victims) {
      failed.rejections.set(node.name, victims);
      if (victims.code === 'error') broken ??= `running "${victims.plugin}" filter plugin: ${victims.reasons.join(', ')}`;
    } else if (victims.pods.length > 0) {
      found.push(victims);
      if (victims.violations === 0) harmless++;
    }
  }
  if (found.length > 0) return { outcome: 'candidates', candidates: found };
  if (broken) return { outcome: 'none', message: `preemption: ${broken}`, keep: true, failed: true };
  return { outcome: 'none', message: `preemption: ${describe(failed)}`, keep: false };
}
