/** Pods in the variants that give an agent something to set up and to take down. */
import type { Container, PodSpec, Volume, VolumeMount } from '../../../src/api/core/v1/types.gen.ts';
import { busybox } from '../../e2e/images.ts';
import type { Random } from '../fuzz/random.ts';

export const configName = 'churn';

/** Sleeps. */
export const main = (volumeMounts: VolumeMount[] = []): Container => ({ name: 'main', image: busybox, command: ['sleep', '3600'], volumeMounts });
const volumes: Volume[] = [
  { name: 'disk', emptyDir: {} },
  { name: 'memory', emptyDir: { medium: 'Memory' } },
  { name: 'config', configMap: { name: configName } },
  { name: 'secret', secret: { secretName: configName } },
  {
    name: 'projected',
    projected: { sources: [{ configMap: { name: configName } }, { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } }] },
  },
];
const mounts: VolumeMount[] = [
  ...volumes.map(({ name }) => ({ name, mountPath: `/mnt/${name}` })),
  { name: 'config', mountPath: '/mnt/file', subPath: 'key' },
  { name: 'disk', mountPath: '/mnt/part', subPath: 'a/b' },
];

/** Containers run until somebody deletes the pod, unless it is `ends`. `port`: one that no other pod has. */
export function podSpec(random: Random, port: number, ends = false): PodSpec {
  const spec: PodSpec = { terminationGracePeriodSeconds: random.pick([0, 1, 3]), containers: [main()] };
  if (ends) return { ...spec, restartPolicy: 'Never', containers: [{ ...main(), command: ['true'] }] };
  switch (random.below(7)) {
    case 0:
      return { ...spec, volumes, containers: [main(mounts)] };
    case 1:
      return {
        ...spec,
        initContainers: [
          { ...main(), name: 'first', command: ['sleep', '0.2'] },
          { ...main(), name: 'sidecar', restartPolicy: 'Always' },
        ],
      };
    case 2:
      return {
        ...spec,
        terminationGracePeriodSeconds: 2,
        containers: [{ ...main(), lifecycle: { preStop: { sleep: { seconds: 1 } }, postStart: { exec: { command: ['true'] } } } }],
      };
    case 3:
      return { ...spec, containers: [{ ...main(), ports: [{ containerPort: 80, hostPort: port }] }] };
    case 4:
      return { ...spec, hostNetwork: true };
    case 5:
      return { ...spec, shareProcessNamespace: true, containers: [main(), { ...main(), name: 'second' }] };
    default:
      return { ...spec, containers: [{ ...main(), resources: { requests: { cpu: '10m', memory: '8Mi' }, limits: { cpu: '500m', memory: '64Mi' } } }] };
  }
}
