/** Hands out equal parts of a range of addresses. */
import { type Cidr, cidrContains, cidrsOverlap, formatCidr, formatIp, ipAt, parseCidr } from '../../apimachinery/ip.ts';

export interface RangePool {
  readonly family: 4 | 6;
  /** A part that is free; undefined when none is. */
  take(): string | undefined;
  /** Marks a part that somebody has; false when it is none of this pool's. */
  occupy(range: string): boolean;
  release(range: string): void;
}

/** Parts of `partPrefix` bits of the cluster's range, without those that overlap with `reserved`. Throws on a range that has no such parts. */
export function createRangePool(cluster: string, partPrefix: number, reserved: readonly string[] = []): RangePool {
  const range = parseCidr(cluster);
  if (!range) throw new Error(`invalid CIDR: ${cluster}`);
  const { family } = range.network;
  const width = family === 4 ? 32 : 128;
  if (partPrefix < range.prefixLength || partPrefix > width) throw new Error(`${cluster} has no parts of /${partPrefix}`);
  const size = 1n << BigInt(width - partPrefix);
  const count = 1n << BigInt(partPrefix - range.prefixLength);
  const taken = new Set<bigint>();
  const forbidden = reserved.flatMap((one) => parseCidr(one) ?? []).filter((one) => one.network.family === family);
  let next = 0n;

  const partAt = (index: bigint): Cidr => parseCidr(`${formatIp(ipAt(range, index * size))}/${partPrefix}`)!;

  function indexOf(text: string): bigint | undefined {
    const part = parseCidr(text);
    if (part?.network.family !== family || !cidrContains(range!, part.network)) return undefined;
    return (part.network.bits - range!.network.bits) / size;
  }

  return {
    family,
    take() {
      for (let tried = 0n; tried < count; tried++) {
        const index = (next + tried) % count;
        if (taken.has(index)) continue;
        const part = partAt(index);
        if (forbidden.some((one) => cidrsOverlap(one, part))) continue;
        taken.add(index);
        next = index + 1n;
        return formatCidr(part);
      }
      return undefined;
    },
    occupy(text) {
      const index = indexOf(text);
      if (index === undefined) return false;
      taken.add(index);
      return true;
    },
    release(text) {
      const index = indexOf(text);
      if (index !== undefined) taken.delete(index);
    },
  };
}
