/** The tree of groups that quality of service asks for: `kubepods`, below it `burstable` and `besteffort`, below those one group per pod. */
import { join } from 'node:path';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { bytesOf, milliCpu, podTotals, type QosClass, qosClassOf, quotaOf, sharesOf } from '../containers/resources.ts';
import type { CgroupOptions } from '../options.ts';
import { type CgroupHierarchy, type CgroupLimits, openCgroups } from './hierarchy.ts';
import { openSlices, sliceName, slicePath } from './systemd.ts';

export interface PodCgroups {
  hierarchy: CgroupHierarchy;
  /** Makes `kubepods` and its two children. */
  start(milliCpu: number): Promise<void>;
  /** Of all pods together; bytes. Throws where more is in use already. */
  limit(limits: { milliCpu: number; memory: number; pids: number }): Promise<void>;
  /** `unthrottled` has no CPU quota whatever its limits. */
  ensure(pod: Pod, unthrottled?: boolean): Promise<void>;
  remove(uid: string, qos?: QosClass): Promise<void>;
  /** As CRI wants it: a path, or a slice with the systemd driver. */
  parent(pod: Pod): string;
  /** Below the mount of a hierarchy. */
  path(pod: Pod): string;
  root: string;
  /** Where burstable pods and those without any requests have their groups. */
  tiers: readonly string[];
  /** Uids of pods that have a group. */
  list(): Promise<string[]>;
  /** Sets the share of burstable pods together. */
  setBurstableShares(milliCpu: number): Promise<void>;
}

const folders: Record<QosClass, string> = { Guaranteed: '', Burstable: 'burstable', BestEffort: 'besteffort' };
const tiers: QosClass[] = ['Guaranteed', 'Burstable', 'BestEffort'];

export function podLimits(pod: Pod, podPidsLimit: number): CgroupLimits {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const bounded = (name: string): boolean =>
    pod.spec.resources?.limits?.[name] !== undefined || containers.every((container) => container.resources?.limits?.[name] !== undefined);
  const quota = bounded('cpu') ? quotaOf(podTotals(pod, 'limits', milliCpu)) : 0;
  const memory = bounded('memory') ? podTotals(pod, 'limits', bytesOf) : 0;
  return {
    cpuShares: sharesOf(qosClassOf(pod) === 'BestEffort' ? 0 : podTotals(pod, 'requests', (list) => milliCpu(list))),
    ...(quota ? { cpuQuota: quota } : {}),
    ...(memory ? { memory } : {}),
    ...(podPidsLimit > 0 ? { pids: podPidsLimit } : {}),
  };
}

export function createPodCgroups(
  { driver, root }: CgroupOptions,
  podPidsLimit: number,
  hierarchy = driver === 'systemd' ? openSlices() : openCgroups(),
): PodCgroups {
  const base = join('/', root, 'kubepods');
  const logical = (uid: string, qos: QosClass): string => join(base, folders[qos], `pod${uid}`);
  const real = (path: string): string => (driver === 'systemd' ? slicePath(path) : path);
  const uidOf = (name: string): string | undefined => {
    const match = /(?:^|-)pod([0-9a-f_-]+?)(?:\.slice)?$/.exec(name);
    return match?.[1]?.replaceAll('_', '-');
  };
  return {
    hierarchy,
    root: real(base),
    tiers: [real(join(base, 'burstable')), real(join(base, 'besteffort'))],
    start: async (cpu) => {
      await hierarchy.ensure(real(base), { cpuShares: sharesOf(cpu) });
      await hierarchy.ensure(real(join(base, 'burstable')), { cpuShares: 2 });
      await hierarchy.ensure(real(join(base, 'besteffort')), { cpuShares: 2 });
    },
    limit: ({ milliCpu: cpu, memory, pids }) => hierarchy.ensure(real(base), { cpuShares: sharesOf(cpu), memory, pids }),
    setBurstableShares: (milli) => hierarchy.ensure(real(join(base, 'burstable')), { cpuShares: sharesOf(milli) }),
    ensure: (pod, unthrottled = false) => {
      const { cpuQuota, ...limits } = podLimits(pod, podPidsLimit);
      return hierarchy.ensure(real(logical(pod.metadata.uid ?? '', qosClassOf(pod))), { ...limits, ...(cpuQuota && !unthrottled ? { cpuQuota } : {}) });
    },
    remove: async (uid, qos) => {
      await Promise.all((qos ? [qos] : tiers).map((tier) => hierarchy.remove(real(logical(uid, tier)))));
    },
    parent: (pod) => {
      const path = logical(pod.metadata.uid ?? '', qosClassOf(pod));
      return driver === 'systemd' ? sliceName(path) : path;
    },
    path: (pod) => real(logical(pod.metadata.uid ?? '', qosClassOf(pod))),
    list: async () => {
      const names = await Promise.all(['', 'burstable', 'besteffort'].map((tier) => hierarchy.children(real(join(base, tier)))));
      return names.flat().flatMap((name) => uidOf(name) ?? []);
    },
  };
}
