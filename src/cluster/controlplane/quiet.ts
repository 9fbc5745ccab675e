/**
 * Gives memory back when there is little to do. V8 collects garbage when more is allocated: what a burst of work leaves behind would stay
 * for as long as the server is quiet (it had been 40% of what a server held after 10,000 pods were created).
 */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const lookMs = 2_000;
/** Nobody waits for a thread that does less than this of the time. */
const quietShare = 0.05;
/** What is less is not worth the pause (some 50 ms for each 100 MB that are in use). */
const worthBytes = 24 << 20;

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** Of the thread that calls it, until it ends. */
export function collectWhenQuiet(everyMs = lookMs): void {
  let collect: Collect | undefined;
  let kept = 0;
  let seen = performance.eventLoopUtilization();
  const look = (): void => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, seen);
    seen = now;
    if (utilization > quietShare || getHeapStatistics().total_heap_size - kept < worthBytes) return;
    if (!collect) {
      setFlagsFromString('--expose-gc');
      collect = runInNewContext('gc') as Collect;
    }
    // The others would leave the nursery as large as it is, and what is empty committed.
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    kept = getHeapStatistics().total_heap_size;
    seen = performance.eventLoopUtilization();
  };
  setInterval(look, everyMs).unref();
}
