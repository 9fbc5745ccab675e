import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { parseSchedulerConfiguration } from '../../../src/scheduler/config/load.ts';
import type { SchedulerConfiguration } from '../../../src/scheduler/config/types.ts';
import { startScheduling } from './harness.ts';

interface Asked {
  verb: string;
  body: Record<string, unknown>;
}
type Answers = Record<string, (body: Record<string, unknown>) => unknown>;

/** Speaks upstream's wire types; a verb without an answer is 404. */
async function startExtender(answers: Answers) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const verb = request.url!.split('/').at(-1)!;
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    asked.push({ verb, body });
    const answer = answers[verb]?.(body);
    response.statusCode = answer === undefined ? 404 : 200;
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/scheduler`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const configured = (...extenders: string[]): SchedulerConfiguration =>
  parseSchedulerConfiguration(
    `apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nextenders:\n${extenders.map((one) => `- {${one}}\n`).join('')}`,
    (reference) => reference,
  );

test('an extender that knows the nodes filters and scores by their names', async () => {
  await using extender = await startExtender({
    filter: ({ NodeNames }) => ({ NodeNames: (NodeNames as string[]).filter((name) => name !== 'a'), FailedNodes: { a: 'not a' } }),
    prioritize: () => [
      { Host: 'b', Score: 0 },
      { Host: 'c', Score: 10 },
    ],
  });
  const configuration = configured(`urlPrefix: '${extender.url}', filterVerb: filter, prioritizeVerb: prioritize, weight: 5, nodeCacheCapable: true`);
  await using cluster = await startScheduling({ configuration });
  for (const name of ['a', 'b', 'c']) await cluster.addNode(name, '8');
  await cluster.addPod('p');
  assert.equal(await cluster.nodeOf('p'), 'c');
  const [first] = extender.asked;
  assert.deepEqual([...(first!.body['NodeNames'] as string[])].sort(), ['a', 'b', 'c']);
  assert.equal((first!.body['Pod'] as { metadata: { name: string } }).metadata.name, 'p');
});

test('what an extender says of a pod that fits nowhere is said to its user', async () => {
  await using extender = await startExtender({ filter: () => ({ Nodes: { items: [] }, FailedNodes: { a: 'no licence' } }) });
  await using cluster = await startScheduling({ configuration: configured(`urlPrefix: '${extender.url}', filterVerb: filter`) });
  await cluster.addNode('a', '8');
  await cluster.addPod('p');
  assert.match((await cluster.condition('p')).message!, /^0\/1 nodes are available: 1 no licence\. /);
  const nodes = extender.asked[0]!.body['Nodes'] as { items: { metadata: { name: string } }[] };
  assert.deepEqual(
    nodes.items.map(({ metadata }) => metadata.name),
    ['a'],
  );
});

test('an extender that fails stops its pods, unless it may be ignored or does not look after them', async () => {
  const dead = "urlPrefix: 'http://127.0.0.1:9', filterVerb: filter";
  const managed = `${dead}, managedResources: [{ name: example.com/special }]`;
  await using cluster = await startScheduling({ configuration: configured(`${dead}, ignorable: true`, managed) });
  await cluster.addNode('a', '8');
  await cluster.addPod('plain');
  assert.equal(await cluster.nodeOf('plain'), 'a');
  const resources = { requests: { 'example.com/special': '1' }, limits: { 'example.com/special': '1' } };
  await cluster.setAllocatable('a', { 'example.com/special': '1' });
  await cluster.addPod('special', '1', { containers: [{ name: 'c', image: 'i', resources }] });
  const { reason, message } = await cluster.condition('special');
  assert.equal(reason, 'SchedulerError');
  assert.match(message!, /^Post "http:\/\/127\.0\.0\.1:9\/filter": connect ECONNREFUSED/);
});

test('an extender binds, and has a say about victims', async () => {
  let bound: Record<string, unknown> | undefined;
  await using extender = await startExtender({
    bind(body) {
      bound = body;
      return {};
    },
    preempt: ({ NodeNameToVictims }) => {
      const victims = NodeNameToVictims as Record<string, { Pods: { metadata: { uid: string } }[] }>;
      return { NodeNameToMetaVictims: { b: { Pods: victims['b']!.Pods.map(({ metadata }) => ({ UID: metadata.uid })) } } };
    },
  });
  await using cluster = await startScheduling({ configuration: configured(`urlPrefix: '${extender.url}', bindVerb: bind, preemptVerb: preempt`) });
  for (const name of ['a', 'b']) {
    await cluster.addNode(name, '1');
    await cluster.addPod(`low-${name}`, '1', { nodeName: name, terminationGracePeriodSeconds: 30 });
  }
  await cluster.addPod('high', '1', { priority: 1000 });
  const { until } = cluster;
  await until(async () => (await cluster.pods.get('default', 'low-b')).metadata.deletionTimestamp !== undefined, 'low-b to go');
  assert.equal((await cluster.pods.get('default', 'low-a')).metadata.deletionTimestamp, undefined);
  await cluster.pods.delete('default', 'low-b', { gracePeriodSeconds: 0 });
  await until(async () => bound, 'the extender to be asked to bind');
  assert.deepEqual({ ...bound, PodUID: '' }, { PodName: 'high', PodNamespace: 'default', PodUID: '', Node: 'b' });
});
