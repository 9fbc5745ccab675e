/** What is told of work queues, under upstream's names. */
import { Counter, exponentialBounds, Gauge, Histogram, metrics } from '../apimachinery/metrics.ts';

const bounds = exponentialBounds(1e-8, 10, 10);
const byName = ['name'];

const adds = metrics.add(new Counter('workqueue_adds_total', 'Keys that were put into a queue.', byName));
const depth = metrics.add(new Gauge('workqueue_depth', 'Keys that wait in a queue.', byName));
const retries = metrics.add(new Counter('workqueue_retries_total', 'Keys that came again after a failure.', byName));
const queued = metrics.add(new Histogram('workqueue_queue_duration_seconds', 'Time that keys waited.', bounds, byName));
const worked = metrics.add(new Histogram('workqueue_work_duration_seconds', 'Time that work on keys took.', bounds, byName));
const unfinished = metrics.add(new Gauge('workqueue_unfinished_work_seconds', 'Time that the work took so far that is not finished, all together.', byName));
const longest = metrics.add(new Gauge('workqueue_longest_running_processor_seconds', 'Time that the longest work took so far that is not finished.', byName));

export interface QueueMetrics {
  added(key: string): void;
  retried(): void;
  taken(key: string): void;
  done(key: string): void;
  close(): void;
}

const now = (): number => performance.now() / 1000;

/** Of a queue of that name. `length`: how many wait. */
export function queueMetrics(name: string, length: () => number): QueueMetrics {
  const since = new Map<string, number>();
  const begun = new Map<string, number>();
  const close = metrics.beforeText(() => {
    const at = now();
    let [all, most] = [0, 0];
    for (const start of begun.values()) {
      all += at - start;
      most = Math.max(most, at - start);
    }
    unfinished.set(all, name);
    longest.set(most, name);
    depth.set(length(), name);
  });
  adds.add(0, name);
  retries.add(0, name);
  return {
    added(key) {
      adds.add(1, name);
      if (!since.has(key)) since.set(key, now());
    },
    retried: () => retries.add(1, name),
    taken(key) {
      const at = now();
      queued.observe(at - (since.get(key) ?? at), name);
      since.delete(key);
      begun.set(key, at);
    },
    done(key) {
      const start = begun.get(key);
      if (start === undefined) return;
      begun.delete(key);
      worked.observe(now() - start, name);
    },
    close,
  };
}
