/** The pods of this node: one worker each, found by uid. Also ends what runs though the API knows nothing of it. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { restoredPod } from '../runtime/labels.ts';
import { PodWorker, type WorkerParts } from './worker.ts';

export interface PodManager {
  added(pod: Pod): void;
  deleted(pod: Pod): void;
  wake(uid: string): void;
  wakeAll(): void;
  /** Something that the pod refers to has changed. */
  retry(uid: string): void;
  get(uid: string): PodWorker | undefined;
  find(namespace: string, name: string): PodWorker | undefined;
  list(): PodWorker[];
  /** Pods that hold resources of the node. */
  active(): Pod[];
  /** Ends a pod of which only the runtime still knows. */
  endOrphan(uid: string): Promise<void>;
  stop(): Promise<void>;
}

/** `ended` is told of every pod of which nothing is left. */
export function createPodManager(parts: Omit<WorkerParts, 'finished'>, ended: (pod: Pod) => void): PodManager {
  const workers = new Map<string, PodWorker>();
  const all: WorkerParts = { ...parts, finished };

  /** What a pod gave up may be what another waits for. */
  function finished(uid: string): void {
    const pod = workers.get(uid)?.pod;
    workers.delete(uid);
    if (pod) ended(pod);
    for (const worker of workers.values()) if (worker.deferred) worker.wake();
  }

  function workerOf(pod: Pod): PodWorker {
    const uid = pod.metadata.uid ?? '';
    let worker = workers.get(uid);
    if (!worker) {
      worker = new PodWorker(pod, all);
      workers.set(uid, worker);
    }
    return worker;
  }

  return {
    added: (pod) => {
      const known = workers.get(pod.metadata.uid ?? '');
      if (known) known.update(pod);
      else {
        // A pod of the same name that was replaced while nobody was looking.
        for (const worker of workers.values())
          if (worker.pod.metadata.name === pod.metadata.name && worker.pod.metadata.namespace === pod.metadata.namespace) worker.remove();
        workerOf(pod).wake();
      }
    },
    deleted: (pod) => {
      const worker = workers.get(pod.metadata.uid ?? '');
      if (worker) worker.remove();
    },
    wake: (uid) => workers.get(uid)?.wake(),
    wakeAll: () => {
      for (const worker of workers.values()) worker.wake();
    },
    retry: (uid) => workers.get(uid)?.retry(),
    get: (uid) => workers.get(uid),
    find: (namespace, name) => {
      const found = [...workers.values()].filter(({ pod }) => pod.metadata.name === name && pod.metadata.namespace === namespace);
      return found.find(({ active }) => active) ?? found[0];
    },
    list: () => [...workers.values()],
    active: () => [...workers.values()].filter(({ active }) => active).map(({ granted }) => granted),
    endOrphan: async (uid) => {
      if (workers.has(uid)) return;
      const runtime = await parts.cache.get(uid);
      if (runtime.sandboxes.length + runtime.containers.length === 0 || workers.has(uid)) return;
      workerOf(restoredPod(runtime)).remove();
    },
    stop: async () => {
      await Promise.all([...workers.values()].map((worker) => worker.stop()));
    },
  };
}
