/** Which pods have to leave the node for what they use: pure functions of what was measured. Messages are upstream's. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { canonicalQuantity, formatQuantity, quantityOf } from '../../apimachinery/quantity.ts';
import { bytesOf, podTotals } from '../containers/resources.ts';

/** Bytes. */
export interface PodUsage {
  pod: Pod;
  /** Working sets, by container. */
  memory: ReadonlyMap<string, number>;
  /** Writable layer and logs, by container. */
  disk: ReadonlyMap<string, number>;
  /** Volumes on disk that live with the pod, by name. */
  emptyDirs: ReadonlyMap<string, number>;
}

const storage = 'ephemeral-storage';
const criticalPriority = 2_000_000_000;

/** What the cluster cannot do without is not put out by its node. */
export const isCritical = ({ spec }: Pod): boolean => (spec.priority ?? 0) >= criticalPriority;

const total = (map: ReadonlyMap<string, number>): number => [...map.values()].reduce((sum, bytes) => sum + bytes, 0);
const quantity = (bytes: number): string => formatQuantity(quantityOf(bytes, 'BinarySI'));

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

/** First those that use more than they asked for, then by priority, then by how much more. */
export function memoryVictim(usages: readonly PodUsage[]): PodUsage | undefined {
  const over = ({ pod, memory }: PodUsage): number => total(memory) - podTotals(pod, 'requests', (list) => bytesOf(list));
  const ranked = usages
    .filter(({ pod }) => !isCritical(pod))
    .sort((a, b) => Number(over(b) > 0) - Number(over(a) > 0) || (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0) || over(b) - over(a));
  return ranked[0];
}

/** `threshold` and `available` in bytes. */
export function memoryMessage({ pod, memory }: PodUsage, threshold: number, available: number): string {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ name, resources }) => {
    const used = memory.get(name);
    if (used === undefined || used <= bytesOf(resources?.requests)) return [];
    return `Container ${name} was using ${quantity(used)}, request is ${canonicalQuantity(resources?.requests?.['memory'] ?? '0')}, has larger consumption of memory. `;
  });
  return `The node was low on resource: memory. Threshold quantity: ${quantity(threshold)}, available: ${quantity(available)}. ${containers.join('')}`;
}
