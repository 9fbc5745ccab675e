/** Pods and runtime states for tests. */
import type { Container, Pod, PodSpec } from '../../api/core/v1/types.gen.ts';
import { containerHash } from '../runtime/labels.ts';
import type { RuntimeContainer, RuntimePod, RuntimeSandbox } from '../runtime/model.ts';

export const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'busybox:1', ...more });

export const pod = (spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'uid-1', ...metadata },
  spec: { containers: [container('main')], ...spec },
});

export const sandbox = (more: Partial<RuntimeSandbox> = {}): RuntimeSandbox => ({
  id: 'sandbox',
  attempt: 0,
  ready: true,
  createdAt: 1,
  ips: ['10.0.0.2'],
  hostNetwork: false,
  ...more,
});

export function ran(name: string, more: Partial<RuntimeContainer> = {}): RuntimeContainer {
  const state = more.state ?? 'running';
  return {
    id: `id-${name}`,
    name,
    sandboxId: 'sandbox',
    state,
    createdAt: new Date(1000),
    ...(state === 'created' ? {} : { startedAt: new Date(2000) }),
    ...(state === 'exited' ? { finishedAt: new Date(3000) } : {}),
    exitCode: 0,
    reason: state === 'exited' ? 'Completed' : '',
    message: '',
    image: 'busybox:1',
    imageRef: 'sha256:1',
    hash: containerHash(container(name)),
    restartCount: 0,
    status: {},
    ...more,
  };
}

export const runtime = (containers: RuntimeContainer[] = [], sandboxes: RuntimeSandbox[] = [sandbox()]): RuntimePod => ({
  uid: 'uid-1',
  namespace: 'default',
  name: 'web',
  sandboxes,
  containers,
});
