/** Loaded into the server that is measured: at SIGUSR2, writes how late its main thread's turns came since the last time. */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const file = process.env['BENCH_LOOP_DELAY'];
if (isMainThread && file) {
  const resolution = 5;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  process.on('SIGUSR2', () => {
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolution);
    writeFileSync(file, JSON.stringify({ p99: late(histogram.percentile(99)), max: late(histogram.max) }));
    histogram.reset();
  });
}
