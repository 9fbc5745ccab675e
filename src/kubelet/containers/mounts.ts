/** What a container's mounts bind: volumes, the hosts file, the file for its termination message. */

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod, VolumeMount } from '../../api/core/v1/types.gen.ts';
import { describePod, type KubeletContext, messageOf } from '../context.ts';
import type { Device, Image, Mount } from '../cri/types.gen.ts';
import type { MountedVolumes } from '../volumes/manager.ts';
import { bindSubPath } from '../volumes/subpath.ts';
import { expand } from './expansion.ts';
import { writeHostsFile } from './hosts.ts';

const propagations = { None: 'PROPAGATION_PRIVATE', HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER', Bidirectional: 'PROPAGATION_BIDIRECTIONAL' } as const;

function subPathOf(mount: VolumeMount, container: Container, env: ReadonlyMap<string, string>): string {
  const path = mount.subPathExpr
    ? expand(mount.subPathExpr, (name) => {
        if (!env.has(name))
          throw new Error(`failed to expand subPath for volumeMount "${mount.name}" of container "${container.name}": missing value for "${name}"`);
        return env.get(name);
      })
    : (mount.subPath ?? '');
  if (path.startsWith('/')) throw new Error(`error SubPath \`${path}\` must not be an absolute path`);
  if (path.split('/').includes('..')) throw new Error(`unable to provision SubPath \`${path}\`: must not contain '..'`);
  return path;
}

/** What mounts depend on. */
export interface MountRequest {
  pod: Pod;
  container: Container;
  podIps: readonly string[];
  volumes: MountedVolumes;
  /** Images that volumes stand for, by the volume's name. */
  imageVolumes: ReadonlyMap<string, Image>;
  env: ReadonlyMap<string, string>;
}

async function volumeMount(
  context: KubeletContext,
  { pod, container, volumes, imageVolumes, env }: MountRequest,
  mount: VolumeMount,
  index: number,
): Promise<Mount> {
  const volume = volumes.get(mount.name);
  if (!volume) throw new Error(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
  const containerPath = mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`;
  const source = pod.spec.volumes?.find(({ name }) => name === mount.name);
  const subPath = subPathOf(mount, container, env);
  if (source?.image) {
    const image = { image: imageVolumes.get(mount.name)?.id ?? '', userSpecifiedImage: source.image.reference ?? '' };
    return { containerPath, hostPath: '', readonly: true, image, imageSubPath: subPath };
  }
  const target = join(context.paths.pod(pod.metadata.uid ?? ''), 'volume-subpaths', mount.name, container.name, String(index));
  const hostPath = !subPath
    ? volume.path
    : await bindSubPath(volume.path, subPath, target).catch((error: unknown) => {
        // What exactly stands in the volume is not for the pod's events.
        context.log.error({ pod: describePod(pod), container: container.name, volume: mount.name, err: messageOf(error) }, 'preparing a subPath failed');
        throw new Error(`failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`, { cause: error });
      });
  const readonly = (mount.readOnly ?? false) || (volume.managed ?? false) || (volume.readOnly ?? false);
  const propagation = propagations[(mount.mountPropagation ?? 'None') as keyof typeof propagations] ?? 'PROPAGATION_PRIVATE';
  const supported = context.runtime.handlers.find(({ name }) => name === '')?.recursiveReadOnlyMounts ?? false;
  if (mount.recursiveReadOnly === 'Enabled' && !supported) throw new Error(`rro mode "${mount.recursiveReadOnly}" is not supported by the runtime`);
  const recursive = readonly && (mount.recursiveReadOnly === 'Enabled' || (mount.recursiveReadOnly === 'IfPossible' && supported));
  return { containerPath, hostPath, readonly, propagation, ...(recursive ? { recursiveReadOnly: true } : {}) };
}

export async function containerMounts(context: KubeletContext, request: MountRequest): Promise<{ mounts: Mount[]; devices: Device[] }> {
  const { pod, container, podIps, volumes } = request;
  const { paths, options } = context;
  const uid = pod.metadata.uid ?? '';
  const mounts: Mount[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) mounts.push(await volumeMount(context, request, mount, index));
  const devices = (container.volumeDevices ?? []).map(({ name, devicePath }): Device => {
    const volume = volumes.get(name);
    if (!volume?.device) throw new Error(`cannot find volume "${name}" to pass into container "${container.name}"`);
    return { hostPath: volume.path, containerPath: devicePath, permissions: volume.readOnly ? 'r' : 'mrw' };
  });
  const takes = (path: string): boolean => mounts.some(({ containerPath }) => containerPath === path);
  if ((podIps.length > 0 || pod.spec.hostNetwork) && !takes('/etc/hosts')) {
    const hosts = join(paths.pod(uid), 'etc-hosts');
    await writeHostsFile(hosts, pod, podIps, options.clusterDomain);
    mounts.push({ containerPath: '/etc/hosts', hostPath: hosts, readonly: false });
  }
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
  if (messagePath) {
    const directory = paths.container(uid, container.name);
    const file = join(directory, randomBytes(4).toString('hex'));
    await mkdir(directory, { recursive: true, mode: 0o750 });
    await writeFile(file, '');
    await chmod(file, 0o666);
    mounts.push({ containerPath: messagePath.startsWith('/') ? messagePath : `/${messagePath}`, hostPath: file, readonly: false });
  }
  return { mounts, devices };
}
