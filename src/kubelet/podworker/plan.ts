/** What a pod needs next, decided from its spec and from what the runtime has of it: a pure function. */
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { isRestartableInit } from '../containers/resources.ts';
import { containerHash } from '../runtime/labels.ts';
import { findContainer, type RuntimeContainer, type RuntimePod } from '../runtime/model.ts';
import { restartsAfter, restartsOnFailure, shouldStart } from './restart.ts';

export type KillReason = 'livenessProbe' | 'startupProbe' | 'unknown' | 'changed' | 'resize';

export interface Kill {
  container: RuntimeContainer;
  reason: KillReason;
  /** Of the Killing event. */
  message: string;
}

export interface Plan {
  /** Everything that runs is stopped first: the sandbox is no good, or nothing is left to do. */
  killPod: boolean;
  createSandbox: boolean;
  attempt: number;
  kill: Kill[];
  /** One after the other. */
  start: Container[];
}

export interface ProbeVerdicts {
  livenessFailed(containerId: string): boolean;
  startupFailed(containerId: string): boolean;
  /** Running, and its startup probe, if it has one, has succeeded. */
  started(container: Container, running: RuntimeContainer): boolean;
}

/** Whether the pod needs another sandbox, and the number of that one. */
export function sandboxChange(pod: Pod, runtime: RuntimePod): { changed: boolean; attempt: number } {
  const [newest] = runtime.sandboxes;
  if (!newest) return { changed: true, attempt: 0 };
  const attempt = newest.attempt + 1;
  if (runtime.sandboxes.filter(({ ready }) => ready).length > 1) return { changed: true, attempt };
  if (!newest.ready) return { changed: true, attempt };
  const hostNetwork = pod.spec.hostNetwork ?? false;
  if (newest.hostNetwork !== hostNetwork) return { changed: true, attempt: hostNetwork ? 0 : attempt };
  if (!hostNetwork && newest.ips.length === 0) return { changed: true, attempt };
  return { changed: false, attempt: newest.attempt };
}

export function planPod(pod: Pod, runtime: RuntimePod, probes: ProbeVerdicts): Plan {
  const { changed, attempt } = sandboxChange(pod, runtime);
  const plan: Plan = { killPod: changed, createSandbox: changed, attempt, kill: [], start: [] };
  if (changed) return planFresh(pod, runtime, plan);

  const sandboxId = runtime.sandboxes[0]?.id ?? '';
  for (const container of pod.spec.ephemeralContainers ?? []) if (!findContainer(runtime, container.name)) plan.start.push(container);
  const initialized = planInit(pod, runtime, sandboxId, probes, plan);
  if (!initialized) return plan;

  let kept = 0;
  for (const container of pod.spec.containers) {
    const current = findContainer(runtime, container.name);
    if (current?.state !== 'running') {
      if (!shouldStart(pod, container, runtime)) continue;
      if (current?.state === 'unknown')
        plan.kill.push({ container: current, reason: 'unknown', message: `Container ${container.name} is in unknown state, try killing it before restart` });
      plan.start.push(container);
      continue;
    }
    const kill = unhealthy(container, current, probes);
    if (!kill) {
      kept++;
      continue;
    }
    if (kill.reason === 'changed' || restartsAfter(pod, container, 137)) {
      plan.kill.push({ ...kill, message: `${kill.message}, will be restarted` });
      plan.start.push(container);
    } else plan.kill.push(kill);
  }
  if (kept === 0 && plan.start.length === 0) {
    plan.killPod = true;
    plan.kill = [];
  }
  return plan;
}

function unhealthy(container: Container, running: RuntimeContainer, probes: ProbeVerdicts): Kill | undefined {
  if (running.hash && running.hash !== containerHash(container))
    return { container: running, reason: 'changed', message: `Container ${container.name} definition changed` };
  if (probes.livenessFailed(running.id)) return { container: running, reason: 'livenessProbe', message: `Container ${container.name} failed liveness probe` };
  if (probes.startupFailed(running.id)) return { container: running, reason: 'startupProbe', message: `Container ${container.name} failed startup probe` };
  return undefined;
}

/** The first sandbox, or another one in place of one that broke. */
function planFresh(pod: Pod, runtime: RuntimePod, plan: Plan): Plan {
  const none = (): Plan => ({ ...plan, createSandbox: false });
  if (!restartsOnFailure(pod) && plan.attempt !== 0 && runtime.containers.length > 0) return none();
  const toRun = pod.spec.containers.filter((container) => {
    const current = findContainer(runtime, container.name);
    return !(current?.state === 'exited' && !restartsAfter(pod, container, current.exitCode));
  });
  if (toRun.length === 0) return none();
  const [first] = pod.spec.initContainers ?? [];
  plan.start = first ? [first] : toRun;
  return plan;
}

/** Init containers run one after the other, those that restart stay. Returns whether the regular ones may start. */
function planInit(pod: Pod, runtime: RuntimePod, sandboxId: string, probes: ProbeVerdicts, plan: Plan): boolean {
  const inits = pod.spec.initContainers ?? [];
  const here = (name: string): RuntimeContainer | undefined =>
    runtime.containers.find((container) => container.name === name && container.sandboxId === sandboxId);
  const hadRegular = pod.spec.containers.some(({ name }) => here(name) !== undefined);
  const lastTouched = inits.findLastIndex(({ name }) => here(name) !== undefined);
  for (const [index, container] of inits.entries()) {
    const current = here(container.name);
    const goOn = hadRegular || index < lastTouched;
    if (isRestartableInit(container)) {
      if (current?.state === 'running') {
        const kill = unhealthy(container, current, probes);
        if (kill) {
          plan.kill.push({
            ...kill,
            message: `Init container ${container.name}${kill.message.slice(`Container ${container.name}`.length)}, will be restarted`,
          });
          plan.start.push(container);
          if (!goOn) return false;
        } else if (!probes.started(container, current) && !goOn) return false;
        continue;
      }
      if (current?.state === 'unknown')
        plan.kill.push({
          container: current,
          reason: 'unknown',
          message: `Init container ${container.name} is in unknown state, try killing it before restart`,
        });
      plan.start.push(container);
      if (!goOn) return false;
      continue;
    }
    if (hadRegular || index < lastTouched) continue;
    if (current?.state === 'running') return false;
    if (current?.state === 'exited' && current.exitCode === 0) continue;
    if (current?.state === 'exited' && !restartsAfter(pod, container, current.exitCode)) {
      // The pod has failed: sidecars have nothing to wait for.
      plan.killPod = true;
      plan.start = [];
      return false;
    }
    if (current?.state === 'unknown')
      plan.kill.push({ container: current, reason: 'unknown', message: `Init container ${container.name} is in unknown state, try killing it before restart` });
    plan.start.push(container);
    return false;
  }
  return true;
}
