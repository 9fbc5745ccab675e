/** One step of a living pod: what the plan says is carried out, in upstream's order. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import type { PodCgroups } from '../cgroups/pods.ts';
import type { PodFacts } from '../containers/fields.ts';
import { type KubeletContext, messageOf, runtimeMessageOf } from '../context.ts';
import { type ImagePuller, StartError } from '../images/puller.ts';
import type { Backoff } from '../runtime/backoff.ts';
import type { RuntimeCache } from '../runtime/cache.ts';
import { podIps, type RuntimePod } from '../runtime/model.ts';
import type { StartFailure } from '../status/containers.ts';
import { sortedPodIps } from '../status/pod.ts';
import type { VolumeManager } from '../volumes/manager.ts';
import { killContainer, killPod } from './kill.ts';
import type { Plan } from './plan.ts';
import { sandboxConfig } from './sandbox.ts';
import { startContainer } from './start.ts';
import { podTarget } from './target.ts';
import { applyUserNamespace, userNamespaceOf } from './userns.ts';

export interface SyncParts {
  context: KubeletContext;
  cache: RuntimeCache;
  volumes: VolumeManager;
  cgroups: PodCgroups;
  puller: ImagePuller;
  backoff: Backoff;
  /** Handler of the pod's RuntimeClass, `''` for the default; throws when there is no such class. */
  runtimeHandler(pod: Pod): Promise<string>;
}

export interface SyncResult {
  /** Something was done: look again at once. */
  acted: boolean;
  /** Epoch milliseconds when to try again what could not be done now. */
  retryAt?: number;
  started: { id: string; container: Container }[];
}

/** How long until a container that could not be configured, pulled or created is tried again, in milliseconds. */
const retryMs = 10_000;

export const factsOf = (context: KubeletContext, pod: Pod, runtime: RuntimePod): PodFacts => {
  const { nodeIps, nodeName } = context.options;
  return { podIps: pod.spec.hostNetwork ? sortedPodIps(nodeIps, nodeIps) : sortedPodIps(podIps(runtime), nodeIps), hostIps: nodeIps, nodeName };
};

/** Why a container could not be started, and not before when it is tried again (epoch milliseconds). */
export interface Postponed extends StartFailure {
  until: number;
}

/** A timer may fire a moment early. */
const timerSlackMs = 20;

/** `failures` is the memory of why containers could not be started, by name. */
export async function carryOut(
  parts: SyncParts,
  pod: Pod,
  runtime: RuntimePod,
  plan: Plan,
  failures: Map<string, Postponed>,
  signal: AbortSignal,
): Promise<SyncResult> {
  const { context, cache, volumes } = parts;
  const uid = pod.metadata.uid ?? '';
  let current = runtime;
  let acted = false;
  const started: SyncResult['started'] = [];
  const refresh = async (): Promise<void> => {
    current = await cache.get(uid);
    acted = true;
  };

  const alive = runtime.containers.some(({ state }) => state === 'running') || runtime.sandboxes.some(({ ready }) => ready);
  if (plan.killPod && alive) {
    if (plan.createSandbox && runtime.sandboxes.length > 0)
      context.events.event(podTarget(pod), 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    await killPod(context, pod, runtime);
    await refresh();
  }
  for (const { container, reason, message } of plan.kill) await killContainer(context, pod, container, podIps(current)[0] ?? '', { reason, message });
  if (plan.kill.length) await refresh();
  if ((!plan.createSandbox && plan.start.length === 0) || signal.aborted) return { acted, started };

  const mounted = await volumes.setUp(pod, factsOf(context, pod, current));
  if (plan.createSandbox) {
    await prepareClaims(context, pod);
    await createSandbox(parts, pod, plan.attempt);
    await refresh();
  }
  const sandbox = current.sandboxes[0];
  if (!sandbox?.ready || signal.aborted) return { acted, started };
  const config = await sandboxConfig(context, pod, sandbox.attempt, parts.cgroups.parent(pod));
  const userns = pod.spec.hostUsers === false ? await userNamespaceOf(context, pod, await parts.runtimeHandler(pod)) : undefined;
  applyUserNamespace(config, userns);
  let retryAt: number | undefined;
  for (const container of plan.start) {
    if (signal.aborted) break;
    const postponed = failures.get(container.name)?.until ?? 0;
    if (postponed > Date.now() + timerSlackMs) {
      retryAt = Math.min(retryAt ?? postponed, postponed);
      if (isInit(pod, container)) break;
      continue;
    }
    try {
      const id = await startContainer({
        context,
        puller: parts.puller,
        backoff: parts.backoff,
        pod,
        runtime: current,
        container,
        sandboxId: sandbox.id,
        sandbox: config,
        facts: factsOf(context, pod, current),
        volumes: mounted,
        userns,
        signal,
      });
      context.meters.count('started_containers_total', { container_type: kindOf(pod, container) });
      started.push({ id, container });
      failures.delete(container.name);
      acted = true;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (signal.aborted) break;
      context.meters.count('started_containers_errors_total', { container_type: kindOf(pod, container), code: error.reason });
      const ran = error.reason === 'PostStartHookError' || error.reason === 'RunContainerError';
      const until = error.retryAt ?? Date.now() + (ran ? 0 : retryMs);
      failures.set(container.name, { reason: error.reason, message: error.message, until });
      if (ran) acted = true;
      else retryAt = Math.min(retryAt ?? until, until);
      if (isInit(pod, container)) break;
    }
  }
  return { acted, started, ...(retryAt === undefined ? {} : { retryAt }) };
}

const kindOf = (pod: Pod, container: Container): string =>
  isInit(pod, container) ? 'init_container' : pod.spec.ephemeralContainers?.some(({ name }) => name === container.name) ? 'ephemeral_container' : 'container';

const isInit = (pod: Pod, { name }: Container): boolean => pod.spec.initContainers?.some((container) => container.name === name) ?? false;

async function prepareClaims({ claims, events }: KubeletContext, pod: Pod): Promise<void> {
  try {
    await claims.prepare(pod);
  } catch (error) {
    events.event(podTarget(pod), 'Warning', 'FailedPrepareDynamicResources', `Failed to prepare dynamic resources: ${messageOf(error)}`);
    throw error;
  }
}

async function createSandbox({ context, runtimeHandler, cgroups }: SyncParts, pod: Pod, attempt: number): Promise<void> {
  const { cri, events, meters, paths } = context;
  try {
    const handler = await runtimeHandler(pod);
    await mkdir(join(paths.pod(pod.metadata.uid ?? ''), 'volumes'), { recursive: true, mode: 0o750 });
    const config = await sandboxConfig(context, pod, attempt, cgroups.parent(pod));
    applyUserNamespace(config, await userNamespaceOf(context, pod, handler));
    await cri.runPodSandbox({ config, runtimeHandler: handler });
    meters.count('started_pods_total');
  } catch (error) {
    meters.count('started_pods_errors_total');
    events.event(podTarget(pod), 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`);
    throw new Error(`failed to create sandbox: ${runtimeMessageOf(error)}`, { cause: error });
  }
}
