/**
 * Asks the runtime about one pod with as few calls as it takes: two filtered lists, and a status only for what changed
 * since the last look (an exited container's status and a ready sandbox's addresses never change).
 */
import type { CriClient } from '../cri/client.ts';
import { isRuntimeNotFound } from '../cri/client.ts';
import type { Container, ContainerStatus, PodSandbox } from '../cri/types.gen.ts';
import { containerNameLabel, podNameLabel, podNamespaceLabel, podUidLabel } from './labels.ts';
import { containerOf, type RuntimeContainer, type RuntimePod, type RuntimeSandbox, sandboxOf } from './model.ts';

export interface RuntimeCache {
  get(uid: string): Promise<RuntimePod>;
  /** The last answer, without asking. */
  last(uid: string): RuntimePod | undefined;
  forget(uid: string): void;
  /** Everything the runtime has that carries a pod's labels. */
  listAll(): Promise<{ sandboxes: PodSandbox[]; containers: Container[] }>;
}

interface Known {
  pod: RuntimePod;
  containers: Map<string, RuntimeContainer>;
  sandboxes: Map<string, RuntimeSandbox>;
}

/** `readMessage` gives the termination message of an exited container. */
export function createRuntimeCache(cri: CriClient, readMessage: (status: ContainerStatus) => Promise<string>): RuntimeCache {
  const known = new Map<string, Known>();

  async function container(listed: Container, before: Known | undefined): Promise<RuntimeContainer | undefined> {
    const id = listed.id ?? '';
    const old = before?.containers.get(id);
    if (old && old.status.state === listed.state && listed.state !== 'CONTAINER_UNKNOWN') return old;
    try {
      const status = await cri.containerStatus(id);
      const message = status.state === 'CONTAINER_EXITED' ? await readMessage(status) : '';
      return containerOf(status, listed.labels?.[containerNameLabel] ?? '', listed.podSandboxId ?? '', () => message);
    } catch (error) {
      if (isRuntimeNotFound(error)) return undefined;
      throw error;
    }
  }

  async function sandbox(listed: PodSandbox, before: Known | undefined): Promise<RuntimeSandbox | undefined> {
    const id = listed.id ?? '';
    const old = before?.sandboxes.get(id);
    const ready = listed.state === 'SANDBOX_READY';
    if (old && old.ready === ready) return old;
    if (!ready) return { id, attempt: listed.metadata?.attempt ?? 0, ready, createdAt: listed.createdAt ?? 0, ips: [], hostNetwork: false };
    try {
      return sandboxOf((await cri.podSandboxStatus(id)).status ?? {});
    } catch (error) {
      if (isRuntimeNotFound(error)) return undefined;
      throw error;
    }
  }

  async function get(uid: string): Promise<RuntimePod> {
    const labelSelector = { [podUidLabel]: uid };
    const [listedSandboxes, listedContainers] = await Promise.all([cri.listPodSandbox({ labelSelector }), cri.listContainers({ labelSelector })]);
    const before = known.get(uid);
    const [sandboxes, containers] = await Promise.all([
      Promise.all(listedSandboxes.map((listed) => sandbox(listed, before))),
      Promise.all(listedContainers.map((listed) => container(listed, before))),
    ]);
    const labels = listedSandboxes[0]?.labels ?? listedContainers[0]?.labels ?? {};
    const pod: RuntimePod = {
      uid,
      namespace: labels[podNamespaceLabel] ?? '',
      name: labels[podNameLabel] ?? '',
      sandboxes: sandboxes.filter((found) => found !== undefined).sort((a, b) => b.createdAt - a.createdAt),
      containers: containers
        .filter((found) => found !== undefined)
        .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || b.restartCount - a.restartCount),
    };
    known.set(uid, { pod, containers: new Map(pod.containers.map((one) => [one.id, one])), sandboxes: new Map(pod.sandboxes.map((one) => [one.id, one])) });
    return pod;
  }

  return {
    get,
    last: (uid) => known.get(uid)?.pod,
    forget: (uid) => void known.delete(uid),
    listAll: async () => {
      const [sandboxes, containers] = await Promise.all([cri.listPodSandbox(), cri.listContainers()]);
      const ours = ({ labels }: { labels?: Record<string, string> }): boolean => !!labels?.[podUidLabel];
      return { sandboxes: sandboxes.filter(ours), containers: containers.filter(ours) };
    },
  };
}
