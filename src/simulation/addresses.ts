/** Gives pods addresses out of their node's range. */
import { cidrSize, formatIp, ipAt, parseCidr } from '../apimachinery/ip.ts';

export interface AddressPool {
  /** An address that no other pod has; undefined when the range is used up. The same for the same pod. */
  take(range: string, pod: string): string | undefined;
  /** The pod has that address already, from before this process began. */
  keep(range: string, pod: string, address: string): void;
  release(range: string, pod: string): void;
}

interface Range {
  byPod: Map<string, string>;
  used: Set<string>;
  next: number;
}

/** Pods are known by their uid. */
export function createAddressPool(): AddressPool {
  const ranges = new Map<string, Range>();
  const rangeOf = (range: string): Range => {
    const known = ranges.get(range) ?? { byPod: new Map<string, string>(), used: new Set<string>(), next: 2 };
    ranges.set(range, known);
    return known;
  };
  const keep = (range: string, pod: string, address: string): void => {
    const { byPod, used } = rangeOf(range);
    byPod.set(pod, address);
    used.add(address);
  };
  return {
    keep,
    take(range, pod) {
      const state = rangeOf(range);
      const known = state.byPod.get(pod);
      const cidr = parseCidr(range);
      if (known || !cidr) return known;
      const size = Number(cidrSize(cidr));
      // The first address is the network's, the second the bridge's, the last the broadcast's. Each is used again as late as possible.
      for (let tried = 2; tried < size - 1; tried++) {
        const offset = state.next;
        state.next = offset + 1 < size - 1 ? offset + 1 : 2;
        const address = formatIp(ipAt(cidr, BigInt(offset)));
        if (state.used.has(address)) continue;
        keep(range, pod, address);
        return address;
      }
      return undefined;
    },
    release(range, pod) {
      const state = ranges.get(range);
      const address = state?.byPod.get(pod);
      if (!state || !address) return;
      state.byPod.delete(pod);
      state.used.delete(address);
    },
  };
}
