/** The body of a worker thread: runs the controllers or the scheduler on message ports to the API server. */
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { pino } from 'pino';
import { metrics } from '../../apimachinery/metrics.ts';
import type { Client } from '../../client/client.ts';
import type { ElectionTimes } from '../../client/leaderelection.ts';
import { createMessagePortTransport } from '../../client/messageport.ts';
import { createClient } from '../../client/rest.ts';
import { importDirectly } from '../imports.ts';
import { runElected, type Stoppable } from './elected.ts';
import { collectWhenQuiet } from './quiet.ts';
import type { FromWorker, ToWorker, WorkerInput } from './workers.ts';

importDirectly();
collectWhenQuiet();
const input = workerData as WorkerInput;
const port = parentPort;
if (!port) throw new Error('this file runs as a worker thread');
const say = (message: FromWorker, transfer: MessageChannel['port1'][] = []): void => port.postMessage(message, transfer);
// Written to the descriptor by this thread itself: a worker's own stdout goes round through the main thread.
const log = pino({ level: input.logLevel, name: input.component }, pino.destination({ fd: 1, sync: true }));

const clients: Client[] = [];
/** A client that the API server knows under this identity; the server is asked to serve the other end of its channel. */
function connect(identity: string): Client {
  const { port1, port2 } = new MessageChannel();
  say({ connect: identity, port: port2 }, [port2]);
  const client = createClient(createMessagePortTransport(port1), { userAgent: `knarr/${identity}` });
  clients.push(client);
  return client;
}

const component = input.component === 'scheduler' ? 'kube-scheduler' : 'kube-controller-manager';
const start = (): Promise<Stoppable> => (input.component === 'scheduler' ? runScheduler(input) : runControllers(input));
const running = await (input.election ? campaign(input.election) : start());
say({ ready: true });
port.on('message', (message: ToWorker) => {
  if ('metrics' in message) say({ metrics: message.metrics, text: metrics.text() });
  else void stop();
});

async function stop(): Promise<void> {
  await running.stop();
  await Promise.all(clients.map((client) => client.close()));
  say({ stopped: true });
  port?.close();
}

/** The lease is the component's own, so that upstream's binaries compete for it too. */
function campaign(times: ElectionTimes): Promise<Stoppable> {
  const lost = (): never => {
    // Whatever is under way must end at once: another server's may work already. The thread is started again and stands by.
    log.error('leader election lost');
    process.exit(1);
  };
  return runElected({ client: connect(`system:${component}`), lease: component, times, start, lost, log });
}

async function runScheduler({ schedulerFile }: WorkerInput): Promise<Stoppable> {
  const { startScheduler } = await import('./scheduler.ts');
  return startScheduler(connect(`system:${component}`), log, schedulerFile);
}

async function runControllers({ settings, controllers }: WorkerInput): Promise<Stoppable> {
  const [{ runControllers: run }, { controllers: all }, { selectControllers }] = await Promise.all([
    import('../../controllers/manager.ts'),
    import('../../controllers/index.ts'),
    import('../../controllers/selection.ts'),
  ]);
  const definitions = selectControllers(controllers, all);
  const manager = run({
    definitions,
    client: connect(`system:${component}`),
    clientFor: (controller) => connect(`system:serviceaccount:kube-system:${controller}`),
    settings,
    log,
  });
  manager.ready.catch((error: unknown) => {
    // A controller that can't be set up is a fault of the program: end loudly, be started again.
    log.fatal({ err: error }, 'controllers could not start');
    process.exit(1);
  });
  return manager;
}
