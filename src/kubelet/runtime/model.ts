/** What the runtime knows of a pod, in the kubelet's words. */
import type { ContainerStatus as CriContainerStatus, PodSandboxStatus } from '../cri/types.gen.ts';
import { hashAnnotation, restartCountAnnotation } from './labels.ts';

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown';

export interface RuntimeContainer {
  id: string;
  name: string;
  sandboxId: string;
  state: ContainerState;
  createdAt: Date;
  startedAt?: Date;
  finishedAt?: Date;
  exitCode: number;
  reason: string;
  message: string;
  image: string;
  imageRef: string;
  hash: string;
  restartCount: number;
  status: CriContainerStatus;
}

export interface RuntimeSandbox {
  id: string;
  attempt: number;
  ready: boolean;
  createdAt: number;
  ips: string[];
  hostNetwork: boolean;
}

/** Sandboxes and containers newest first; of each container name the first is the current one. */
export interface RuntimePod {
  uid: string;
  namespace: string;
  name: string;
  sandboxes: RuntimeSandbox[];
  containers: RuntimeContainer[];
}

const states: Record<string, ContainerState> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
};
export const stateOf = (state: string | undefined): ContainerState => states[state ?? 'CONTAINER_CREATED'] ?? 'unknown';
export const dateOf = (nanoseconds: number | undefined): Date => new Date((nanoseconds ?? 0) / 1e6);

export function containerOf(status: CriContainerStatus, name: string, sandboxId: string, message: (status: CriContainerStatus) => string): RuntimeContainer {
  const state = stateOf(status.state);
  const annotations = status.annotations ?? {};
  return {
    id: status.id ?? '',
    name,
    sandboxId,
    state,
    createdAt: dateOf(status.createdAt),
    ...(state === 'created' ? {} : { startedAt: dateOf(status.startedAt) }),
    ...(state === 'exited' ? { finishedAt: dateOf(status.finishedAt) } : {}),
    exitCode: status.exitCode ?? 0,
    reason: state === 'exited' ? (status.reason ?? '') : '',
    message: state === 'exited' ? message(status) : '',
    image: status.image?.userSpecifiedImage || status.image?.image || '',
    imageRef: status.imageRef ?? '',
    hash: annotations[hashAnnotation] ?? '',
    restartCount: Number(annotations[restartCountAnnotation] ?? 0),
    status,
  };
}

export function sandboxOf(status: PodSandboxStatus): RuntimeSandbox {
  const ips = [status.network?.ip, ...(status.network?.additionalIps ?? []).map((extra) => extra.ip)].filter((ip): ip is string => !!ip);
  return {
    id: status.id ?? '',
    attempt: status.metadata?.attempt ?? 0,
    ready: status.state === 'SANDBOX_READY',
    createdAt: status.createdAt ?? 0,
    ips,
    hostNetwork: status.linux?.namespaces?.options?.network === 'NODE',
  };
}

/** The newest container of that name. */
export const findContainer = (pod: RuntimePod, name: string): RuntimeContainer | undefined => pod.containers.find((container) => container.name === name);
export const runningContainers = (pod: RuntimePod): RuntimeContainer[] => pod.containers.filter(({ state }) => state === 'running' || state === 'unknown');
/** The addresses of the newest sandbox while it is ready. */
export const podIps = (pod: RuntimePod): string[] => (pod.sandboxes[0]?.ready ? pod.sandboxes[0].ips : []);
