/** Starts one container: back-off, image, configuration, create, start, postStart hook. */
import { rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { containerConfig, restartCountFromLogs } from '../containers/config.ts';
import type { PodFacts } from '../containers/fields.ts';
import { runHook } from '../containers/hooks.ts';
import { describePod, type KubeletContext, messageOf, runtimeMessageOf } from '../context.ts';
import type { Image, PodSandboxConfig, UserNamespace } from '../cri/types.gen.ts';
import { formatDuration, type ImagePuller, StartError } from '../images/puller.ts';
import type { Backoff } from '../runtime/backoff.ts';
import { containerHash } from '../runtime/labels.ts';
import { findContainer, type RuntimePod } from '../runtime/model.ts';
import type { MountedVolumes } from '../volumes/manager.ts';
import { killContainer } from './kill.ts';
import { containerTarget } from './target.ts';
import { applyUserNamespace } from './userns.ts';

export interface StartRequest {
  context: KubeletContext;
  puller: ImagePuller;
  backoff: Backoff;
  pod: Pod;
  runtime: RuntimePod;
  container: Container;
  sandboxId: string;
  sandbox: PodSandboxConfig;
  facts: PodFacts;
  volumes: MountedVolumes;
  userns: UserNamespace | undefined;
  signal: AbortSignal;
}

const backoffKey = (pod: Pod, container: Container): string => `${pod.metadata.uid}_${container.name}_${containerHash(container)}`;

function checkBackoff({ context, backoff, pod, runtime, container }: StartRequest): void {
  const ended = runtime.containers.find(({ name, state }) => name === container.name && state === 'exited');
  if (!ended?.finishedAt) return;
  const key = backoffKey(pod, container);
  const since = ended.finishedAt.getTime();
  if (backoff.isInBackOffSince(key, since)) {
    const where = describePod(pod);
    context.events.event(containerTarget(pod, container.name), 'Warning', 'BackOff', `Back-off restarting failed container ${container.name} in pod ${where}`);
    throw new StartError('CrashLoopBackOff', `back-off ${formatDuration(backoff.get(key))} restarting failed container=${container.name} pod=${where}`, {
      retryAt: since + backoff.get(key),
    });
  }
  backoff.next(key, since);
}

/** Returns the ID of the container, which runs. Throws {@link StartError} with the reason and message of its waiting state. */
export async function startContainer(request: StartRequest): Promise<string> {
  const { context, puller, pod, runtime, container, sandboxId, sandbox, facts, volumes, signal } = request;
  const { cri, events, paths } = context;
  const about = containerTarget(pod, container.name);
  checkBackoff(request);
  const image = await puller.ensure(pod, container, sandbox, signal, about.fieldPath);
  const imageVolumes = await pullImageVolumes(request);
  const fail = (reason: string, error: unknown, text: string): StartError => {
    events.event(about, 'Warning', 'Failed', `Error: ${text}`);
    return new StartError(reason, text, { cause: error });
  };

  const before = findContainer(runtime, container.name);
  const logDirectory = join(paths.podLogs(pod), container.name);
  const restartCount = before ? before.restartCount + 1 : await restartCountFromLogs(logDirectory);
  const targetName = pod.spec.ephemeralContainers?.find(({ name }) => name === container.name)?.targetContainerName;
  let config: Awaited<ReturnType<typeof containerConfig>>;
  try {
    const target = targetName ? findContainer(runtime, targetName) : undefined;
    if (targetName && !target) throw new Error(`unable to find target container ${targetName}`);
    config = await containerConfig(context, { pod, container, restartCount, image, facts, volumes, imageVolumes, targetId: target?.id ?? '' });
    await context.allocations.configure(pod, container, config);
    const devices = context.claims.devicesOf(pod, container);
    if (devices.length) config.cdiDevices = [...(config.cdiDevices ?? []), ...devices.map((name) => ({ name }))];
  } catch (error) {
    throw fail('CreateContainerConfigError', error, messageOf(error));
  }
  applyUserNamespace(config, request.userns);
  if (signal.aborted) throw new StartError('CreateContainerError', 'context canceled');
  let id: string;
  try {
    id = await cri.createContainer({ podSandboxId: sandboxId, config, sandboxConfig: sandbox });
  } catch (error) {
    throw fail('CreateContainerError', error, runtimeMessageOf(error));
  }
  events.event(about, 'Normal', 'Created', 'Container created');
  try {
    await cri.startContainer(id);
  } catch (error) {
    throw fail('RunContainerError', error, runtimeMessageOf(error));
  }
  events.event(about, 'Normal', 'Started', 'Container started');
  void linkLog(context, pod, container.name, id, join(logDirectory, `${restartCount}.log`));
  if (container.lifecycle?.postStart) await postStart(request, id, restartCount);
  return id;
}

/** Volumes that are images are pulled as a container's own image is. */
async function pullImageVolumes({ puller, pod, container, sandbox, signal }: StartRequest): Promise<Map<string, Image>> {
  const found = new Map<string, Image>();
  for (const { name } of container.volumeMounts ?? []) {
    const source = pod.spec.volumes?.find((volume) => volume.name === name)?.image;
    if (!source || found.has(name)) continue;
    found.set(
      name,
      await puller.ensure(pod, { name, image: source.reference ?? '', imagePullPolicy: source.pullPolicy }, sandbox, signal, `spec.volumes{${name}}`),
    );
  }
  return found;
}

async function postStart({ context, pod, container, facts, signal }: StartRequest, id: string, restartCount: number): Promise<void> {
  const handler = container.lifecycle?.postStart;
  if (!handler) return;
  const canceled = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  try {
    await Promise.race([runHook(context, pod, container, id, handler, facts.podIps[0] ?? ''), canceled]);
  } catch (error) {
    context.log.warn({ pod: describePod(pod), container: container.name, err: messageOf(error) }, 'a postStart hook failed');
    context.events.event(containerTarget(pod, container.name), 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
    const running = {
      id,
      name: container.name,
      sandboxId: '',
      state: 'running' as const,
      createdAt: new Date(),
      exitCode: 0,
      reason: '',
      message: '',
      image: '',
      imageRef: '',
      hash: '',
      restartCount,
      status: {},
    };
    await killContainer(context, pod, running, facts.podIps[0] ?? '', { message: 'FailedPostStartHook' });
    throw new StartError('PostStartHookError', 'PostStartHook failed', { cause: error });
  }
}

/** `/var/log/containers/<pod>_<namespace>_<container>-<id>.log`, where log collectors look. */
export const logLinkOf = (podLogsDir: string, pod: Pick<Pod, 'metadata'>, container: string, id: string): string =>
  join(dirname(podLogsDir), 'containers', `${pod.metadata.name}_${pod.metadata.namespace}_${container}-${id}.log`);

async function linkLog({ options, log }: KubeletContext, pod: Pod, container: string, id: string, target: string): Promise<void> {
  if (basename(options.podLogsDir) !== 'pods') return;
  const link = logLinkOf(options.podLogsDir, pod, container, id);
  try {
    await rm(link, { force: true });
    await symlink(target, link);
  } catch (error) {
    log.debug({ link, err: messageOf(error) }, 'no link to a container log');
  }
}
