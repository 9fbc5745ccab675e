/** Which pods have to leave the node for what they use: pure functions of what was measured. Messages are upstream's. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { canonicalQuantity, formatQuantity, quantityOf } from '../../apimachinery/quantity.ts';
import { bytesOf, podTotals } from '../containers/resources.ts';
import { isCriticalPod } from '../podworker/critical.ts';
import { limitText, type Observations, type StarvedResource, signals, type Threshold } from './thresholds.ts';

/** Bytes; inodes and processes are counted. */
export interface PodUsage {
  pod: Pod;
  /** Working sets, by container. */
  memory: ReadonlyMap<string, number>;
  /** Writable layer and logs, by container. */
  disk: ReadonlyMap<string, number>;
  /** Volumes on disk that live with the pod, by name. */
  emptyDirs: ReadonlyMap<string, number>;
  /** Of volumes, logs and writable layers. */
  inodes?: number;
  processes?: number;
}

const storage = 'ephemeral-storage';
const total = (map: ReadonlyMap<string, number>): number => [...map.values()].reduce((sum, bytes) => sum + bytes, 0);
const quantity = (amount: number): string => formatQuantity(quantityOf(amount, 'BinarySI'));

/** Whether the pod has limits of its own on local storage, so that measuring is worth it. */
export const limitsStorage = ({ spec }: Pod): boolean =>
  spec.containers.some(({ resources }) => bytesOf(resources?.limits, storage) > 0) ||
  (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && emptyDir.medium !== 'Memory');

/** Why the pod has to go, when it uses more local storage than it may. */
export function overStorageLimit({ pod, disk, emptyDirs }: PodUsage): string | undefined {
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit === undefined || bytesOf({ limit }, 'limit') === 0) continue;
    if ((emptyDirs.get(name) ?? 0) > bytesOf({ limit }, 'limit')) return `Usage of EmptyDir volume "${name}" exceeds the limit "${canonicalQuantity(limit)}". `;
  }
  const limited = pod.spec.containers.every(({ resources }) => resources?.limits?.[storage] !== undefined);
  const ofPod = podTotals(pod, 'limits', (list) => bytesOf(list, storage));
  if (limited && ofPod > 0 && total(disk) + total(emptyDirs) > ofPod)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${quantity(ofPod)}. `;
  for (const { name, resources } of pod.spec.containers) {
    const limit = resources?.limits?.[storage];
    if (limit !== undefined && bytesOf(resources?.limits, storage) > 0 && (disk.get(name) ?? 0) > bytesOf(resources?.limits, storage)) {
      return `Container ${name} exceeded its local ephemeral storage limit "${canonicalQuantity(limit)}". `;
    }
  }
  return undefined;
}

/** Used beyond what was asked for. */
function excess(resource: StarvedResource, { pod, memory, disk, emptyDirs, inodes = 0, processes = 0 }: PodUsage): number {
  if (resource === 'memory') return total(memory) - podTotals(pod, 'requests', (list) => bytesOf(list));
  if (resource === 'ephemeral-storage') return total(disk) + total(emptyDirs) - podTotals(pod, 'requests', (list) => bytesOf(list, storage));
  return resource === 'inodes' ? inodes : processes;
}

/** First those that use more than they asked for, then by priority, then by how much more. Nobody asks for processes. */
export function victimOf(resource: StarvedResource, usages: readonly PodUsage[]): PodUsage | undefined {
  const over = (usage: PodUsage): number => excess(resource, usage);
  const exceeds = (usage: PodUsage): number => Number(resource !== 'pids' && over(usage) > 0);
  return usages
    .filter(({ pod }) => !isCriticalPod(pod))
    .sort((a, b) => exceeds(b) - exceeds(a) || (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0) || over(b) - over(a))[0];
}

/** The threshold that is quoted is the first one of that resource. */
export function evictionMessage({ pod, memory, disk }: PodUsage, resource: StarvedResource, met: readonly Threshold[], seen: Observations): string {
  const quoted = met.find(({ signal }) => signals[signal].resource === resource);
  const observed = quoted && seen[quoted.signal];
  const counted = resource === 'inodes' || resource === 'pids';
  const available = observed && formatQuantity(quantityOf(Math.floor(observed.available), counted ? 'DecimalSI' : 'BinarySI'));
  const threshold = quoted && observed ? `Threshold quantity: ${limitText(quoted, observed.capacity)}, available: ${available}. ` : '';
  const usage = resource === 'memory' ? memory : resource === 'ephemeral-storage' ? disk : new Map<string, number>();
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ name, resources }) => {
    const used = usage.get(name);
    if (used === undefined || used <= bytesOf(resources?.requests, resource)) return [];
    const request = canonicalQuantity(resources?.requests?.[resource] ?? '0');
    return `Container ${name} was using ${quantity(used)}, request is ${request}, has larger consumption of ${resource}. `;
  });
  return `The node was low on resource: ${resource}. ${threshold}${containers.join('')}`;
}
