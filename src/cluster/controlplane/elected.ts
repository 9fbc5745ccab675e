/** Runs a component only while it holds its lease: of several servers on one store, one's controllers and one's scheduler work. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Client } from '../../client/client.ts';
import { type ElectionTimes, runLeaderElection } from '../../client/leaderelection.ts';

export interface Stoppable {
  stop(): Promise<void>;
}

export interface ElectedOptions {
  client: Client;
  /** Name of the lease in `kube-system`. */
  lease: string;
  times: ElectionTimes;
  start(): Promise<Stoppable>;
  /** The lease went to another or could not be renewed: the component must end at once. */
  lost(): void;
  log: Logger;
}

/** Resolves when the component works, or another candidate is seen to lead; rejects when it can't start. */
export async function runElected({ client, lease, times, start, lost, log }: ElectedOptions): Promise<Stoppable> {
  const stopping = new AbortController();
  const identity = `${hostname()}_${randomUUID()}`;
  const { promise: settled, resolve, reject } = Promise.withResolvers<void>();
  let running: Promise<Stoppable> | undefined;
  const election = runLeaderElection({
    ...times,
    client,
    namespace: 'kube-system',
    name: lease,
    identity,
    signal: stopping.signal,
    log,
    onStartedLeading() {
      running = start();
      running.then(() => resolve(), reject);
    },
    onNewLeader(leader) {
      if (leader === identity) return;
      log.info({ lease, leader }, 'another server leads');
      resolve();
    },
    onStoppedLeading() {
      if (!stopping.signal.aborted) lost();
    },
  });
  election.catch(reject);
  await settled;
  return {
    async stop() {
      // The lease is kept until the work has ended, so that nobody takes over before.
      await (await running)?.stop();
      stopping.abort();
      await election;
    },
  };
}
