/** Simulated nodes as a process of their own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createClient } from '../client/rest.ts';
import type { Transport } from '../client/transport.ts';
import { defaultLifetime } from '../simulation/model.ts';
import { defaultResources } from '../simulation/nodes.ts';
import { startSimulation } from '../simulation/simulator.ts';
import type { SimulatedNodesConfig } from './config.ts';

export interface SimulationPlace {
  /** A new one to the API server; called until it gives one that answers, since the server may start at the same time. One that doesn't is closed. */
  transport(): Promise<Transport>;
  /** Keep pods away that do not ask for simulated nodes. */
  taint: boolean;
}

/** Resolves when the nodes are there. */
export async function runSimulatedNodes(nodes: SimulatedNodesConfig, { transport: connect, taint }: SimulationPlace): Promise<{ stop(): Promise<void> }> {
  const log = pino({ level: process.env['KNARR_LOG_LEVEL'] ?? 'info', name: 'fake-nodes' });
  const transport = await untilServed(connect);
  const { count, resources, ...times } = nodes;
  const simulation = await startSimulation({
    transport,
    nodes: count,
    shape: { resources: { ...defaultResources, ...resources }, taint },
    lifetime: { ...defaultLifetime, ...times },
    log,
  });
  return {
    async stop() {
      await simulation.stop();
      await transport.close();
    },
  };
}

async function untilServed(connect: () => Promise<Transport>): Promise<Transport> {
  for (;;) {
    let transport: Transport | undefined;
    try {
      transport = await connect();
      await createClient(transport).raw('GET', '/readyz');
      return transport;
    } catch {
      await transport?.close();
      await sleep(50);
    }
  }
}
