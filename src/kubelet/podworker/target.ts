/** What events of a container are about: its pod, and the field of the spec that declares it. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { EventTarget } from '../../client/events.ts';

export function containerTarget(pod: Pod, name: string): EventTarget {
  const field = pod.spec.initContainers?.some((container) => container.name === name)
    ? 'initContainers'
    : pod.spec.ephemeralContainers?.some((container) => container.name === name)
      ? 'ephemeralContainers'
      : 'containers';
  return { apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata, fieldPath: `spec.${field}{${name}}` };
}

export const podTarget = (pod: Pod): EventTarget => ({ apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata });
