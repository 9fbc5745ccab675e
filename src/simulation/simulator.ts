/** Makes simulated nodes, and plays the kubelet of every Node that is labelled as one. */
import type { Logger } from 'pino';
import { isSimulated, nodes as nodeKind, simulatedLabel } from '../api/core/v1/node.ts';
import type { Node } from '../api/core/v1/types.gen.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../apimachinery/errors.ts';
import { formatIp, ipAt, parseCidr } from '../apimachinery/ip.ts';
import type { Client } from '../client/client.ts';
import { createInformerFactory } from '../client/informers.ts';
import { createClient } from '../client/rest.ts';
import type { Transport } from '../client/transport.ts';
import { createWorkQueue, runWorkers } from '../client/workqueue.ts';
import { keepHeartbeats } from './heartbeats.ts';
import { clientOfNode } from './identity.ts';
import type { LifetimeModel } from './model.ts';
import { isDown, isWell, type NodeShape, simulatedNode, statusOf } from './nodes.ts';
import { createPods } from './pods.ts';

export interface SimulationOptions {
  /** Of somebody who may read nodes and pods and impersonate nodes. Stays the caller's to close. */
  transport: Transport;
  /** How many nodes (`fake-1` …) there should be when it starts; those that are missing are made. */
  nodes: number;
  shape: NodeShape;
  lifetime: LifetimeModel;
  log: Logger;
}

export interface RunningSimulation {
  stop(): Promise<void>;
}

const parallel = 32;
/** Where nodes that others made without an address are found. */
const strayNodeRange = parseCidr('198.19.0.0/16')!;

/** Resolves when the nodes are there and their pods are looked after. */
export async function startSimulation({ transport, nodes: wanted, shape, lifetime, log }: SimulationOptions): Promise<RunningSimulation> {
  const stopping = new AbortController();
  const client = createClient({ request: transport.request, close: async () => {} }, { userAgent: 'knarr-simulation' });
  const informers = createInformerFactory(client, { log });
  const clients = new Map<string, Client>();
  const clientFor = (node: string): Client => {
    const known = clients.get(node) ?? clientOfNode(transport, node);
    clients.set(node, known);
    return known;
  };
  const heartbeats = keepHeartbeats({ clientFor, log, signal: stopping.signal });
  const nodes = informers.informer(nodeKind, { labelSelector: `${simulatedLabel}=true`, transform: withoutImages });
  const pods = createPods({ informers, nodes, clientFor, lifetime, log });
  const queue = createWorkQueue();
  let strays = 0n;

  nodes.addHandlers({
    added: (node) => follow(node),
    updated: (node, old) => {
      follow(node);
      if (isDown(old) !== isDown(node) || old.spec.podCIDR !== node.spec.podCIDR || !isWell(old)) pods.lookAtNode(node.metadata.name);
    },
    deleted: ({ metadata: { name } }) => {
      heartbeats.stop(name);
      clients.delete(name);
    },
  });

  function follow(node: Node): void {
    if (isDown(node)) heartbeats.stop(node.metadata.name);
    else {
      heartbeats.beat(node);
      if (!isWell(node)) queue.add(node.metadata.name);
    }
  }

  /** A node that is back, or that somebody made by hand, says that it is well. */
  async function report(name: string): Promise<void> {
    const node = nodes.get('', name);
    if (!node || isDown(node) || isWell(node)) return;
    const status = statusOf(node, formatIp(ipAt(strayNodeRange, (strays += 1n) % 65_535n)), new Date(), shape.resources);
    await clientFor(name).resource(nodeKind).patch('', name, 'strategic', { status }, { subresource: 'status' });
  }

  async function handle(name: string): Promise<void> {
    try {
      await report(name);
      queue.forget(name);
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) log.warn({ node: name, err: error }, 'the status of a simulated node could not be written');
      if (!isNotFound(error)) queue.addRateLimited(name);
    }
  }

  async function make(): Promise<void> {
    let next = 1;
    const one = async (): Promise<void> => {
      while (next <= wanted && !stopping.signal.aborted) {
        const node = simulatedNode(next++, shape, new Date());
        const { name } = node.metadata;
        if (nodes.get('', name)) continue;
        await clientFor(name)
          .resource(nodeKind)
          .create(node)
          .catch((error: unknown) => {
            if (!isAlreadyExists(error)) throw error;
            log.warn({ node: name }, `there is a node of that name without the label ${simulatedLabel}=true: it is left alone`);
          });
      }
    };
    await Promise.all(Array.from({ length: parallel }, one));
  }

  await informers.start();
  const work = [runWorkers(queue, parallel, handle), pods.run()];
  await make();
  log.info({ nodes: nodes.list().filter(isSimulated).length }, 'simulated nodes run');
  return {
    async stop() {
      stopping.abort();
      await Promise.all([queue.shutDown(), pods.stop()]);
      await Promise.all(work);
      await informers.stop();
    },
  };
}

const withoutImages = (node: Node): Node => ({ ...node, status: { ...node.status, images: undefined } });
