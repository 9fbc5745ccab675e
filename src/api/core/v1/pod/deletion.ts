/** How long a pod may take to go. */
import type { Pod } from '../types.gen.ts';
import { isPodTerminal } from './conditions.ts';

/** Nothing runs of a pod that has no node or is finished: it goes at once. */
export function podGracePeriodSeconds(pod: Pod, requested: number | undefined): number {
  if (!pod.spec.nodeName || isPodTerminal(pod)) return 0;
  const seconds = requested ?? pod.spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}
