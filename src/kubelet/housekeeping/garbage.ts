/** Which dead containers and sandboxes the runtime need not keep: a pure function of its lists. */
import type { Container, PodSandbox } from '../cri/types.gen.ts';
import { containerNameLabel, podUidLabel } from '../runtime/labels.ts';

/** Dead ones, or such as never ran, that are kept of each container: `kubectl logs --previous` and `lastState` need one besides the current. */
const keptPerContainer = 2;

export function surplus(containers: readonly Container[], sandboxes: readonly PodSandbox[]): { containers: string[]; sandboxes: string[] } {
  const groups = new Map<string, Container[]>();
  for (const container of containers) {
    const uid = container.labels?.[podUidLabel];
    if (!uid) continue;
    const key = `${uid}/${container.labels?.[containerNameLabel] ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), container]);
  }
  const dead: string[] = [];
  for (const group of groups.values()) {
    const newestFirst = group.sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0));
    dead.push(
      ...newestFirst
        .slice(keptPerContainer)
        .filter(({ state }) => state !== 'CONTAINER_RUNNING')
        .map(({ id = '' }) => id),
    );
  }
  const gone = new Set(dead);
  const inUse = new Set(containers.filter(({ id = '' }) => !gone.has(id)).map(({ podSandboxId }) => podSandboxId));
  const newest = new Map<string, PodSandbox>();
  for (const sandbox of sandboxes) {
    const uid = sandbox.labels?.[podUidLabel];
    if (uid && (newest.get(uid)?.createdAt ?? -1) < (sandbox.createdAt ?? 0)) newest.set(uid, sandbox);
  }
  const empty = sandboxes.filter(
    ({ id, state, labels }) => labels?.[podUidLabel] && state === 'SANDBOX_NOTREADY' && !inUse.has(id) && newest.get(labels[podUidLabel] ?? '')?.id !== id,
  );
  return { containers: dead, sandboxes: empty.map(({ id = '' }) => id) };
}
