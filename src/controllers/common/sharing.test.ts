import assert from 'node:assert/strict';
import test from 'node:test';
import { createSharing } from './sharing.ts';

const pod = (name: string, image: string) => ({
  metadata: { name, labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image }], volumes: [{ name: `token-${name}`, projected: { defaultMode: 420 } }] },
});

test('pods of one template share what they have alike, and nothing else', () => {
  const share = createSharing();
  const [one, two, other] = [share(pod('a', 'web:1')), share(pod('b', 'web:1')), share(pod('c', 'web:2'))];
  assert.equal(one.spec.containers, two.spec.containers);
  assert.equal(one.metadata.labels, other.metadata.labels);
  assert.equal(one.spec.volumes[0]?.projected, two.spec.volumes[0]?.projected);
  assert.deepEqual(two, pod('b', 'web:1'));
  assert.deepEqual(other, pod('c', 'web:2'));
});
