/** Renews the leases of simulated nodes. Source of the rule: KEP-589. */
import type { Logger } from 'pino';
import { leases as leaseKind } from '../api/coordination/v1/lease.ts';
import type { Lease } from '../api/coordination/v1/types.gen.ts';
import type { Node } from '../api/core/v1/types.gen.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../apimachinery/errors.ts';
import { microTimeOf } from '../apimachinery/meta.ts';
import type { Client } from '../client/client.ts';

const namespace = 'kube-node-lease';
const leaseDurationSeconds = 40;
/** A kubelet's. With many nodes a node's turn comes later, so that all of them together write no more than `perSecond` leases. */
const intervalMs = 10_000;
const perSecond = 50;
/** Well within the 50 s after which a node counts as lost. */
const longestMs = 25_000;
const lookMs = 100;
const parallel = 16;

export interface Heartbeats {
  /** From now on, or still. */
  beat(node: Node): void;
  stop(node: string): void;
}

interface Beating {
  uid: string | undefined;
  due: number;
  lease: Lease | undefined;
}

export interface HeartbeatOptions {
  clientFor(node: string): Client;
  log: Logger;
  signal: AbortSignal;
  now?: () => Date;
}

/** Milliseconds between two heartbeats of one node when there are `count` of them. */
const heartbeatInterval = (count: number): number => Math.min(longestMs, Math.max(intervalMs, (count / perSecond) * 1000));

export function keepHeartbeats({ clientFor, log, signal, now = () => new Date() }: HeartbeatOptions): Heartbeats {
  const beating = new Map<string, Beating>();
  let running = 0;
  const timer = setInterval(look, lookMs);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });

  function look(): void {
    const time = performance.now();
    for (const [name, one] of beating) {
      if (running >= parallel) return;
      if (one.due > time) continue;
      one.due = time + heartbeatInterval(beating.size) * (1 + Math.random() * 0.04);
      running++;
      void renew(name, one).finally(() => {
        running--;
        // A backlog is worked off without waiting for the next look.
        if (running === parallel - 1) setImmediate(look);
      });
    }
  }

  async function renew(name: string, one: Beating): Promise<void> {
    const leases = clientFor(name).resource(leaseKind);
    const spec = { holderIdentity: name, leaseDurationSeconds, renewTime: microTimeOf(now()) };
    try {
      if (one.lease) {
        one.lease = await leases.update({ ...one.lease, spec });
        return;
      }
      const ownerReferences = one.uid ? [{ apiVersion: 'v1', kind: 'Node', name, uid: one.uid }] : [];
      one.lease = await leases.create({ metadata: { name, namespace, ownerReferences }, spec }).catch(async (error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
        const standing = await leases.get(namespace, name);
        return leases.update({ ...standing, spec });
      });
    } catch (error) {
      one.lease = undefined;
      one.due = performance.now() + 1_000;
      if (!signal.aborted && !isConflict(error) && !isNotFound(error)) log.warn({ node: name, err: error }, "renewing a simulated node's lease failed");
    }
  }

  return {
    beat({ metadata: { name, uid } }) {
      const one = beating.get(name);
      if (one && one.uid === uid) return;
      beating.set(name, { uid, due: 0, lease: undefined });
    },
    stop: (name) => void beating.delete(name),
  };
}
