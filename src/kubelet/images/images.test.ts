import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration } from './puller.ts';
import { matchRegistry, nameOf, registryOf, repositoryOf, withDefaultTag } from './reference.ts';

test('names of images get a tag', () => {
  assert.equal(withDefaultTag('busybox'), 'busybox:latest');
  assert.equal(withDefaultTag('localhost:5000/a/b'), 'localhost:5000/a/b:latest');
  assert.equal(withDefaultTag('a/b:1'), 'a/b:1');
  assert.equal(withDefaultTag(`a@sha256:${'0'.repeat(64)}`), `a@sha256:${'0'.repeat(64)}`);
  assert.throws(() => withDefaultTag('Busybox'), {
    message: 'couldn\'t parse image name "Busybox": invalid reference format: repository name must be lowercase',
  });
});

test('registries are found as Docker finds them', () => {
  assert.deepEqual(registryOf('busybox'), { host: 'index.docker.io', path: 'library/busybox' });
  assert.deepEqual(registryOf('quay.io/x/y:1'), { host: 'quay.io', path: 'x/y:1' });
});

test('credentials are for a host, a pattern of hosts, or a path', () => {
  assert.ok(matchRegistry('quay.io', 'quay.io/x/y') > 0);
  assert.ok(matchRegistry('*.example.com', 'r.example.com/x') > 0);
  assert.equal(matchRegistry('*.example.com', 'a.b.example.com/x'), -1);
  assert.ok(matchRegistry('quay.io/x', 'quay.io/x/y') > matchRegistry('quay.io', 'quay.io/x/y'));
  assert.ok(matchRegistry('https://index.docker.io/v1/', 'busybox') > 0);
});

test('names of images without tag and digest', () => {
  assert.deepEqual(['a', 'a:1', 'r:5000/a', 'r:5000/a:1', `a:1@sha256:${'0'.repeat(64)}`].map(nameOf), ['a', 'a', 'r:5000/a', 'r:5000/a', 'a']);
  assert.deepEqual(['busybox:1', 'a/b', 'quay.io/x/y:1'].map(repositoryOf), ['docker.io/library/busybox', 'docker.io/a/b', 'quay.io/x/y']);
});

test('durations read as Go prints them', () => {
  assert.deepEqual([12, 1500, 10_000, 80_000, 300_000, 3_600_000].map(formatDuration), ['12ms', '1.5s', '10s', '1m20s', '5m0s', '1h0m0s']);
});
