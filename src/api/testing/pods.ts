/** Small pods. Only for tests. */
import type { Container, Pod, PodSpec } from '../core/v1/types.gen.ts';

export const container = (over: Partial<Container> = {}): Container => ({ name: 'c', image: 'example.com/image:1', ...over });

export const pod = (spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'default', ...metadata },
  spec: { containers: [container()], ...spec },
});
