/** Pods that run already in a namespace that becomes stricter: they stay, and whoever changed it is told. */
import type { Pod } from '../../../api/core/v1/types.gen.ts';
import { controllerOf } from '../../../apimachinery/meta.ts';
import { reasonsOf, violationsOf } from './evaluate.ts';
import { podLike } from './podspec.ts';
import { describeLevel, type LevelVersion } from './policy.ts';

const maxPods = 3000;
/** Milliseconds. */
const maxTime = 1000;

/** One pod of each controller first: the others look alike. */
function prioritized(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>();
  const [first, rest]: [Pod[], Pod[]] = [[], []];
  for (const pod of pods) {
    const uid = controllerOf(pod)?.uid;
    if (uid !== undefined && seen.has(uid)) rest.push(pod);
    else first.push(pod);
    if (uid !== undefined) seen.add(uid);
  }
  return [...first, ...rest];
}

const others = (count: number): string => (count === 1 ? '' : count === 2 ? ' (and 1 other pod)' : ` (and ${count - 1} other pods)`);

/** The texts of the warnings. */
export function warningsAbout(pods: readonly Pod[], namespace: string, enforce: LevelVersion): string[] {
  const until = Date.now() + maxTime;
  const found = new Map<string, { name: string; count: number }>();
  let checked = 0;
  for (const pod of prioritized(pods).slice(0, maxPods)) {
    checked++;
    const reasons = reasonsOf(violationsOf(enforce, podLike(pod)));
    if (reasons !== '') {
      const { name } = pod.metadata;
      const known = found.get(reasons);
      found.set(reasons, { name: known && known.name < name ? known.name : name, count: (known?.count ?? 0) + 1 });
    }
    if (Date.now() > until) break;
  }
  return [
    ...(checked < pods.length ? [`new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`] : []),
    ...(found.size > 0
      ? [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(describeLevel(enforce))}`]
      : []),
    ...[...found].map(([reasons, { name, count }]) => `${name}${others(count)}: ${reasons}`).sort(),
  ];
}
