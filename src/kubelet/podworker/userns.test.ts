import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type KubeletContext, kubeletPaths } from '../context.ts';
import { pod } from '../testing/pods.ts';
import { applyUserNamespace, userNamespaceOf } from './userns.ts';

test('pods with users of their own get ranges that no other has, and keep them', async () => {
  const root = await mkdtemp(join(tmpdir(), 'userns-'));
  try {
    const runtime = { handlers: [{ name: '', userNamespaces: true, recursiveReadOnlyMounts: false }] };
    const context = { paths: kubeletPaths(root, root), runtime } as unknown as KubeletContext;
    const own = (uid: string) => pod({ hostUsers: false }, { uid });
    const [a, b] = await Promise.all([userNamespaceOf(context, own('a'), ''), userNamespaceOf(context, own('b'), '')]);
    assert.deepEqual([a?.uids?.[0]?.hostId, b?.uids?.[0]?.hostId], [65_536, 131_072]);
    assert.deepEqual(await userNamespaceOf(context, own('a'), ''), a);
    assert.equal(await userNamespaceOf(context, pod(), ''), undefined);
    await rm(join(root, 'pods/a'), { recursive: true });
    assert.deepEqual((await userNamespaceOf(context, own('c'), ''))?.uids?.[0]?.hostId, 65_536);
    await assert.rejects(userNamespaceOf(context, own('d'), 'kata'), /RuntimeClass handler "kata" does not support user namespaces/);

    const config = { linux: { securityContext: { namespaceOptions: { pid: 'POD' as const } } }, mounts: [{ containerPath: '/x' }] };
    applyUserNamespace(config, a);
    assert.deepEqual(config.linux.securityContext.namespaceOptions, { pid: 'POD', usernsOptions: a });
    assert.deepEqual(config.mounts, [{ containerPath: '/x', uidMappings: a?.uids, gidMappings: a?.gids }]);
  } finally {
    await rm(root, { recursive: true });
  }
});
