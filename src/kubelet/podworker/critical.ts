/** Pods that the node does not put out: those of the node itself, and those that the cluster can't do without. */
import type { Pod } from '../../api/core/v1/types.gen.ts';

export const sourceAnnotation = 'kubernetes.io/config.source';
export const hashAnnotation = 'kubernetes.io/config.hash';
export const mirrorAnnotation = 'kubernetes.io/config.mirror';
export const seenAnnotation = 'kubernetes.io/config.seen';

const criticalPriority = 2_000_000_000;

/** It comes from a file on the node, not from the API. */
export const isStaticPod = ({ metadata }: Pod): boolean => {
  const source = metadata.annotations?.[sourceAnnotation];
  return source !== undefined && source !== 'api' && metadata.annotations?.[mirrorAnnotation] === undefined;
};

/** The API's image of a static pod. */
export const isMirrorPod = ({ metadata }: Pod): boolean => metadata.annotations?.[mirrorAnnotation] !== undefined;

export const isCriticalPod = (pod: Pod): boolean => isStaticPod(pod) || isMirrorPod(pod) || (pod.spec.priority ?? 0) >= criticalPriority;
