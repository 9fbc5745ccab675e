/** A container's configuration as CRI takes it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import type { KubeletContext } from '../context.ts';
import type { ContainerConfig, Image, Signal } from '../cri/types.gen.ts';
import { containerAnnotations, containerLabels } from '../runtime/labels.ts';
import type { MountedVolumes } from '../volumes/manager.ts';
import { environmentOf } from './env.ts';
import { expand } from './expansion.ts';
import type { PodFacts } from './fields.ts';
import { containerMounts } from './mounts.ts';
import { linuxResources } from './resources.ts';
import { containerSecurity, verifyRunAsNonRoot } from './security.ts';

export interface ContainerRequest {
  pod: Pod;
  container: Container;
  restartCount: number;
  image: Image;
  facts: PodFacts;
  volumes: MountedVolumes;
  /** Images that volumes stand for, by the volume's name. */
  imageVolumes: ReadonlyMap<string, Image>;
  /** Container whose process namespace an ephemeral container joins. */
  targetId: string;
}

export const seccompRootOf = (context: KubeletContext): string => join(context.paths.root, 'seccomp');

/** Throws what is reported as `CreateContainerConfigError`. */
export async function containerConfig(
  context: KubeletContext,
  { pod, container, restartCount, image, facts, volumes, imageVolumes, targetId }: ContainerRequest,
): Promise<ContainerConfig> {
  // An image that names no user runs as root.
  const imageUid = image.uid?.value ?? (image.username ? undefined : 0);
  verifyRunAsNonRoot(pod, container, imageUid, image.username ?? '');
  const env = await environmentOf(context, pod, container, facts, volumes);
  const { mounts, devices } = await containerMounts(context, { pod, container, podIps: facts.podIps, volumes, imageVolumes, env });
  const expanded = (words: readonly string[] | undefined): string[] => (words ?? []).map((word) => expand(word, (name) => env.get(name)));
  const gids = [...volumes.values()].flatMap(({ gid }) => gid ?? []);
  const security = { seccompRoot: seccompRootOf(context), seccompDefault: context.config.seccompDefault };
  const stopSignal = container.lifecycle?.stopSignal;
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: image.id ?? '', userSpecifiedImage: container.image ?? '' },
    command: expanded(container.command),
    args: expanded(container.args),
    workingDir: container.workingDir ?? '',
    envs: [...env].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts,
    devices,
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, restartCount),
    logPath: join(container.name, `${restartCount}.log`),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: {
      resources: linuxResources(pod, container, context.resources.memory, context.resources.hugePageSizes),
      securityContext: containerSecurity(
        pod,
        container,
        { ...(imageUid === undefined ? {} : { uid: imageUid }), username: image.username ?? '' },
        security,
        gids,
        targetId,
      ),
    },
    ...(stopSignal ? { stopSignal: stopSignal.replace('+', 'PLUS').replace(/(RTMAX)-/, '$1MINUS') as Signal } : {}),
  };
}

/** After its containers have gone from the runtime, their logs still tell how often one was started. */
export async function restartCountFromLogs(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const counts = names.flatMap((name) => /^(\d+)\.log/.exec(name)?.[1] ?? []).map(Number);
  return counts.length ? Math.max(...counts) + 1 : 0;
}
