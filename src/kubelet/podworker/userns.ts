/**
 * User namespaces: a pod with `hostUsers: false` gets 65,536 IDs of the host that no other pod has. Which ones stands in
 * its directory, so that it keeps them over restarts of the kubelet. Source of the rule: KEP-127.
 */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { KubeletContext } from '../context.ts';
import type { ContainerConfig, PodSandboxConfig, UserNamespace } from '../cri/types.gen.ts';

interface Mapping {
  hostId: number;
  containerId: number;
  length: number;
}

const length = 65_536;
/** The host's own IDs are the first range; IDs have 32 bits. */
const ranges = 65_535;
const fileName = 'userns';

async function mappingIn(directory: string): Promise<Mapping | undefined> {
  const text = await readFile(join(directory, fileName), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { uidMappings: Mapping[] }).uidMappings[0];
}

let allocating: Promise<unknown> = Promise.resolve();

/** The pod's range, taken the first time. One allocation after the other, so that no two pods get the same. */
function mappingOf({ paths }: KubeletContext, uid: string): Promise<Mapping> {
  const allocate = async (): Promise<Mapping> => {
    const own = await mappingIn(paths.pod(uid));
    if (own) return own;
    const names = await readdir(paths.pods).catch(() => []);
    const taken = new Set((await Promise.all(names.map((name) => mappingIn(paths.pod(name))))).map((mapping) => mapping?.hostId));
    for (let range = 1; range <= ranges; range++) {
      if (taken.has(range * length)) continue;
      const mapping = { hostId: range * length, containerId: 0, length };
      const file = join(paths.pod(uid), fileName);
      await mkdir(paths.pod(uid), { recursive: true, mode: 0o750 });
      await writeFile(`${file}.new`, JSON.stringify({ uidMappings: [mapping], gidMappings: [mapping] }));
      await rename(`${file}.new`, file);
      return mapping;
    }
    throw new Error('could not find an empty slot to allocate a user namespace');
  };
  const next = allocating.then(allocate);
  allocating = next.catch(() => {});
  return next;
}

/** Undefined for a pod with the host's users. Throws when the runtime can't. */
export async function userNamespaceOf(context: KubeletContext, pod: Pod, handler: string): Promise<UserNamespace | undefined> {
  if (pod.spec.hostUsers !== false) return undefined;
  if (!context.runtime.handlers.some(({ name, userNamespaces }) => name === handler && userNamespaces)) {
    throw new Error(
      handler
        ? `can't set \`spec.hostUsers: false\`, RuntimeClass handler "${handler}" does not support user namespaces`
        : "can't set `spec.hostUsers: false`, runtime does not support user namespaces",
    );
  }
  const mapping = await mappingOf(context, pod.metadata.uid ?? '');
  return { mode: 'POD', uids: [mapping], gids: [mapping] };
}

/** Puts the pod, or one of its containers with all that is mounted into it, into its namespace. */
export function applyUserNamespace(config: PodSandboxConfig | ContainerConfig, userns: UserNamespace | undefined): void {
  if (!userns) return;
  const security = config.linux?.securityContext;
  if (security) security.namespaceOptions = { ...security.namespaceOptions, usernsOptions: userns };
  if ('mounts' in config) for (const mount of config.mounts ?? []) Object.assign(mount, { uidMappings: userns.uids, gidMappings: userns.gids });
}
