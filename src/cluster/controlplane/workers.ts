/** Starts the worker threads of a control plane and serves their requests, each under the identity that it names. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { ElectionTimes } from '../../client/leaderelection.ts';
import { serveMessagePort } from '../../client/messageport.ts';
import type { RequestHandler } from '../../client/transport.ts';
import type { SchedulerFile } from './schedulerconfig.ts';

export interface WorkerInput {
  component: 'controllers' | 'scheduler';
  /** What controllers are told of the cluster; plain data. */
  settings: Readonly<Record<string, unknown>>;
  /** As upstream's `--controllers`. */
  controllers: readonly string[];
  /** Absent: the scheduler has its default configuration. */
  schedulerFile?: SchedulerFile;
  /** Present when other servers run the same component: only the leader's works. */
  election?: ElectionTimes;
  logLevel: string;
}

export type FromWorker = { connect: string; port: MessagePort } | { ready: true } | { stopped: true } | { metrics: number; text: string };
/** `metrics`: a number that the answer bears too. */
export type ToWorker = { stop: true } | { metrics: number };

export interface RunningWorker {
  /** It works, or stands by for another server's. */
  readonly ready: Promise<void>;
  /** What it counts, in the Prometheus text format; empty while it is not there. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

/** A worker that does not end by itself within this many milliseconds is ended. */
const patienceMs = 5_000;
const restartMs = 1_000;
/** A thread that is starting, or busy, does not keep whoever asks for its metrics longer than this. */
const metricsMs = 5_000;

const groupsOf = (username: string): string[] =>
  username.startsWith('system:serviceaccount:')
    ? ['system:serviceaccounts', `system:serviceaccounts:${username.split(':')[2]}`, 'system:authenticated']
    : ['system:authenticated'];

/** A worker that dies is started again; its work is level-triggered, so nothing is lost. */
export function startWorker(input: WorkerInput, handle: RequestHandler, log: Logger): RunningWorker {
  const { promise: ready, resolve: setReady } = Promise.withResolvers<void>();
  let stopping = false;
  let questions = 0;
  const asked = new Map<number, (text: string) => void>();
  let current = launch();
  let again: NodeJS.Timeout | undefined;

  function launch(): { worker: Worker; exited: Promise<void> } {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: input,
      // A small nursery (three times 4 MB instead of 16): loading the program would fill a large one, and it is not given back.
      resourceLimits: { maxYoungGenerationSizeMb: 12 },
    });
    const connections: (() => void)[] = [];
    worker.on('message', (message: FromWorker) => {
      if ('connect' in message) {
        connections.push(serveMessagePort(message.port, handle, { username: message.connect, groups: groupsOf(message.connect) }));
      } else if ('metrics' in message) {
        asked.get(message.metrics)?.(message.text);
        asked.delete(message.metrics);
      } else if ('ready' in message) setReady();
    });
    worker.on('error', (error) => log.error({ err: error, component: input.component }, 'a worker thread failed'));
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        for (const close of connections) close();
        for (const answer of asked.values()) answer('');
        asked.clear();
        resolve();
        if (stopping) return;
        log.error({ component: input.component }, 'a worker thread ended; starting it again');
        again = setTimeout(() => {
          current = launch();
        }, restartMs);
      });
    });
    return { worker, exited };
  }

  return {
    ready,
    metrics() {
      const { promise, resolve } = Promise.withResolvers<string>();
      const question = questions++;
      asked.set(question, resolve);
      current.worker.postMessage({ metrics: question } satisfies ToWorker);
      return Promise.race([promise, sleep(metricsMs, '', { ref: false })]).finally(() => asked.delete(question));
    },
    async stop() {
      stopping = true;
      clearTimeout(again);
      const { worker, exited } = current;
      worker.postMessage({ stop: true } satisfies ToWorker);
      const hard = setTimeout(() => void worker.terminate(), patienceMs);
      await exited;
      clearTimeout(hard);
    },
  };
}
