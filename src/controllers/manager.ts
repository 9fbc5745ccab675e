/**
 * Runs controllers: sets each up, starts the shared informers, and works off each one's queue.
 * Each writes with an identity of its own (`system:serviceaccount:kube-system:<name>`), as upstream's do; they read through shared informers.
 */
import type { Logger } from 'pino';
import { isConflict, StatusError } from '../apimachinery/errors.ts';
import { Gauge, metrics } from '../apimachinery/metrics.ts';
import type { Client } from '../client/client.ts';
import { createInformerFactory } from '../client/informers.ts';
import { createEventRecorder } from '../client/recorder.ts';
import { createWorkQueue, runWorkers, type WorkQueue } from '../client/workqueue.ts';
import { NotYet } from './common/errors.ts';
import { createSharing } from './common/sharing.ts';
import { type ControllerContext, type ControllerDefinition, type Enqueue, managerIdentity, type RunningController } from './controller.ts';
import { queueNameOf } from './queuenames.ts';

export interface ManagerOptions {
  definitions: readonly ControllerDefinition[];
  /** The client for shared informers. */
  client: Client;
  /** A client with the identity of one controller: the service account of that name in `kube-system`. */
  clientFor(identity: string): Client;
  settings: Readonly<Record<string, unknown>>;
  log: Logger;
  now?: () => Date;
}

export interface RunningManager {
  /** Every controller's informers have synced. */
  readonly ready: Promise<void>;
  /** Stops taking work, waits for reconciles that are under way, stops informers. */
  stop(): Promise<void>;
}

const defaultConcurrency = 5;

const runningControllers = metrics.add(new Gauge('running_managed_controllers', 'Controllers that run.', ['name', 'manager']));

export function runControllers(options: ManagerOptions): RunningManager {
  const { definitions, client, log, settings, now = () => new Date() } = options;
  const stopping = new AbortController();
  const informers = createInformerFactory(client, { log, transform: createSharing() });
  const queues: WorkQueue[] = [];
  const running: RunningController[] = [];
  const work: Promise<void>[] = [];

  async function start(): Promise<void> {
    const started = await Promise.all(
      definitions.map(async (definition) => {
        const queue = createWorkQueue({ name: queueNameOf(definition.name) });
        queues.push(queue);
        const identity = definition.identity ?? definition.name;
        const own = identity === managerIdentity ? client : options.clientFor(identity);
        const child = log.child({ controller: definition.name });
        const events = createEventRecorder(own, { component: definition.eventSource ?? definition.name, log: child, signal: stopping.signal, now });
        const context: ControllerContext = { client: own, informers, events, log: child, now, signal: stopping.signal, settings };
        const controller = await definition.setup(context, enqueueInto(queue));
        running.push(controller);
        runningControllers.set(1, definition.name, 'kube-controller-manager');
        return { definition, queue, controller, log: child };
      }),
    );
    await informers.start();
    if (stopping.signal.aborted) return;
    for (const one of started) {
      work.push(runWorkers(one.queue, one.definition.concurrency ?? defaultConcurrency, (key) => handle(one.controller, one.queue, key, one.log)));
    }
  }

  const ready = start();
  return {
    ready,
    async stop() {
      stopping.abort();
      // No worker is started any more. Where none is, the informers need not sync, and nobody works the queues off.
      const works = work.length > 0;
      if (!works) await informers.stop();
      await ready.catch(() => {});
      const drained = Promise.all(queues.map((queue) => queue.shutDown()));
      if (works) await drained;
      await Promise.all(work);
      await Promise.all(running.map((controller) => controller.stop?.()));
      await informers.stop();
    },
  };
}

function enqueueInto(queue: WorkQueue): Enqueue {
  const enqueue = (key: string): void => queue.add(key);
  return Object.assign(enqueue, { after: (key: string, milliseconds: number): void => queue.addAfter(key, milliseconds) });
}

async function handle(controller: RunningController, queue: WorkQueue, key: string, log: Logger): Promise<void> {
  try {
    const result = await controller.reconcile(key);
    queue.forget(key);
    if (result) queue.addAfter(key, result.requeueAfterMs);
  } catch (error) {
    // A conflict says only that the cache was behind: the next attempt sees the newer object.
    if (isConflict(error)) log.debug({ key, err: error }, 'reconcile met a conflict');
    else log.warn({ key, ...told(error), failures: queue.requeues(key) + 1 }, 'reconcile failed');
    queue.addRateLimited(key);
  }
}

/** What the API server refuses (a quota, a webhook) is the cluster's state and one line; anything else may be a fault of ours and shows where. */
const told = (error: unknown): object => (error instanceof StatusError || error instanceof NotYet ? { reason: error.message } : { err: error });
