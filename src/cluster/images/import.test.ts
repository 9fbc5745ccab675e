import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesIn } from './import.ts';

test('the names of imported images are read from what containerd 1.x and 2.x print', () => {
  assert.deepEqual(namesIn('unpacking docker.io/guestbook/web:v1 (sha256:6da7)...done\n'), ['docker.io/guestbook/web:v1']);
  const two =
    'docker.io/guestbook/web:v1              \tsaved\t\napplication/vnd.docker.distribution.manifest.v2+json sha256:6da7\nImporting\telapsed: 0.1 s\ttotal:   0.0 B\t(0.0 B/s)\t\n';
  assert.deepEqual(namesIn(two), ['docker.io/guestbook/web:v1']);
});
