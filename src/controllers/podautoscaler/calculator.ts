/** From metrics to numbers of replicas. Values are in thousandths. Source of the rules: upstream's `replica_calculator.go`. */
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { milliValue } from '../../apimachinery/quantity.ts';
import { isPodReady, podCondition } from '../common/podstate.ts';

export interface PodMetric {
  value: number;
  /** Milliseconds since 1970, and how long was measured. */
  timestamp: number;
  windowMs: number;
}

/** By name of the pod. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;

/** How far the ratio of use to target may be off before anything is done, when falling and when rising. */
export interface Tolerances {
  down: number;
  up: number;
}

export interface Proposal {
  replicas: number;
  /** The average over pods. */
  average: number;
  /** In percent of what was requested. */
  utilization?: number;
}

const cpuInitializationMs = 5 * 60_000;
const readinessDelayMs = 30_000;

export const isWithin = ({ down, up }: Tolerances, ratio: number): boolean => 1 - down <= ratio && ratio <= 1 + up;

/** CPU of a pod that has just started, or was never ready, says nothing. */
function isStarting(pod: Pod, { timestamp, windowMs }: PodMetric, now: number): boolean {
  const ready = podCondition(pod, 'Ready');
  const started = pod.status?.startTime;
  if (!ready || !started) return true;
  const changed = Date.parse(ready.lastTransitionTime ?? '');
  if (Date.parse(started) + cpuInitializationMs > now) return ready.status === 'False' || timestamp < changed + windowMs;
  return ready.status === 'False' && Date.parse(started) + readinessDelayMs > changed;
}

interface Groups {
  ready: number;
  unready: string[];
  missing: string[];
  /** Metrics of the pods that count. */
  metrics: Map<string, PodMetric>;
}

function groupPods(pods: readonly Pod[], metrics: PodMetrics, resource: string, now: number): Groups {
  const groups: Groups = { ready: 0, unready: [], missing: [], metrics: new Map(metrics) };
  for (const pod of pods) {
    const { name } = pod.metadata;
    const metric = metrics.get(name);
    if (pod.metadata.deletionTimestamp || pod.status?.phase === 'Failed') groups.metrics.delete(name);
    else if (pod.status?.phase === 'Pending' || (metric && resource === 'cpu' && isStarting(pod, metric, now))) {
      groups.unready.push(name);
      groups.metrics.delete(name);
    } else if (!metric) groups.missing.push(name);
    else groups.ready++;
  }
  return groups;
}

interface Measure {
  ratio: number;
  average: number;
  utilization?: number;
}

export interface PodQuestion {
  pods: readonly Pod[];
  metrics: PodMetrics;
  current: number;
  tolerances: Tolerances;
  /** `cpu` has a rule of its own. */
  resource: string;
  now: number;
}

/** `assumed` is what a pod without metrics is taken to use when there would be fewer pods; when there would be more, it is nothing. */
function proposeForPods(question: PodQuestion, measure: (metrics: PodMetrics) => Measure, assumed: (pod: string) => number): Proposal {
  const { pods, current, tolerances, now } = question;
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const { ready, unready, missing, metrics } = groupPods(pods, question.metrics, question.resource, now);
  if (metrics.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const { ratio, average, utilization } = measure(metrics);
  const result = (replicas: number): Proposal => ({ replicas, average, ...(utilization === undefined ? {} : { utilization }) });
  const countsUnready = unready.length > 0 && ratio > 1;
  if (!countsUnready && missing.length === 0) return result(isWithin(tolerances, ratio) ? current : Math.ceil(ratio * ready));
  const fill = (names: readonly string[], value: (name: string) => number): void => {
    for (const name of names) metrics.set(name, { value: value(name), timestamp: 0, windowMs: 0 });
  };
  if (ratio !== 1) fill(missing, ratio < 1 ? assumed : () => 0);
  if (countsUnready) fill(unready, () => 0);
  const { ratio: cautious } = measure(metrics);
  const turned = (ratio < 1 && cautious > 1) || (ratio > 1 && cautious < 1);
  if (isWithin(tolerances, cautious) || turned) return result(current);
  const replicas = Math.ceil(cautious * metrics.size);
  return result((cautious < 1 && replicas > current) || (cautious > 1 && replicas < current) ? current : replicas);
}

/** For a target per pod. */
export function proposeByValue(question: PodQuestion, target: number): Proposal {
  const measure = (metrics: PodMetrics): Measure => {
    const sum = [...metrics.values()].reduce((total, { value }) => total + value, 0);
    const average = Math.trunc(sum / metrics.size);
    return { ratio: average / target, average };
  };
  return proposeForPods(question, measure, () => target);
}

/** What the containers of a pod (or one of them) request together. */
function requestOf(pod: Pod, resource: string, container: string): number {
  const own = pod.spec.resources?.requests?.[resource];
  if (container === '' && own !== undefined) return milliValue(own);
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const all: Container[] = [...pod.spec.containers, ...sidecars];
  const counted = container === '' ? all : all.filter(({ name }) => name === container);
  if (counted.length === 0) throw new Error(`container ${container} not found in Pod ${pod.metadata.name}`);
  return counted.reduce((sum, { name, resources }) => {
    const request = resources?.requests?.[resource];
    if (request === undefined) throw new Error(`missing request for ${resource} in container ${name} of Pod ${pod.metadata.name}`);
    return sum + milliValue(request);
  }, 0);
}

/** For a target in percent of what is requested; `container` is empty for the whole pod. */
export function proposeByUtilization(question: PodQuestion, targetPercent: number, container: string): Proposal {
  let known: Map<string, number> | undefined;
  // Only once there are metrics: that there are none is the first thing to be told.
  const requests = (): Map<string, number> => {
    known ??= new Map(question.pods.map((pod) => [pod.metadata.name, requestOf(pod, question.resource, container)]));
    return known;
  };
  const measure = (all: PodMetrics): Measure => {
    const metrics = [...all].filter(([name]) => requests().has(name));
    const used = metrics.reduce((sum, [, { value }]) => sum + value, 0);
    const requested = metrics.reduce((sum, [name]) => sum + requests().get(name)!, 0);
    if (requested === 0) throw new Error('no metrics returned matched known pods');
    const utilization = Math.trunc((used * 100) / requested);
    return { ratio: utilization / targetPercent, average: Math.trunc(used / metrics.length), utilization };
  };
  return proposeForPods(question, measure, (name) => Math.trunc(((requests().get(name) ?? 0) * Math.max(100, targetPercent)) / 100));
}

const maxReplicas = 2147483647;

/** For a target of the whole: an object's metric, or one from outside. */
export function proposeByTotal(usage: number, target: number, current: number, pods: readonly Pod[], tolerances: Tolerances): Proposal {
  const ratio = usage / target;
  if (current === 0) return { replicas: Math.ceil(ratio), average: usage };
  if (isWithin(tolerances, ratio)) return { replicas: current, average: usage };
  if (pods.length === 0) throw new Error('unable to calculate ready pods: no pods returned by selector while calculating replica count');
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod)).length;
  return { replicas: Math.min(maxReplicas, Math.ceil(ratio * ready)), average: usage };
}

/** The whole divided by what one pod is to have of it. */
export function proposeByShare(usage: number, target: number, current: number, tolerances: Tolerances): Proposal {
  const replicas = isWithin(tolerances, usage / (target * current)) ? current : Math.min(maxReplicas, Math.ceil(usage / target));
  return { replicas, average: current === 0 ? usage : Math.ceil(usage / current) };
}
