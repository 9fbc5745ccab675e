/** What to create and delete, as functions of nodes and pods. Source of the rules: upstream's `daemon_controller.go`, `update.go`. */
import type { DaemonSet } from '../../api/apps/v1/types.gen.ts';
import type { Node, Pod } from '../../api/core/v1/types.gen.ts';
import { scaledIntOrPercent } from '../../apimachinery/intstr.ts';
import { isPodAvailable, isPodReady } from '../common/podstate.ts';
import { hashLabel, type Placement } from './placement.ts';

export interface Situation {
  set: DaemonSet;
  nodes: readonly Node[];
  placement(node: Node): Placement;
  /** By the node that they run on or are meant for. */
  pods: ReadonlyMap<string, readonly Pod[]>;
  hash: string;
  now: Date;
}

export interface Plan {
  /** Names of nodes. */
  create: string[];
  delete: Pod[];
}

export interface Ended {
  pod: Pod;
  node: string;
}

const isGoing = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;

/** The one that counts first: scheduled, then oldest. */
export function byAge(a: Pod, b: Pod): number {
  const scheduled = Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName));
  if (scheduled !== 0) return scheduled;
  const [one, two] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return one === two ? (a.metadata.name < b.metadata.name ? -1 : 1) : one < two ? -1 : 1;
}

const rolling = ({ spec }: DaemonSet) =>
  (spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate' ? (spec.updateStrategy?.rollingUpdate ?? {}) : undefined;
const surgeOf = (set: DaemonSet, nodes: number): number => scaledIntOrPercent(rolling(set)?.maxSurge ?? 0, nodes, true);
const isUpdated = (pod: Pod, hash: string): boolean => pod.metadata.labels?.[hashLabel] === hash;
const available = ({ set, now }: Situation, pod: Pod): boolean => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now);

/** Of pods that share a node: all but one of each revision; the old one goes when the new one can stand in for it. */
function surplus(situation: Situation, running: readonly Pod[]): Pod[] {
  const { set, hash } = situation;
  const sorted = [...running].sort(byAge);
  if (surgeOf(set, 1) === 0) return sorted.slice(1);
  const newPods = sorted.filter((pod) => isUpdated(pod, hash));
  const oldPods = sorted.filter((pod) => !isUpdated(pod, hash));
  const [newest, old] = [newPods[0], oldPods[0]];
  const replaced = newest && old && (!isPodReady(old) || available(situation, newest)) ? [old] : [];
  return [...newPods.slice(1), ...oldPods.slice(1), ...replaced];
}

/** Makes it one pod on every node that wants one. `onEnded` says whether a pod that failed or succeeded is deleted now. */
export function planNodes(situation: Situation, onEnded: (ended: Ended) => boolean): Plan {
  const { set, nodes, placement, pods } = situation;
  const plan: Plan = { create: [], delete: [] };
  for (const node of nodes) {
    const name = node.metadata.name;
    const { run, keep } = placement(node);
    const present = pods.get(name);
    if (run && !present) plan.create.push(name);
    else if (keep) {
      const staying = (present ?? []).filter((pod) => !isGoing(pod));
      const ended = staying.filter(({ status }) => status?.phase === 'Failed' || status?.phase === 'Succeeded');
      plan.delete.push(...ended.filter((pod) => onEnded({ pod, node: name })));
      const running = staying.filter((pod) => !ended.includes(pod));
      plan.delete.push(...surplus(situation, running));
      if (surgeOf(set, 1) > 0 && running.length === 0 && run) plan.create.push(name);
    } else plan.delete.push(...(present ?? []).filter((pod) => !isGoing(pod)));
  }
  // Meant for nodes that are gone.
  const known = new Set(nodes.map(({ metadata }) => metadata.name));
  for (const [name, present] of pods) if (!known.has(name)) plan.delete.push(...present.filter((pod) => !pod.spec.nodeName && !isGoing(pod)));
  return plan;
}

/** The old and the new pod of a node; undefined when there are several of one sort. */
function pairOf(present: readonly Pod[], hash: string): { newPod?: Pod; oldPod?: Pod } | undefined {
  const staying = present.filter((pod) => !isGoing(pod));
  const newPods = staying.filter((pod) => isUpdated(pod, hash));
  const oldPods = staying.filter((pod) => !isUpdated(pod, hash));
  return newPods.length > 1 || oldPods.length > 1 ? undefined : { newPod: newPods[0], oldPod: oldPods[0] };
}

/** The next step of a rolling update. */
export function planUpdate(situation: Situation): Plan {
  const { set, nodes, placement, pods } = situation;
  const wanted = nodes.filter((node) => placement(node).run);
  const surge = surgeOf(set, wanted.length);
  let unavailable = scaledIntOrPercent(rolling(set)?.maxUnavailable ?? 1, wanted.length, true);
  if (wanted.length > 0 && unavailable === 0 && surge === 0) unavailable = 1;
  const present = new Map<string, readonly Pod[]>([...wanted.map(({ metadata }) => [metadata.name, []] as [string, Pod[]]), ...pods]);
  return surge === 0 ? planReplacement(situation, present, unavailable) : planSurge(situation, present, surge, wanted);
}

/** Old pods that are not available go at once, others as far as the limit allows. */
function planReplacement(situation: Situation, present: ReadonlyMap<string, readonly Pod[]>, limit: number): Plan {
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let missing = 0;
  for (const onNode of present.values()) {
    const pair = pairOf(onNode, situation.hash);
    const { newPod, oldPod } = pair ?? {};
    if (!pair || Boolean(newPod) === Boolean(oldPod)) missing++;
    else if (newPod) missing += available(situation, newPod) ? 0 : 1;
    else if (!available(situation, oldPod!)) {
      broken.push(oldPod!);
      missing++;
    } else candidates.push(oldPod!);
  }
  return { create: [], delete: [...broken, ...candidates.slice(0, Math.max(0, limit - missing))] };
}

/** New pods come beside the old ones, which go when the new ones are available. */
function planSurge(situation: Situation, present: ReadonlyMap<string, readonly Pod[]>, limit: number, wanted: readonly Node[]): Plan {
  const runs = new Set(wanted.map(({ metadata }) => metadata.name));
  const plan: Plan = { create: [], delete: [] };
  const misplaced: Pod[] = [];
  const candidates: string[] = [];
  let surging = 0;
  let availableNow = 0;
  for (const [name, onNode] of present) {
    const pair = pairOf(onNode, situation.hash);
    if (!pair) {
      surging++;
      continue;
    }
    const { newPod, oldPod } = pair;
    const counted = oldPod ?? newPod;
    if (counted && available(situation, counted)) availableNow++;
    if (!oldPod) continue;
    if (newPod) {
      if (available(situation, newPod)) plan.delete.push(oldPod);
      else surging++;
    } else if (available(situation, oldPod)) {
      if (runs.has(name)) candidates.push(name);
      else misplaced.push(oldPod);
    } else if (runs.has(name)) plan.create.push(name);
    else plan.delete.push(oldPod);
  }
  plan.delete.push(...misplaced.slice(0, Math.max(0, availableNow - wanted.length)));
  plan.create.push(...candidates.slice(0, Math.max(0, limit - surging)));
  return plan;
}
