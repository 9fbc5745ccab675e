/**
 * Leader election on a Lease, with client-go's rules, so that both can compete for one lease: who holds it renews it every
 * `retryPeriod`; others wait until they have not seen it change for `leaseDuration` by their own clock.
 */
import type { Logger } from 'pino';
import { leases } from '../api/coordination/v1/lease.ts';
import type { Lease, LeaseSpec } from '../api/coordination/v1/types.gen.ts';
import { isNotFound } from '../apimachinery/errors.ts';
import { microTimeOf } from '../apimachinery/meta.ts';
import { Gauge, metrics } from '../apimachinery/metrics.ts';
import type { Client } from './client.ts';

export interface ElectionTimes {
  /** Others wait for so long since they last saw the lease change. Default 15 s. */
  leaseDurationMs?: number;
  /** A leader that could not renew for so long steps down. Default 10 s. */
  renewDeadlineMs?: number;
  /** Default 2 s. */
  retryPeriodMs?: number;
}

export interface LeaderElectionOptions extends ElectionTimes {
  client: Client;
  namespace: string;
  name: string;
  /** Unique among the candidates. */
  identity: string;
  /** Called once when elected; `signal` aborts when leadership ends. */
  onStartedLeading(signal: AbortSignal): void;
  onStoppedLeading?(): void;
  onNewLeader?(identity: string): void;
  /** Ends the election, and gives the lease up when held. */
  signal: AbortSignal;
  log?: Pick<Logger, 'info' | 'warn'>;
  now?: () => Date;
  /** Milliseconds that never jump. */
  monotonic?: () => number;
}

const masterStatus = metrics.add(new Gauge('leader_election_master_status', 'Whether this candidate leads (1) or stands by (0).', ['name']));

const jitterFactor = 1.2;

const withDefaults = ({ leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 }: ElectionTimes): Required<ElectionTimes> => ({
  leaseDurationMs,
  renewDeadlineMs,
  retryPeriodMs,
});

/** Throws for times with which two could lead at once. */
export function checkElectionTimes(times: ElectionTimes): void {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = withDefaults(times);
  if (leaseDurationMs <= renewDeadlineMs) throw new Error('leaseDuration must be greater than renewDeadline');
  if (renewDeadlineMs <= jitterFactor * retryPeriodMs) throw new Error('renewDeadline must be greater than retryPeriod*JitterFactor');
}

/** Resolves when leadership was lost or given up, or `signal` aborted before. Rejects only for options that can't work. */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  const { client, namespace, name, identity, signal, log } = options;
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = withDefaults(options);
  const { now = () => new Date(), monotonic = () => performance.now() } = options;
  if (identity === '') throw new Error('leader election: the identity is empty');
  checkElectionTimes(options);

  const resource = client.resource(leases);
  let observed: Lease | undefined;
  /** When the lease was last seen to change. */
  let observedAt = 0;
  let reported = '';

  const holder = (): string => observed?.spec.holderIdentity ?? '';
  const isLeader = (): boolean => holder() === identity;

  function observe(lease: Lease): void {
    if (observed === undefined || JSON.stringify(observed.spec) !== JSON.stringify(lease.spec)) observedAt = monotonic();
    observed = lease;
    if (holder() === reported) return;
    reported = holder();
    if (reported !== '') options.onNewLeader?.(reported);
  }

  const held = (): LeaseSpec => {
    const time = microTimeOf(now());
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.floor(leaseDurationMs / 1_000) || 1,
      renewTime: time,
      acquireTime: isLeader() ? (observed?.spec.acquireTime ?? time) : time,
      leaseTransitions: (observed?.spec.leaseTransitions ?? 0) + (observed && !isLeader() ? 1 : 0),
    };
  };

  const write = async (spec: LeaseSpec): Promise<void> => {
    const { preferredHolder: _, ...kept } = observed!.spec;
    observe(await resource.update({ ...observed!, spec: { ...kept, ...spec } }));
  };

  const isValid = (): boolean => observedAt + (observed?.spec.leaseDurationSeconds ?? 0) * 1_000 > monotonic();

  /** Throws what the server answered when it did not work; false when another holds the lease. */
  async function acquireOrRenew(): Promise<boolean> {
    if (isLeader() && isValid()) {
      try {
        await write(held());
        return true;
      } catch (error) {
        log?.info({ err: error, lease: `${namespace}/${name}` }, 'lease changed since it was last seen, reading it again');
      }
    }
    try {
      observe(await resource.get(namespace, name));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      observed = undefined;
      observe(await resource.create({ metadata: { namespace, name }, spec: held() }));
      return true;
    }
    if (holder() !== '' && isValid() && !isLeader()) return false;
    await write(held());
    return true;
  }

  const attempt = async (deadlineMs: number): Promise<boolean> => {
    try {
      // A server that does not answer must not keep a leader in office.
      return await within(acquireOrRenew(), deadlineMs);
    } catch (error) {
      log?.warn({ err: error, lease: `${namespace}/${name}` }, 'could not acquire or renew the lease');
      return false;
    }
  };

  while (!(await attempt(renewDeadlineMs))) {
    await pause(retryPeriodMs * (1 + Math.random() * jitterFactor), signal);
    if (signal.aborted) return;
  }
  if (signal.aborted) {
    await release();
    return;
  }

  log?.info({ lease: `${namespace}/${name}`, identity }, 'became leader');
  const leading = new AbortController();
  masterStatus.set(1, name);
  options.onStartedLeading(leading.signal);
  let renewedAt = monotonic();
  while (!signal.aborted) {
    await pause(retryPeriodMs, signal);
    if (signal.aborted) break;
    const left = renewedAt + renewDeadlineMs - monotonic();
    if (left > 0 && (await attempt(left))) renewedAt = monotonic();
    else if (monotonic() - renewedAt >= renewDeadlineMs || !isLeader()) break;
  }
  masterStatus.set(0, name);
  leading.abort(new Error('no longer the leader'));
  log?.info({ lease: `${namespace}/${name}`, identity }, 'stopped leading');
  options.onStoppedLeading?.();
  await release();

  /** So that the next one need not wait for the lease to run out. */
  async function release(): Promise<void> {
    try {
      observe(await within(resource.get(namespace, name), renewDeadlineMs));
      if (!isLeader()) return;
      const time = microTimeOf(now());
      await within(write({ holderIdentity: '', leaseDurationSeconds: 1, renewTime: time, acquireTime: time }), renewDeadlineMs);
    } catch (error) {
      log?.warn({ err: error, lease: `${namespace}/${name}` }, 'could not release the lease');
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
}

async function within<R>(work: Promise<R>, milliseconds: number): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${Math.round(milliseconds)} ms`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
