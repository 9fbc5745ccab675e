/** A scheduler on an API server in memory, and what tests ask of it. */
import { pino } from 'pino';
import { events as eventKind } from '../../../src/api/core/v1/event.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { nodes as nodeKind } from '../../../src/api/core/v1/node.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import type { Node, Pod } from '../../../src/api/core/v1/types.gen.ts';
import { startTestServer } from '../../../src/apiserver/testing/server.ts';
import { createInformerFactory } from '../../../src/client/informers.ts';
import { createEventRecorder } from '../../../src/client/recorder.ts';
import { createScheduler, type SchedulerOptions } from '../../../src/scheduler/scheduler.ts';
import { eventually } from '../controllers/harness.ts';

/** With the default configuration unless given. */
export async function startScheduling(options: Pick<SchedulerOptions, 'configuration' | 'plugins'> = {}) {
  const server = await startTestServer();
  const { client } = server;
  const log = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
  await client
    .resource(namespaces)
    .create({ metadata: { name: 'default' }, spec: {} })
    .catch(() => {});
  const stopping = new AbortController();
  const informers = createInformerFactory(client, { log });
  const events = createEventRecorder(client, { component: 'default-scheduler', log, signal: stopping.signal });
  const scheduler = (() => {
    try {
      return createScheduler({ client, informers, events, log, ...options });
    } catch (error) {
      stopping.abort();
      void server[Symbol.asyncDispose]();
      throw error;
    }
  })();
  await Promise.all([informers.start(), scheduler.start()]);
  const pods = client.resource(podKind);
  const nodes = client.resource(nodeKind);
  /** Resolves when the scheduler knows it: nodes and pods come over watches of their own, the one or the other first. */
  async function setAllocatable(name: string, allocatable: Record<string, string | number>): Promise<void> {
    const { metadata } = await nodes.patch('', name, 'merge', { status: { allocatable, capacity: allocatable } }, { subresource: 'status' });
    const known = informers.informer(nodeKind);
    await eventually(async () => known.get('', name)?.metadata.resourceVersion === metadata.resourceVersion, `${name} to be known`);
  }
  return {
    client,
    pods,
    nodes,
    until: eventually,
    setAllocatable,
    async addNode(name: string, cpu: string, more: Partial<Node> = {}) {
      await nodes.create({ metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: {}, ...more });
      await setAllocatable(name, { cpu, memory: '8Gi', pods: 110 });
    },
    addPod: (name: string, cpu = '100m', spec: Partial<Pod['spec']> = {}, metadata: Partial<Pod['metadata']> = {}) =>
      pods.create({
        metadata: { name, namespace: 'default', ...metadata },
        spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...spec },
      }),
    nodeOf: (name: string) => eventually(async () => (await pods.get('default', name)).spec.nodeName, `${name} to be scheduled`),
    condition: (name: string) =>
      eventually(
        async () => (await pods.get('default', name)).status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False'),
        `${name} to be refused`,
      ),
    async eventsOf(name: string) {
      const { items } = await client.resource(eventKind).list('default');
      return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason, message, type }) => `${type} ${reason} ${message}`);
    },
    async [Symbol.asyncDispose]() {
      await scheduler.stop();
      stopping.abort();
      await informers.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}
