/** `knarr fake-nodes`: simulated nodes in the foreground, as a part of `up` (`--data-dir`) or against any API server (`--kubeconfig`). */

import { transportFromKubeconfig } from '../../client/kubeconfig.ts';
import { UserError } from '../../cluster/config.ts';
import { clusterLayout } from '../../cluster/layout.ts';
import { runSimulatedNodes } from '../../cluster/simulation.ts';
import type { ClusterOptions } from '../cluster.ts';
import { existingCluster } from '../cluster.ts';
import { type LifetimeOptions, simulatedNodesOf } from '../fakenodes.ts';
import { untilSignal } from '../signals.ts';

export interface FakeNodesOptions extends ClusterOptions, LifetimeOptions {
  kubeconfig?: string;
  count?: number;
  taint?: boolean;
}

export async function fakeNodes(options: FakeNodesOptions): Promise<void> {
  const running = await (options.kubeconfig ? elsewhere(options.kubeconfig, options) : here(options));
  await untilSignal();
  await running.stop();
  process.exit(0);
}

async function elsewhere(file: string, options: FakeNodesOptions): Promise<{ stop(): Promise<void> }> {
  const connect = (): ReturnType<typeof transportFromKubeconfig> => transportFromKubeconfig(file);
  const tried = await connect().catch((error: unknown) => {
    throw new UserError(`--kubeconfig: ${(error as Error).message}`, 2);
  });
  await tried.close();
  return runSimulatedNodes(simulatedNodesOf(options.count ?? 0, options), { transport: connect, taint: options.taint ?? false });
}

async function here(options: FakeNodesOptions): Promise<{ stop(): Promise<void> }> {
  const config = existingCluster(options);
  if (!config.simulated) throw new UserError(`the cluster '${config.name}' was made without --fake-nodes; --kubeconfig gives it some`, 2);
  const file = clusterLayout(config).adminKubeconfig;
  // With real nodes beside them, pods that know of nothing belong on those.
  return runSimulatedNodes(config.simulated, { transport: () => transportFromKubeconfig(file), taint: config.nodes.length > 0 });
}
