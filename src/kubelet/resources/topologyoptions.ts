/** `topologyManagerPolicyOptions`, as upstream names them. */
import { booleanOption } from './cpuoptions.ts';

export interface TopologyOptions {
  preferClosest: boolean;
  /** The number of combinations grows with the power of two of the nodes. */
  maxNodes: number;
}

const defaultMaxNodes = 8;
/** Sets of nodes are bits of a number. */
const possibleNodes = 16;

/** Throws what is wrong with them. */
export function topologyOptionsOf(given: Readonly<Record<string, string>>): TopologyOptions {
  const found: TopologyOptions = { preferClosest: false, maxNodes: defaultMaxNodes };
  for (const [name, value] of Object.entries(given)) {
    if (name === 'prefer-closest-numa-nodes') found.preferClosest = booleanOption(name, value);
    else if (name === 'max-allowable-numa-nodes') {
      if (!/^[+-]?\d+$/.test(value))
        throw new Error(`unable to convert policy option to integer "${name}": strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
      if (Number(value) < defaultMaxNodes) throw new Error(`the minimum value of "${name}" should not be less than ${defaultMaxNodes}`);
      found.maxNodes = Math.min(Number(value), possibleNodes);
    } else throw new Error(`unknown Topology Manager Policy option: "${name}"`);
  }
  return found;
}
