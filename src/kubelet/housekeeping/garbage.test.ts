import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, PodSandbox } from '../cri/types.gen.ts';
import { surplus } from './garbage.ts';

const labels = { 'io.kubernetes.pod.uid': 'u', 'io.kubernetes.container.name': 'main' };
const dead = (id: string, createdAt: number, podSandboxId = 'new'): Container => ({ id, createdAt, podSandboxId, state: 'CONTAINER_EXITED', labels });
const sandbox = (id: string, createdAt: number, ready = false): PodSandbox => ({
  id,
  createdAt,
  state: ready ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY',
  labels: { 'io.kubernetes.pod.uid': 'u' },
});

test('of each container the newest dead one is kept besides the running one', () => {
  const running: Container = { ...dead('c', 9), state: 'CONTAINER_RUNNING' };
  assert.deepEqual(surplus([dead('a', 1), dead('b', 2), running], [sandbox('new', 1, true)]).containers, ['a']);
});

test('a container that was created and never started goes when newer ones are there', () => {
  const left: Container = { ...dead('x', 1), state: 'CONTAINER_CREATED' };
  assert.deepEqual(surplus([left], []).containers, []);
  assert.deepEqual(surplus([left, dead('b', 2)], []).containers, ['x']);
});

test('a container that is about to start does not take the place of the one that ran before', () => {
  const created: Container = { ...dead('c', 9), state: 'CONTAINER_CREATED' };
  assert.deepEqual(surplus([dead('a', 1), dead('b', 2), created], [sandbox('new', 1, true)]).containers, ['a']);
});

test('a sandbox goes when another has taken its place and nothing of it is kept', () => {
  assert.deepEqual(surplus([dead('b', 2)], [sandbox('old', 1), sandbox('new', 2)]).sandboxes, ['old']);
  assert.deepEqual(surplus([dead('b', 2, 'old')], [sandbox('old', 1), sandbox('new', 2)]).sandboxes, []);
  assert.deepEqual(surplus([], [sandbox('only', 1)]).sandboxes, []);
});

test('nothing is kept of a pod that has ended when the disk is full', () => {
  const running: Container = { ...dead('r', 9), state: 'CONTAINER_RUNNING' };
  assert.deepEqual(
    surplus([dead('a', 1), dead('b', 2), running], [sandbox('new', 1)], () => true),
    { containers: ['b', 'a'], sandboxes: [] },
  );
  assert.deepEqual(
    surplus([dead('a', 1)], [sandbox('new', 1)], () => true),
    { containers: ['a'], sandboxes: ['new'] },
  );
});

test('what is not a pod’s is left alone', () => {
  assert.deepEqual(surplus([{ id: 'x', state: 'CONTAINER_EXITED' }], [{ id: 'y', state: 'SANDBOX_NOTREADY' }]), { containers: [], sandboxes: [] });
});
