import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExposition } from './exposition.ts';
import { nodeUsageBetween, type Reading, readNode, usageBetween } from './usage.ts';

test('the text format: labels with escapes, exponents, timestamps; comments and what is no number are passed over', () => {
  const text = [
    '# HELP up whether it is',
    '# TYPE up gauge',
    'up 1',
    'path{file="a \\"b\\" \\\\ {c} 1",line="x\\ny",} 1.5e+3 1700000000123',
    'gone NaN',
    'most{le="+Inf"} +Inf',
    '',
    'not a sample at all',
    'spaced { a = "b" }  -2',
  ].join('\n');
  assert.deepEqual(
    [...parseExposition(text)],
    [
      { name: 'up', labels: {}, value: 1 },
      { name: 'path', labels: { file: 'a "b" \\ {c} 1', line: 'x\ny' }, value: 1500, timestamp: 1700000000123 },
      { name: 'spaced', labels: { a: 'b' }, value: -2 },
    ],
  );
});

const labels = 'container="c",namespace="shop",pod="web"';

test('a reading has the time at which the kubelet measured, else that of the request', () => {
  const text = `node_cpu_usage_seconds_total 100 5000\nnode_memory_working_set_bytes 4096 5000\ncontainer_cpu_usage_seconds_total{${labels}} 2\ncontainer_memory_working_set_bytes{${labels}} 1024\ncontainer_start_time_seconds{${labels}} 1.5\n`;
  const { node, pods } = readNode(text, 6000);
  assert.deepEqual(node, { at: 5000, cpuSeconds: 100, memoryBytes: 4096 });
  assert.deepEqual(pods.get('shop/web')?.get('c'), { at: 6000, cpuSeconds: 2, memoryBytes: 1024, startedAt: 1500 });
});

test('a container without both numbers takes its pod with it', () => {
  const text = `container_cpu_usage_seconds_total{${labels}} 2\ncontainer_memory_working_set_bytes{${labels}} 1\ncontainer_cpu_usage_seconds_total{container="d",namespace="shop",pod="web"} 2\n`;
  assert.deepEqual([...readNode(text, 0).pods.keys()], []);
  assert.equal(readNode(text, 0).node, undefined);
});

const reading = (at: number, cpuSeconds: number, startedAt?: number): Reading => ({
  at,
  cpuSeconds,
  memoryBytes: 1000,
  ...(startedAt === undefined ? {} : { startedAt }),
});

test('use is the difference of two looks by the time between them', () => {
  assert.deepEqual(usageBetween(reading(0, 10), reading(15_000, 13)), { at: 15_000, windowMs: 15_000, cpuNanocores: 200_000_000, memoryBytes: 1000 });
});

test('one look tells nothing, nor do two of different runs of a container', () => {
  assert.equal(usageBetween(undefined, reading(15_000, 13)), undefined);
  assert.equal(usageBetween(reading(15_000, 10), reading(15_000, 13)), undefined, 'the same time');
  assert.equal(usageBetween(reading(0, 10), reading(15_000, 3)), undefined, 'the counter fell');
  assert.equal(usageBetween(reading(0, 1, 0), reading(15_000, 3, 9000)), undefined, 'it was started in between');
});

test('a container that is fresh, but not too fresh, is counted from its start', () => {
  assert.deepEqual(usageBetween(undefined, reading(50_000, 6, 38_000)), { at: 50_000, windowMs: 12_000, cpuNanocores: 500_000_000, memoryBytes: 1000 });
  assert.equal(usageBetween(undefined, reading(50_000, 6, 45_000)), undefined, 'five seconds say little');
  assert.equal(usageBetween(undefined, reading(50_000, 6, 10_000)), undefined, 'what it did lately is not known');
});

test('a pod is told of when all its containers are', () => {
  const pods = (...containers: [string, Reading][]) => ({ pods: new Map([['shop/web', new Map(containers)]]) });
  const before = pods(['a', reading(0, 1)]);
  assert.deepEqual([...nodeUsageBetween(before, pods(['a', reading(9000, 2)])).pods.keys()], ['shop/web']);
  assert.deepEqual([...nodeUsageBetween(before, pods(['a', reading(9000, 2)], ['b', reading(9000, 2)])).pods.keys()], []);
});
