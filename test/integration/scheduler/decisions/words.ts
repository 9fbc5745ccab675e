/** What all generated clusters have in common. */
import type { Namespace } from '../../../../src/api/core/v1/types.gen.ts';

export const zone = 'topology.kubernetes.io/zone';
export const region = 'topology.kubernetes.io/region';
export const hostname = 'kubernetes.io/hostname';
export const priorities = [0, 10, 100, 1_000];

export const namespaces: Namespace[] = [
  { metadata: { name: 'red', labels: { team: 'a', 'resource.kubernetes.io/admin-access': 'true' } }, spec: {} },
  { metadata: { name: 'blue', labels: { team: 'b', 'resource.kubernetes.io/admin-access': 'true' } }, spec: {} },
];
