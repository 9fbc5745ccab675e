/** Options about simulated nodes, that two commands share. */
import { isQuantity } from '../apimachinery/quantity.ts';
import { type SimulatedNodesConfig, UserError } from '../cluster/config.ts';
import { maxSimulatedNodes } from '../simulation/nodes.ts';
import { parseDuration } from './cluster.ts';

export interface LifetimeOptions {
  fakeNodeResources?: string;
  fakePodStart?: string;
  fakeJobTime?: string;
  fakePodStop?: string;
}

/** Fails with a `UserError` that names the option. */
export function simulatedNodesOf(count: number, options: LifetimeOptions): SimulatedNodesConfig {
  if (count > maxSimulatedNodes) throw new UserError(`--fake-nodes: at most ${maxSimulatedNodes}`, 2);
  const { fakeNodeResources, fakePodStart, fakeJobTime, fakePodStop } = options;
  return {
    count,
    ...(fakeNodeResources ? { resources: resourcesOf(fakeNodeResources) } : {}),
    ...(fakePodStart ? { startDelayMs: parseDuration(fakePodStart) } : {}),
    ...(fakeJobTime ? { jobRunTimeMs: parseDuration(fakeJobTime) } : {}),
    ...(fakePodStop ? { stopDelayMs: parseDuration(fakePodStop) } : {}),
  };
}

function resourcesOf(list: string): Record<string, string> {
  const pairs = list.split(',').map((one): [string, string] => {
    const [name = '', quantity = ''] = one.split('=');
    if (name === '' || !isQuantity(quantity)) throw new UserError(`--fake-node-resources: '${one}' is not NAME=QUANTITY, such as cpu=32`, 2);
    return [name, quantity];
  });
  return Object.fromEntries(pairs);
}
