/** Runs the probes of all containers that run on this node, and keeps what they have shown. */
import type { Container, Pod, Probe } from '../../api/core/v1/types.gen.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { isRestartableInit } from '../containers/resources.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import type { ProbeVerdicts } from '../podworker/plan.ts';
import { containerTarget } from '../podworker/target.ts';
import { findContainer, podIps, type RuntimeContainer, type RuntimePod } from '../runtime/model.ts';
import type { ReadinessView } from '../status/pod.ts';
import { runProbe } from './run.ts';
import { initialState, nextState, type ProbeState, type ProbeType } from './verdict.ts';

export interface ProbeManager {
  /** Starts the probes of containers that run now, ends those of containers that do not. */
  sync(pod: Pod, runtime: RuntimePod): void;
  /** The pod is being ended: only readiness is still of interest. */
  terminating(uid: string): void;
  remove(uid: string): void;
  view(uid: string): ReadinessView;
  verdicts(uid: string): ProbeVerdicts;
  counts(): ReadonlyMap<string, number>;
  stop(): void;
}

interface Worker {
  type: ProbeType;
  state: ProbeState;
  containerId: string;
  timer: NodeJS.Timeout | undefined;
  ended: boolean;
  /** Probes at once instead of at the next tick. */
  trigger(): void;
}

interface PodProbes {
  pod: Pod;
  ip: string;
  /** By container ID and type. */
  workers: Map<string, Worker>;
}

const types: readonly [ProbeType, 'livenessProbe' | 'readinessProbe' | 'startupProbe'][] = [
  ['startup', 'startupProbe'],
  ['liveness', 'livenessProbe'],
  ['readiness', 'readinessProbe'],
];
const titles: Record<ProbeType, string> = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' };
const maxTries = 3;
const idOf = (id: string, type: ProbeType): string => `${id}/${type}`;

