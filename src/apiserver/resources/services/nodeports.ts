/** Node ports: each that is taken is a key of its own in the store, so that servers beside each other never give one out twice. */
import { randomInt } from 'node:crypto';
import type { Store } from '../../../store/store.ts';
import { KeyExistsError, RevisionMismatchError } from '../../../store/store.ts';
import { registryPrefix } from '../../cacher/cacher.ts';
import type { ServerCore } from '../../core.ts';

export interface PortRange {
  from: number;
  /** Inclusive. */
  to: number;
}

export class PortError extends Error {}

export interface PortAllocator {
  /** Fails with {@link PortError}. On a dry run nothing is reserved, and the port is any of the range. */
  allocate(dryRun: boolean): Promise<number>;
  reserve(port: number, dryRun: boolean): Promise<void>;
  release(port: number): Promise<void>;
  /** All that are reserved, with their age in the store (a revision). */
  reserved(): { port: number; revision: number }[];
}

export const portsPrefix = `${registryPrefix}ranges/servicenodeports/`;

/** Ports for clients who choose; from those after them ports are given out first (KEP 3668). */
function staticBand({ from, to }: PortRange): number {
  const size = to - from + 1;
  if (size <= 16) return 0;
  return Math.min(128, Math.max(16, Math.floor(size / 32)));
}

const marker = Buffer.from('{"kind":"RangeAllocation","apiVersion":"v1","metadata":{"name":"servicenodeports"}}');

export function createPortAllocator(core: ServerCore, range: PortRange): PortAllocator {
  const { store }: { store: Store } = core.cacher;
  const cache = core.cacher.resource(portsPrefix);
  const keyOf = (port: number): string => `${portsPrefix}${port}`;
  const size = range.to - range.from + 1;

  async function take(port: number): Promise<boolean> {
    if (cache.entries.has(keyOf(port))) return false;
    try {
      await store.create(keyOf(port), marker);
      return true;
    } catch (error) {
      if (error instanceof KeyExistsError) return false;
      throw error;
    }
  }

  async function anyOf(from: number, count: number): Promise<number | undefined> {
    if (count <= 0) return undefined;
    const start = randomInt(count);
    for (let step = 0; step < count; step++) {
      const port = from + ((start + step) % count);
      if (await take(port)) return port;
    }
    return undefined;
  }

  return {
    async allocate(dryRun) {
      if (dryRun) return range.from + randomInt(size);
      const fixed = staticBand(range);
      const port = (await anyOf(range.from + fixed, size - fixed)) ?? (await anyOf(range.from, fixed));
      if (port === undefined) throw new PortError('range is full');
      return port;
    },
    async reserve(port, dryRun) {
      if (port < range.from || port > range.to) {
        throw new PortError(`provided port is not in the valid range. The range of valid ports is ${range.from}-${range.to}`);
      }
      if (dryRun ? cache.entries.has(keyOf(port)) : !(await take(port))) throw new PortError('provided port is already allocated');
    },
    async release(port) {
      const { entry } = await store.get(keyOf(port));
      if (!entry) return;
      try {
        await store.delete(keyOf(port), entry.modRevision);
      } catch (error) {
        if (!(error instanceof RevisionMismatchError)) throw error;
      }
    },
    reserved: () => Array.from(cache.entries.values(), ({ name, revision }) => ({ port: Number(name), revision })),
  };
}
