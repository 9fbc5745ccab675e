/** The power fails while clients write: what the server acknowledged stands on the disk. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Disk, makeDisk } from '../support/disk.ts';
import { kubectl } from '../support/kubectl.ts';
import { startServer } from '../support/server.ts';
import { assertKept, moreThan, startWriters, written } from '../support/writers.ts';

test('a copy of the disk, taken while clients write, has every write that was acknowledged before', { timeout: 120_000 }, async () => {
  await using cleanup = new AsyncDisposableStack();
  const disk = cleanup.use(await makeDisk(256));
  const server = await startServer(join(disk.path, 'data'));
  const moments: { acknowledged: Awaited<ReturnType<typeof moreThan>>; copy: Disk }[] = [];
  cleanup.defer(() => server.stop('SIGKILL').then(() => undefined));
  const writers = await startWriters(server.kubeconfig, 8);
  cleanup.defer(() => writers.stop().then(() => undefined));
  const before = (): number => written(moments.at(-1)?.acknowledged ?? new Map());
  for (let moment = 0; moment < 3; moment++) {
    await sleep(500);
    const acknowledged = await moreThan(writers, before() + 30);
    // Copying takes a while, and a power cut does not: the server stands still meanwhile, wherever it is.
    process.kill(server.pid, 'SIGSTOP');
    try {
      moments.push({ acknowledged, copy: cleanup.use(await disk.snapshot()) });
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
  }
  await moreThan(writers, before());
  await writers.stop();
  await server.stop('SIGKILL');
  for (const { acknowledged, copy } of moments) {
    const again = await startServer(join(copy.path, 'data'));
    try {
      await assertKept(again.kubeconfig, acknowledged, { later: true });
      assert.equal((await kubectl(again.kubeconfig, ['create', 'configmap', 'afterwards'])).code, 0);
    } finally {
      await again.stop();
    }
  }
});
