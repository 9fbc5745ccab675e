/** An API server over a store in memory, controllers, and something that plays the kubelet: pods run as soon as they are there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { events as eventKind } from '../../../src/api/core/v1/event.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import type { Pod } from '../../../src/api/core/v1/types.gen.ts';
import { isConflict, isNotFound } from '../../../src/apimachinery/errors.ts';
import { timeOf } from '../../../src/apimachinery/meta.ts';
import { startTestServer, type TestServer } from '../../../src/apiserver/testing/server.ts';
import type { Client } from '../../../src/client/client.ts';
import { createInformerFactory } from '../../../src/client/informers.ts';
import type { ControllerDefinition } from '../../../src/controllers/controller.ts';
import { runControllers } from '../../../src/controllers/manager.ts';

export interface Cluster extends AsyncDisposable {
  client: Client;
  server: TestServer;
  /** Texts `Reason message` of events about an object. */
  events(name: string): Promise<string[]>;
  pods(labelSelector?: string): Promise<Pod[]>;
  /** Resolves when nobody has written anything for a while: whatever was to follow has followed. */
  rest(): Promise<void>;
  /** Stops the controllers where they are, and starts them anew: caches and expectations are gone. */
  restart(): Promise<void>;
}

export interface ClusterOptions {
  controllers: readonly ControllerDefinition[];
  /** What the kubelet makes of a pod; absent: Running and ready. Undefined leaves it alone. */
  kubelet?: (pod: Pod) => Pod['status'] | undefined;
  settings?: Record<string, unknown>;
  /** The API server, when it is to be another than one that allows everything. */
  server?: TestServer;
  /** What a controller writes with; absent: one that may do everything. */
  clientFor?(server: TestServer, identity: string): Client;
  /** The controllers' clock. */
  now?(): Date;
  /** Before the controllers start. */
  prepare?(client: Client): Promise<void>;
}

export const runningStatus = (): Pod['status'] => ({
  phase: 'Running',
  startTime: timeOf(new Date()),
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: timeOf(new Date()) }],
});

/** Calls `probe` until it gives something, and fails with what it gave last otherwise. */
export async function eventually<R>(probe: () => Promise<R | undefined | false>, what: string, timeoutMs = 10_000): Promise<R> {
  for (const deadline = Date.now() + timeoutMs; ; ) {
    const result = await probe();
    if (result !== undefined && result !== false) return result;
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await sleep(20);
  }
}

export async function startCluster({ controllers, kubelet = runningStatus, settings = {}, prepare, ...options }: ClusterOptions): Promise<Cluster> {
  const server = options.server ?? (await startTestServer());
  const { client } = server;
  const log = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
  for (const name of ['default', 'kube-system']) {
    await client
      .resource(namespaces)
      .create({ metadata: { name }, spec: {} })
      .catch(() => {});
  }
  const informers = createInformerFactory(client, { log });
  const pods = client.resource(podKind);

  async function play(pod: Pod): Promise<void> {
    const { namespace = '', name, deletionTimestamp, finalizers = [] } = pod.metadata;
    try {
      if (deletionTimestamp) {
        if (finalizers.length === 0) await pods.delete(namespace, name, { gracePeriodSeconds: 0 });
        return;
      }
      if (pod.status?.phase !== undefined && pod.status.phase !== 'Pending') return;
      const status = kubelet(pod);
      if (status) await pods.updateStatus({ ...pod, status });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
  informers.informer(podKind).addHandlers({ added: (pod) => void play(pod), updated: (pod) => void play(pod) });
  await informers.start();
  await prepare?.(client);
  const run = () =>
    runControllers({
      definitions: controllers,
      client,
      clientFor: (identity) => options.clientFor?.(server, identity) ?? client,
      settings,
      log,
      ...(options.now ? { now: options.now } : {}),
    });
  let manager = run();
  await manager.ready;
  return {
    client,
    server,
    async events(name) {
      const { items } = await client.resource(eventKind).list('default');
      return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason, message }) => `${reason} ${message}`);
    },
    async pods(labelSelector) {
      return (await pods.list('default', labelSelector ? { labelSelector } : {})).items;
    },
    async rest() {
      // In steps, so that a machine that stands still does not pass for a cluster that does.
      for (let quiet = 0, last = 0; quiet < 10; quiet++) {
        const revision = await server.store.currentRevision();
        if (revision !== last) quiet = 0;
        last = revision;
        await sleep(10);
      }
    },
    async restart() {
      await manager.stop();
      manager = run();
      await manager.ready;
    },
    async [Symbol.asyncDispose]() {
      await manager.stop();
      await informers.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Metadata and template of something that runs pods. */
export const workload = (app: string, image = 'web:1') => ({
  selector: { matchLabels: { app } },
  template: { metadata: { name: '', labels: { app } }, spec: { containers: [{ name: 'main', image }] } },
});
