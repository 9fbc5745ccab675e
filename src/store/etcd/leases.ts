/** Leases that many keys share: one per duration and stretch of time, as upstream's lease manager has it. */
import type { EtcdRpc } from './rpc.ts';

/** A lease is shared for this part of its duration, a minute at most, and by so many keys. */
const sharedPart = 0.05;
const maxSharedSeconds = 60;
const maxKeys = 1_000;

interface Shared {
  id: Promise<string>;
  until: number;
  keys: number;
}

/** Gives the lease for a key that must live at least `ttlSeconds`. */
export function createLeases(rpc: EtcdRpc, now: () => number = Date.now): (ttlSeconds: number) => Promise<string> {
  const shared = new Map<number, Shared>();
  return (ttlSeconds) => {
    const known = shared.get(ttlSeconds);
    if (known && known.until > now() && known.keys < maxKeys) {
      known.keys++;
      return known.id;
    }
    const sharedSeconds = Math.min(Math.floor(ttlSeconds * sharedPart), maxSharedSeconds);
    const id = rpc.call<{ ID: string }>('Lease/LeaseGrant', { TTL: Math.ceil(ttlSeconds) + sharedSeconds }, true).then(({ ID }) => ID);
    id.catch(() => shared.delete(ttlSeconds));
    shared.set(ttlSeconds, { id, until: now() + sharedSeconds * 1_000, keys: 1 });
    return id;
  };
}
