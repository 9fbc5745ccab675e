/** What the scheduler tells of itself, under upstream's names. */
import { Counter, exponentialBounds, Gauge, Histogram, metrics } from '../apimachinery/metrics.ts';
import type { WakeEvent } from './framework/plugin.ts';
import type { QueuedPod, SchedulingQueue } from './queue/queue.ts';

const attempts = metrics.add(new Counter('scheduler_schedule_attempts_total', 'Attempts to find a node for a pod, by what came out.', ['result', 'profile']));
const attemptSeconds = metrics.add(
  new Histogram('scheduler_scheduling_attempt_duration_seconds', 'Time that attempts took, with the binding.', exponentialBounds(0.001, 2, 15), [
    'result',
    'profile',
  ]),
);
const podAttempts = metrics.add(new Histogram('scheduler_pod_scheduling_attempts', 'Attempts that it took to place a pod.', exponentialBounds(1, 2, 5)));
const podSeconds = metrics.add(
  new Histogram(
    'scheduler_pod_scheduling_sli_duration_seconds',
    'Time from the first attempt to place a pod until it was placed.',
    exponentialBounds(0.01, 2, 20),
    ['attempts'],
  ),
);
const pending = metrics.add(new Gauge('scheduler_pending_pods', 'Pods that wait for a node, by where they wait.', ['queue']));
const incoming = metrics.add(new Counter('scheduler_queue_incoming_pods_total', 'Pods that came to wait, by where and because of what.', ['queue', 'event']));
const preemptions = metrics.add(new Counter('scheduler_preemption_attempts_total', 'Attempts to make room for a pod.'));
const victims = metrics.add(new Histogram('scheduler_preemption_victims', 'Pods that had to go for another.', exponentialBounds(1, 2, 7)));
const points = metrics.add(
  new Histogram(
    'scheduler_framework_extension_point_duration_seconds',
    'Time that the plugins of a point took, of one pod.',
    exponentialBounds(0.0001, 2, 12),
    ['extension_point', 'status', 'profile'],
  ),
);

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

const begun = new WeakMap<QueuedPod, { first: number; last: number }>();

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** A pod is tried. */
export function attemptBegan(pod: QueuedPod): void {
  const last = performance.now();
  begun.set(pod, { first: begun.get(pod)?.first ?? last, last });
}

export function attemptEnded(pod: QueuedPod, result: AttemptResult, profile: string): void {
  attempts.add(1, result, profile);
  const times = begun.get(pod);
  if (!times) return;
  attemptSeconds.observe(seconds(times.last), result, profile);
  if (result !== 'scheduled') return;
  podAttempts.observe(pod.attempts);
  // As upstream: many attempts are not told apart.
  podSeconds.observe(seconds(times.first), pod.attempts >= 16 ? '16+' : String(pod.attempts));
}

/** `victims`: how many have to go, if that helps. */
export function preemptionTried(count: number | undefined): void {
  preemptions.add(1);
  if (count !== undefined) victims.observe(count);
}

/** Times a point of the framework; call what it gives when it is over. */
export function pointBegan(point: string, profile: string): (status: 'Success' | 'Unschedulable' | 'Error') => void {
  const since = performance.now();
  return (status) => points.observe(seconds(since), point, status, profile);
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Upstream's names of what happened in the cluster: `NodeAdd`, `AssignedPodDelete`. */
export const eventName = ({ resource, action }: Pick<WakeEvent, 'resource' | 'action'>): string =>
  `${resource === 'pod' ? 'AssignedPod' : capital(resource)}${capital(action)}`;

export const podCame = (queue: 'active' | 'backoff' | 'unschedulable' | 'gated', event: string): void => incoming.add(1, queue, event);

/** Shows how many wait. Gives what ends that. */
export const showPending = ({ counts }: { readonly counts: () => SchedulingQueue['counts'] }): (() => void) =>
  metrics.beforeText(() => {
    for (const [queue, count] of Object.entries(counts())) pending.set(count, queue);
  });
