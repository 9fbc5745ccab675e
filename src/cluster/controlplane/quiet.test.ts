/** What a burst of work left behind is given back, and only then. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const program = `
  import { collectWhenQuiet } from ${JSON.stringify(new URL('./quiet.ts', import.meta.url).href)};
  import { getHeapStatistics } from 'node:v8';
  collectWhenQuiet(10);
  let garbage = Array.from({ length: 2_000_000 }, (_, index) => ({ index }));
  const held = getHeapStatistics().total_heap_size;
  garbage = undefined;
  const started = performance.now();
  const look = () => {
    const given = held - getHeapStatistics().total_heap_size;
    if (given > 48 << 20) console.log('given back');
    else if (performance.now() - started < 20_000) setTimeout(look, 5);
  };
  look();
`;

test('what a burst of work left behind is given back when it is quiet', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  assert.equal(stdout.trim(), 'given back');
});
