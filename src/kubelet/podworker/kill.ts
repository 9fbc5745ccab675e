/** Ends containers: preStop hook, SIGTERM, SIGKILL when the grace period is over; sidecars after all others, in reverse order. */
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { runHook } from '../containers/hooks.ts';
import { containerNamed, isRestartableInit } from '../containers/resources.ts';
import { describePod, type KubeletContext, messageOf } from '../context.ts';
import { isRuntimeNotFound } from '../cri/client.ts';
import { restoredContainer } from '../runtime/labels.ts';
import { podIps, type RuntimeContainer, type RuntimePod, runningContainers } from '../runtime/model.ts';
import { sleep } from '../runtime/pleg.ts';
import type { KillReason } from './plan.ts';
import { containerTarget } from './target.ts';

/** Seconds that every container gets at the least. */
const minimumGrace = 2;

export interface KillOptions {
  message?: string;
  reason?: KillReason;
  /** Seconds; instead of what the pod says. */
  grace?: number;
  /** Its grace period has been shortened, and somebody else ends the container meanwhile. */
  hastened?: AbortSignal;
  /** A second try: hooks have run. */
  again?: boolean;
}

/** Seconds that this container has to end. */
export function gracePeriodOf(pod: Pod, container: Container | undefined, reason: KillReason | undefined): number {
  const { deletionGracePeriodSeconds } = pod.metadata;
  if (deletionGracePeriodSeconds !== undefined) return deletionGracePeriodSeconds;
  const ofProbe = reason === 'livenessProbe' ? container?.livenessProbe : reason === 'startupProbe' ? container?.startupProbe : undefined;
  return ofProbe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? minimumGrace;
}

/** Waits for `task`, but not longer than that, and not when hastened. Returns the seconds that have passed. */
async function within(task: Promise<unknown>, seconds: number, hastened: AbortSignal | undefined): Promise<number> {
  const began = Date.now();
  const stop = new AbortController();
  const cut = (): void => stop.abort();
  hastened?.addEventListener('abort', cut, { once: true });
  await Promise.race([task, sleep(seconds * 1000, hastened ? AbortSignal.any([hastened, stop.signal]) : stop.signal)]);
  stop.abort();
  hastened?.removeEventListener('abort', cut);
  return Math.floor((Date.now() - began) / 1000);
}

async function preStop(
  context: KubeletContext,
  pod: Pod,
  container: Container,
  running: RuntimeContainer,
  podIp: string,
  grace: number,
  hastened: AbortSignal | undefined,
): Promise<number> {
  const handler = container.lifecycle?.preStop;
  if (!handler) return 0;
  const task = runHook(context, pod, container, running.id, handler, podIp).catch((error: unknown) => {
    context.log.warn({ pod: describePod(pod), container: container.name, err: messageOf(error) }, 'a preStop hook failed');
    context.events.event(containerTarget(pod, container.name), 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
  });
  return within(task, grace, hastened);
}

/** `turn` resolves when those that end before this one have ended. */
export async function killContainer(
  context: KubeletContext,
  pod: Pod,
  running: RuntimeContainer,
  podIp: string,
  options: KillOptions = {},
  turn?: Promise<unknown>,
): Promise<void> {
  const container = containerNamed(pod, running.name) ?? restoredContainer(running);
  if (!options.again) context.events.event(containerTarget(pod, running.name), 'Normal', 'Killing', options.message || `Stopping container ${running.name}`);
  let grace = options.grace ?? gracePeriodOf(pod, container, options.reason);
  if (grace > 0 && !options.again) grace -= await preStop(context, pod, container, running, podIp, grace, options.hastened);
  if (turn && grace > 0) grace -= await within(turn, grace, options.hastened);
  if (options.hastened?.aborted) return;
  try {
    await context.cri.stopContainer(running.id, Math.max(grace, minimumGrace));
  } catch (error) {
    if (!isRuntimeNotFound(error)) throw error;
  }
}

/** Ends all that runs of the pod, then its sandboxes. Throws the first failure after all have been tried. */
export async function killPod(context: KubeletContext, pod: Pod, runtime: RuntimePod, options: KillOptions = {}): Promise<void> {
  const running = runningContainers(runtime);
  const ip = podIps(runtime)[0] ?? '';
  const sidecars = (pod.spec.initContainers ?? []).filter(isRestartableInit).map(({ name }) => name);
  const ended = new Map<string, PromiseWithResolvers<void>>(running.map(({ id }) => [id, Promise.withResolvers<void>()]));
  const before = (container: RuntimeContainer): Promise<unknown> | undefined => {
    const rank = sidecars.indexOf(container.name);
    if (rank < 0) return undefined;
    const earlier = running.filter(({ name }) => !sidecars.includes(name) || sidecars.indexOf(name) > rank);
    return earlier.length ? Promise.all(earlier.map(({ id }) => ended.get(id)?.promise)) : undefined;
  };
  const failures: unknown[] = [];
  await Promise.all(
    running.map(async (container) => {
      try {
        await killContainer(context, pod, container, ip, options, before(container));
      } catch (error) {
        failures.push(error);
      } finally {
        ended.get(container.id)?.resolve();
      }
    }),
  );
  if (options.hastened?.aborted) return;
  for (const sandbox of runtime.sandboxes.filter(({ ready }) => ready)) {
    try {
      await context.cri.stopPodSandbox(sandbox.id);
    } catch (error) {
      if (!isRuntimeNotFound(error)) failures.push(error);
    }
  }
  if (failures.length) throw failures[0];
}
