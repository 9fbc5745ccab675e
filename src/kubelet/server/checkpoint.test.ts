import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RuntimeError } from '../cri/client.ts';
import type { CheckpointContainerRequest } from '../cri/types.gen.ts';
import { container, pod, ran, runtime } from '../testing/pods.ts';
import { checkpoint } from './checkpoint.ts';
import type { ServerParts } from './server.ts';

async function serverOf(t: TestContext, answer: () => void = () => {}) {
  const rootDir = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  t.after(() => rm(rootDir, { recursive: true }));
  const asked: CheckpointContainerRequest[] = [];
  const cri = {
    checkpointContainer: async (request: CheckpointContainerRequest) => {
      asked.push(request);
      answer();
    },
  };
  const worker = { uid: 'uid-1', pod: pod({ initContainers: [container('init')] }) };
  const parts = {
    context: { options: { rootDir }, cri, now: () => new Date('2026-01-02T03:04:05.678Z') },
    manager: { find: (namespace: string, name: string) => (namespace === 'default' && name === 'web' ? worker : undefined) },
    cache: { get: async () => runtime([ran('main'), ran('init', { state: 'exited' })]) },
  } as unknown as ServerParts;
  return { rootDir, asked, ask: (path: string, query = '') => checkpoint(parts, path.split('/'), new URLSearchParams(query)) };
}

test('a running container is written where the kubelet keeps checkpoints', async (t) => {
  const { rootDir, asked, ask } = await serverOf(t);
  const location = join(rootDir, 'checkpoints/checkpoint-web_default-main-2026-01-02T03:04:05Z.tar');
  assert.deepEqual(await ask('default/web/main'), { items: [location] });
  await ask('default/web/main', 'timeout=1&timeout=300');
  assert.deepEqual(asked, [
    { containerId: 'id-main', location, timeout: 120 },
    { containerId: 'id-main', location, timeout: 300 },
  ]);
  assert.equal((await stat(join(rootDir, 'checkpoints'))).mode & 0o777, 0o700);
});

test('what cannot be checkpointed is answered as upstream answers it', async (t) => {
  const { ask } = await serverOf(t, () => {
    throw new RuntimeError('CheckpointContainer', 12, 'method CheckpointContainer not implemented');
  });
  const failed = (why: string, name = 'main') => ({ status: 500, message: `checkpointing of default/web/${name} failed (${why})` });
  await assert.rejects(ask('default/none/main'), { status: 404, message: 'pod does not exist' });
  await assert.rejects(ask('default/web/none'), { status: 404, message: 'container none does not exist' });
  await assert.rejects(ask('default/web/main', 'timeout=soon'), { status: 404, message: 'cannot parse value of timeout parameter' });
  await assert.rejects(ask('default/web/main', 'timeout=-1'), failed('CheckpointContainer requires the timeout value to be > 0'));
  await assert.rejects(ask('default/web/init'), failed('container init not found', 'init'));
  await assert.rejects(ask('default/web/main'), failed('rpc error: code = Unimplemented desc = method CheckpointContainer not implemented'));
});