/** `changed` is called with the pod's uid when a verdict is not what it was. */
export function createProbeManager(context: KubeletContext, changed: (uid: string) => void): ProbeManager {
  const pods = new Map<string, PodProbes>();
  const counts = new Map<string, number>();
  const began = Date.now();

  function startedContainer(probes: PodProbes | undefined, container: Container, id: string): boolean {
    if (!container.startupProbe) return true;
    return probes?.workers.get(idOf(id, 'startup'))?.state.verdict === 'success';
  }

  async function answer(
    entry: PodProbes,
    container: Container,
    running: RuntimeContainer,
    probe: Probe,
    type: ProbeType,
  ): Promise<'success' | 'failure' | undefined> {
    const target = { pod: entry.pod, container, containerId: running.id, podIp: entry.ip };
    const about = containerTarget(entry.pod, container.name);
    for (let attempt = 1; ; attempt++) {
      try {
        const { result, output } = await runProbe(context, target, probe);
        if (result === 'warning') context.events.event(about, 'Warning', 'ProbeWarning', `${titles[type]} probe warning: ${output}`);
        else if (result !== 'success') context.events.event(about, 'Warning', 'Unhealthy', `${titles[type]} probe failed: ${output}`);
        return result === 'success' || result === 'warning' ? 'success' : 'failure';
      } catch (error) {
        if (attempt < maxTries) continue;
        context.log.debug({ pod: keyOf(entry.pod), container: container.name, err: messageOf(error) }, 'a probe could not be made');
        context.events.event(about, 'Warning', 'Unhealthy', `${titles[type]} probe errored and resulted in unknown state: ${messageOf(error)}`);
        return undefined;
      }
    }
  }

  function startWorker(uid: string, entry: PodProbes, container: Container, running: RuntimeContainer, type: ProbeType, probe: Probe): void {
    const old = entry.pod.status?.containerStatuses
      ?.concat(entry.pod.status.initContainerStatuses ?? [])
      .find(({ name, containerID }) => name === container.name && containerID?.endsWith(running.id));
    const state = initialState(type);
    // A container that ran already when the kubelet started keeps what was reported of it until a probe says otherwise.
    const ranBefore = running.startedAt !== undefined && running.startedAt.getTime() < began;
    if (ranBefore && old && type === 'readiness' && old.ready) state.verdict = 'success';
    if (old?.started && type === 'startup') state.verdict = 'success';
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const firstAt = (running.startedAt ?? new Date()).getTime() + (probe.initialDelaySeconds ?? 0) * 1000;
    let busy = false;

    const worker: Worker = { type, state, containerId: running.id, timer: undefined, ended: false, trigger: () => plan(0) };
    const plan = (delay: number): void => {
      clearTimeout(worker.timer);
      if (!worker.ended) worker.timer = setTimeout(() => void tick(), Math.max(0, delay));
    };
    const tick = async (): Promise<void> => {
      if (worker.ended || busy) return;
      const started = startedContainer(entry, container, running.id);
      const idle = worker.state.onHold || (type === 'startup') === started || Date.now() < firstAt;
      if (idle) return plan(Date.now() < firstAt ? firstAt - Date.now() : periodMs);
      busy = true;
      const from = Date.now();
      const result = await answer(entry, container, running, probe, type).finally(() => {
        busy = false;
      });
      if (worker.ended) return;
      const labels = `${type}|${container.name}|${keyOf(entry.pod)}|${uid}|${result === 'success' ? 'successful' : result === 'failure' ? 'failed' : 'unknown'}`;
      counts.set(labels, (counts.get(labels) ?? 0) + 1);
      if (result) {
        const before = worker.state.verdict;
        worker.state = nextState(type, worker.state, result, { success: probe.successThreshold ?? 1, failure: probe.failureThreshold ?? 3 });
        if (worker.state.verdict !== before) {
          changed(uid);
          if (type === 'startup' && worker.state.verdict === 'success')
            for (const other of entry.workers.values()) if (other.containerId === running.id && other !== worker) other.trigger();
        }
      }
      plan(periodMs - (Date.now() - from));
    };
    entry.workers.set(idOf(running.id, type), worker);
    // After a restart of the kubelet all probes of a node would run at the same moment.
    plan(ranBefore ? Math.random() * periodMs : firstAt - Date.now());
  }

  function end(worker: Worker): void {
    worker.ended = true;
    clearTimeout(worker.timer);
  }

  return {
    sync: (pod, runtime) => {
      const uid = pod.metadata.uid ?? '';
      let entry = pods.get(uid);
      const probed = [...(pod.spec.initContainers ?? []).filter(isRestartableInit), ...pod.spec.containers].filter(
        ({ livenessProbe, readinessProbe, startupProbe }) => livenessProbe || readinessProbe || startupProbe,
      );
      if (!entry && probed.length === 0) return;
      if (!entry) {
        entry = { pod, ip: '', workers: new Map() };
        pods.set(uid, entry);
      }
      entry.pod = pod;
      entry.ip = (pod.spec.hostNetwork ? context.options.nodeIps[0] : podIps(runtime)[0]) ?? entry.ip;
      const alive = new Set<string>();
      for (const container of probed) {
        const current = findContainer(runtime, container.name);
        if (current?.state !== 'running') continue;
        alive.add(current.id);
        for (const [type, field] of types) {
          const probe = container[field];
          if (probe && !entry.workers.has(idOf(current.id, type))) startWorker(uid, entry, container, current, type, probe);
        }
      }
      for (const [key, worker] of entry.workers) {
        if (alive.has(worker.containerId)) continue;
        end(worker);
        entry.workers.delete(key);
      }
    },
    terminating: (uid) => {
      const entry = pods.get(uid);
      if (!entry) return;
      for (const worker of entry.workers.values()) if (worker.type !== 'readiness') end(worker);
    },
    remove: (uid) => {
      for (const worker of pods.get(uid)?.workers.values() ?? []) end(worker);
      pods.delete(uid);
      for (const key of counts.keys()) if (key.includes(`|${uid}|`)) counts.delete(key);
    },
    view: (uid) => ({
      started: (container, id) => startedContainer(pods.get(uid), container, id),
      ready: (container, id) => !container.readinessProbe || pods.get(uid)?.workers.get(idOf(id, 'readiness'))?.state.verdict === 'success',
    }),
    verdicts: (uid) => ({
      livenessFailed: (id) => pods.get(uid)?.workers.get(idOf(id, 'liveness'))?.state.verdict === 'failure',
      startupFailed: (id) => pods.get(uid)?.workers.get(idOf(id, 'startup'))?.state.verdict === 'failure',
      started: (container, running) => startedContainer(pods.get(uid), container, running.id),
    }),
    counts: () => counts,
    stop: () => {
      for (const { workers } of pods.values()) for (const worker of workers.values()) end(worker);
      pods.clear();
    },
  };
}
