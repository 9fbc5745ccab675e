/** Runs test files with Node's test runner, suite after suite, and ends with one line of counts. */
import { join } from 'node:path';
import { run } from 'node:test';
import { dot, spec } from 'node:test/reporters';

export interface Suite {
  title: string;
  files: readonly string[];
  /** How many files at once. */
  concurrency: number;
}

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Prints failures in full and the rest as dots (each name where the output is no terminal), then `N passed, N failed, N skipped`. */
export async function runTests(suites: readonly Suite[], root: string): Promise<Counts> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const suite of suites) {
    if (suite.files.length === 0) continue;
    console.log(`── ${suite.title}: ${suite.files.length} files`);
    const started = Date.now();
    const events = run({ files: suite.files.map((file) => join(root, file)), concurrency: suite.concurrency, cwd: root, timeout: 20 * 60_000 });
    const counts = { passed: 0, failed: 0, skipped: 0 };
    events.on('test:summary', (summary) => {
      if (summary.file !== undefined) return;
      counts.passed = summary.counts.passed;
      counts.failed = summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
      counts.skipped = summary.counts.skipped;
    });
    const output = process.stdout.isTTY ? events.compose(dot) : events.compose(new spec());
    for await (const chunk of output) process.stdout.write(chunk);
    console.log(
      `── ${suite.title}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${((Date.now() - started) / 1000).toFixed(1)} s`,
    );
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total;
}
