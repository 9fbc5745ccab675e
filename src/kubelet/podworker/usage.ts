/** A memory limit is not set below what is in use: the kernel would refuse, or end the container. */
import type { Container, Pod, ResourceRequirements } from '../../api/core/v1/types.gen.ts';
import type { CgroupLimits } from '../cgroups/hierarchy.ts';
import type { PodCgroups } from '../cgroups/pods.ts';
import { bytesOf } from '../containers/resources.ts';
import type { KubeletContext } from '../context.ts';

/** A container whose cgroup is about to be changed. */
export interface Update {
  id: string;
  container: Container;
  before: ResourceRequirements | undefined;
}

/** A limit where there was none counts as lowered. */
const lowered = (before: number, after: number): boolean => after > 0 && (before === 0 || after < before);

async function podUsage({ hierarchy, path }: PodCgroups, pod: Pod): Promise<number> {
  return Number(await hierarchy.read('memory', path(pod), hierarchy.version === 2 ? 'memory.current' : 'memory.usage_in_bytes'));
}

/** Throws upstream's words. */
export async function checkUsage(
  { cri }: KubeletContext,
  cgroups: PodCgroups,
  pod: Pod,
  before: CgroupLimits,
  after: CgroupLimits,
  updates: readonly Update[],
): Promise<void> {
  const problems: string[] = [];
  if (lowered(before.memory ?? 0, after.memory ?? 0)) {
    const usage = await podUsage(cgroups, pod);
    if (usage >= (after.memory ?? 0)) problems.push(`attempting to set pod memory limit (${after.memory}) below current usage (${usage})`);
  }
  for (const { id, container, before: had } of updates) {
    const limit = bytesOf(container.resources?.limits);
    if (!lowered(bytesOf(had?.limits), limit)) continue;
    const [stats] = await cri.listContainerStats({ id });
    const usage = stats?.memory?.usageBytes?.value ?? stats?.memory?.workingSetBytes?.value ?? 0;
    if (usage >= limit) problems.push(`attempting to set container "${container.name}" memory limit (${limit}) below current usage (${usage})`);
  }
  if (problems.length) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
}
