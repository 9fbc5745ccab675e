import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VolumeMount } from '../../api/core/v1/types.gen.ts';
import type { KubeletContext } from '../context.ts';
import { container, pod } from '../testing/pods.ts';
import type { MountedVolumes } from '../volumes/manager.ts';
import { containerMounts } from './mounts.ts';

test('of an image volume the runtime mounts a directory, whose name may come from variables', async () => {
  const mountOf = async (mount: Partial<VolumeMount>) => {
    const main = container('main', { terminationMessagePath: '', volumeMounts: [{ name: 'data', mountPath: '/data', ...mount }] });
    const { mounts } = await containerMounts({ paths: {}, options: {} } as KubeletContext, {
      pod: pod({ volumes: [{ name: 'data', image: { reference: 'data:1' } }] }),
      container: main,
      podIps: [],
      volumes: new Map([['data', { path: '/none' }]]) as unknown as MountedVolumes,
      imageVolumes: new Map([['data', { id: 'sha256:1' }]]),
      env: new Map([
        ['PLACE', 'etc'],
        ['UP', '../etc'],
      ]),
    });
    return mounts[0];
  };
  const image = { image: 'sha256:1', userSpecifiedImage: 'data:1' };
  const mounted = (imageSubPath: string) => ({ containerPath: '/data', hostPath: '', readonly: true, image, imageSubPath });
  assert.deepEqual(await mountOf({}), mounted(''));
  assert.deepEqual(await mountOf({ subPath: 'usr/share' }), mounted('usr/share'));
  assert.deepEqual(await mountOf({ subPathExpr: '$(PLACE)/ssl' }), mounted('etc/ssl'));
  await assert.rejects(mountOf({ subPathExpr: '$(UP)' }), { message: "unable to provision SubPath `../etc`: must not contain '..'" });
});
