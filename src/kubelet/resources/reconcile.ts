/** Keeps running containers on the CPUs that are theirs: what one gets alone, the others lose. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { describePod, type KubeletContext, messageOf } from '../context.ts';
import { findContainer, type RuntimePod } from '../runtime/model.ts';
import { sleep } from '../runtime/pleg.ts';
import type { CpuManager } from './cpus.ts';
import { formatCpuSet } from './cpuset.ts';
import { containersOf } from './provider.ts';

export interface CpuReconciler {
  /** A container was made with these CPUs. */
  started(id: string, cpus: string): void;
  /** Once. */
  reconcile(): Promise<void>;
  run(periodMs: number): Promise<void>;
}

export function createCpuReconciler(
  { cri, log, signal }: Pick<KubeletContext, 'cri' | 'log' | 'signal'>,
  cpus: CpuManager,
  active: () => readonly Pod[],
  runtimeOf: (uid: string) => RuntimePod | undefined,
): CpuReconciler {
  /** By container ID, what it was given last. */
  const given = new Map<string, string>();

  async function reconcile(): Promise<void> {
    const running = new Set<string>();
    for (const pod of active()) {
      const uid = pod.metadata.uid ?? '';
      const runtime = runtimeOf(uid);
      if (!runtime) continue;
      for (const { name } of containersOf(pod)) {
        const container = findContainer(runtime, name);
        if (container?.state !== 'running') continue;
        running.add(container.id);
        const wanted = formatCpuSet(cpus.exclusive(uid, name) ?? cpus.shared());
        if (wanted === '' || given.get(container.id) === wanted) continue;
        try {
          await cri.updateContainerResources(container.id, { cpusetCpus: wanted });
          given.set(container.id, wanted);
        } catch (error) {
          log.warn({ pod: describePod(pod), container: name, err: messageOf(error) }, 'the CPUs of a container could not be set');
        }
      }
    }
    for (const id of given.keys()) if (!running.has(id)) given.delete(id);
  }

  return {
    started: (id, set) => void given.set(id, set),
    reconcile,
    run: async (periodMs) => {
      while (!signal.aborted) {
        await sleep(periodMs, signal);
        if (!signal.aborted) await reconcile();
      }
    },
  };
}
