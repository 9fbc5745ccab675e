/** Which dead containers and sandboxes the runtime need not keep: a pure function of its lists. */
import type { Container, PodSandbox } from '../cri/types.gen.ts';
import { containerNameLabel, podUidLabel } from '../runtime/labels.ts';

/** Dead ones, or such as never ran, that are kept of each container: for `kubectl logs --previous` and `lastState`. */
const keptPerContainer = 1;

/** `ended` says of which pods nothing need be kept. */
export function surplus(
  containers: readonly Container[],
  sandboxes: readonly PodSandbox[],
  ended: (uid: string) => boolean = () => false,
): { containers: string[]; sandboxes: string[] } {
  const groups = new Map<string, Container[]>();
  for (const container of containers) {
    const uid = container.labels?.[podUidLabel];
    if (!uid || container.state === 'CONTAINER_RUNNING') continue;
    const key = `${uid}/${container.labels?.[containerNameLabel] ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), container]);
  }
  const dead: string[] = [];
  for (const [key, group] of groups) {
    const newestFirst = group.sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0));
    // The newest may be about to start: it does not take the place of the one that ran before it.
    const starting = newestFirst[0]?.state === 'CONTAINER_CREATED' ? 1 : 0;
    const kept = ended(key.slice(0, key.indexOf('/'))) ? 0 : keptPerContainer + starting;
    dead.push(...newestFirst.slice(kept).map(({ id = '' }) => id));
  }
  const gone = new Set(dead);
  const inUse = new Set(containers.filter(({ id = '' }) => !gone.has(id)).map(({ podSandboxId }) => podSandboxId));
  const newest = new Map<string, PodSandbox>();
  for (const sandbox of sandboxes) {
    const uid = sandbox.labels?.[podUidLabel];
    if (uid && (newest.get(uid)?.createdAt ?? -1) < (sandbox.createdAt ?? 0)) newest.set(uid, sandbox);
  }
  const empty = sandboxes.filter(({ id, state, labels }) => {
    const uid = labels?.[podUidLabel];
    return uid && state === 'SANDBOX_NOTREADY' && !inUse.has(id) && (newest.get(uid)?.id !== id || ended(uid));
  });
  return { containers: dead, sandboxes: empty.map(({ id = '' }) => id) };
}
