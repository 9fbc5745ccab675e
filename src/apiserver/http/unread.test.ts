import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustBeTaken } from './unread.ts';

test('an answer that nobody takes is given up after its time; one that was taken, or whose connection ended, is not', async () => {
  const answer = (): { stream: PassThrough; gaveUp: () => boolean } => {
    // Nobody reads: what is written stays.
    const stream = new PassThrough({ highWaterMark: 1 });
    let gaveUp = false;
    mustBeTaken(stream, () => (gaveUp = true), 20);
    stream.write('all of it');
    return { stream, gaveUp: () => gaveUp };
  };
  const [unread, read, closed] = [answer(), answer(), answer()];
  read.stream.resume().end();
  closed.stream.destroy();
  for (let attempt = 0; attempt < 500 && !unread.gaveUp(); attempt++) await sleep(5);
  assert.deepEqual([unread.gaveUp(), read.gaveUp(), closed.gaveUp()], [true, false, false]);
});
