/** How `kubectl get pods` shows a pod. Source of the rule: upstream's table printers. */
import { humanAge } from '../../../../apimachinery/duration.ts';
import { ageColumn, nameColumn, textColumn, wideColumn } from '../../../columns.ts';
import type { Column } from '../../../kind.ts';
import type { ContainerStateTerminated, ContainerStatus, Pod } from '../types.gen.ts';
import { isPodConditionTrue, isPodReady, isPodTerminal } from './conditions.ts';
import { isRestartableInitContainer } from './resources.ts';

interface Summary {
  ready: number;
  total: number;
  status: string;
  restarts: number;
  lastRestart: string | undefined;
}

function terminatedReason({ reason, signal, exitCode }: ContainerStateTerminated): string {
  if (reason) return reason;
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

/** Restarts of some containers, and when the last one was. */
class Restarts {
  count = 0;
  last: string | undefined;

  add({ restartCount, lastState }: ContainerStatus): void {
    this.count += restartCount ?? 0;
    const at = lastState?.terminated?.finishedAt;
    if (at && (!this.last || Date.parse(at) > Date.parse(this.last))) this.last = at;
  }
}

interface InitSummary {
  /** Set when an init container has yet to finish, or failed. */
  reason?: string;
  ready: number;
  all: Restarts;
  sidecars: Restarts;
}

function summarizeInit(pod: Pod): InitSummary {
  const sidecarNames = new Set((pod.spec.initContainers ?? []).filter(isRestartableInitContainer).map(({ name }) => name));
  const summary: InitSummary = { ready: 0, all: new Restarts(), sidecars: new Restarts() };
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecarNames.has(status.name);
    summary.all.add(status);
    if (sidecar) summary.sidecars.add(status);
    const { terminated, waiting } = status.state ?? {};
    if (terminated && terminated.exitCode === 0) continue;
    if (sidecar && status.started) {
      if (status.ready) summary.ready++;
      continue;
    }
    if (terminated) summary.reason = `Init:${terminatedReason(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') summary.reason = `Init:${waiting.reason}`;
    else summary.reason = `Init:${index}/${pod.spec.initContainers?.length ?? 0}`;
    break;
  }
  return summary;
}

interface ContainersSummary {
  reason: string;
  ready: number;
}

function summarizeContainers(pod: Pod, before: string, restarts: Restarts): ContainersSummary {
  let reason = before;
  let failure = '';
  let running = false;
  let ready = 0;
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    restarts.add(status);
    const { waiting, terminated } = status.state ?? {};
    if (waiting?.reason) reason = waiting.reason;
    else if (terminated) {
      reason = terminatedReason(terminated);
      if (terminated.exitCode !== 0) failure = reason;
    } else if (status.ready && status.state?.running) {
      running = true;
      ready++;
    }
  }
  // Some containers are done, others still run, or failed.
  if (reason === 'Completed') {
    if (running && isPodReady(pod)) reason = 'Running';
    else if (failure !== '') reason = failure;
    else if (running) reason = 'NotReady';
  }
  return { reason, ready };
}

function summarize(pod: Pod): Summary {
  const { status = {}, spec } = pod;
  const gated = status.conditions?.some((condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated');
  const initial = gated ? 'SchedulingGated' : status.reason || (status.phase ?? '');
  const init = summarizeInit(pod);
  const total = spec.containers.length + (spec.initContainers ?? []).filter(isRestartableInitContainer).length;

  const initialized = init.reason === undefined || isPodConditionTrue(pod, 'Initialized');
  const restarts = initialized ? init.sidecars : init.all;
  let reason = init.reason ?? initial;
  let ready = init.ready;
  if (initialized) {
    const containers = summarizeContainers(pod, reason, restarts);
    reason = containers.reason;
    ready += containers.ready;
  }

  if (pod.metadata.deletionTimestamp) {
    if (status.reason === 'NodeLost') reason = 'Unknown';
    else if (!isPodTerminal(pod)) reason = 'Terminating';
  }
  return { ready, total, status: reason, restarts: restarts.count, lastRestart: restarts.last };
}

/** The cells of a row are read one after the other and need the same summary; the first of them computes it. */
let last: { pod: Pod; summary: Summary } | undefined;

function readyCell(pod: Pod): string {
  const summary = summarize(pod);
  last = { pod, summary };
  return `${summary.ready}/${summary.total}`;
}

const summaryOf = (pod: Pod): Summary => (last?.pod === pod ? last.summary : summarize(pod));

function restartsCell(pod: Pod, now: Date): string {
  const { restarts, lastRestart } = summaryOf(pod);
  return restarts !== 0 && lastRestart ? `${restarts} (${humanAge(lastRestart, now)} ago)` : String(restarts);
}

function readinessGatesCell({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const passed = gates.filter(({ conditionType }) => status?.conditions?.find(({ type }) => type === conditionType)?.status === 'True');
  return `${passed.length}/${gates.length}`;
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  textColumn('Ready', readyCell),
  textColumn('Status', (pod) => summaryOf(pod).status),
  textColumn('Restarts', restartsCell),
  ageColumn,
  wideColumn('IP', ({ status }) => status?.podIPs?.[0]?.ip || '<none>'),
  wideColumn('Node', ({ spec }) => spec.nodeName || '<none>'),
  wideColumn('Nominated Node', ({ status }) => status?.nominatedNodeName || '<none>'),
  wideColumn('Readiness Gates', readinessGatesCell),
];
