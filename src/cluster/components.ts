/** Controllers and scheduler as processes of their own, against any API server: knarr's, or upstream's. */
import { pino } from 'pino';
import type { Client } from '../client/client.ts';
import type { ElectionTimes } from '../client/leaderelection.ts';
import { createClient } from '../client/rest.ts';
import type { Transport } from '../client/transport.ts';
import type { ControllerSettings } from '../controllers/common/settings.ts';
import { controllers as all } from '../controllers/index.ts';
import { runControllers } from '../controllers/manager.ts';
import { selectControllers } from '../controllers/selection.ts';
import { accountToken } from './accounttokens.ts';
import { runElected, type Stoppable } from './controlplane/elected.ts';
import { startScheduler } from './controlplane/scheduler.ts';
import type { SchedulerFile } from './controlplane/schedulerconfig.ts';

export interface ComponentPlace {
  /** As the component itself. */
  transport: Transport;
  /** A connection of its own, as the bearer of a token. */
  connect(token: () => Promise<string>): Promise<Transport>;
  /** Absent: works at once, and for itself alone. */
  election?: ElectionTimes;
}

const logOf = (name: string): pino.Logger => pino({ level: process.env['KNARR_LOG_LEVEL'] ?? 'info', name });

/** Works while it leads. A lost lease ends the process: whoever started it starts it again. */
async function whileLeading(name: string, client: Client, election: ElectionTimes | undefined, log: pino.Logger, start: () => Promise<Stoppable>) {
  if (!election) return start();
  const lost = (): never => {
    log.error('leader election lost');
    process.exit(1);
  };
  return runElected({ client, lease: name, times: election, start, lost, log });
}

export interface ControllerManagerPlace extends ComponentPlace {
  /** As upstream's `--controllers`. */
  controllers: readonly string[];
  settings: ControllerSettings;
}

/** Each controller writes with the rights of its service account in `kube-system`. Resolves when it works, or stands by. */
export async function runControllerManager({ transport, connect, election, controllers, settings }: ControllerManagerPlace): Promise<Stoppable> {
  const name = 'kube-controller-manager';
  const log = logOf(name);
  const client = createClient(transport, { userAgent: name });
  const definitions = selectControllers(controllers, all);
  const own = new Map<string, Client>();
  const clientFor = async (identity: string): Promise<Client> => {
    const token = accountToken(client, identity);
    return createClient(await connect(token), { userAgent: `${name}/${identity}` });
  };
  const start = async (): Promise<Stoppable> => {
    const identities = [...new Set(definitions.map((definition) => definition.identity ?? definition.name))];
    await Promise.all(identities.map(async (identity) => own.set(identity, await clientFor(identity))));
    const manager = runControllers({ definitions, client, clientFor: (identity) => own.get(identity) ?? client, settings: { ...settings }, log });
    await manager.ready;
    log.info({ controllers: definitions.length }, 'controllers run');
    return manager;
  };
  const running = await whileLeading(name, client, election, log, start);
  return {
    async stop() {
      await running.stop();
      await Promise.all([client, ...own.values()].map((one) => one.close()));
    },
  };
}

export async function runScheduler({ transport, election, file }: ComponentPlace & { file?: SchedulerFile }): Promise<Stoppable> {
  const name = 'kube-scheduler';
  const log = logOf(name);
  const client = createClient(transport, { userAgent: name });
  const start = async (): Promise<Stoppable> => {
    const scheduler = await startScheduler(client, log, file);
    log.info('the scheduler runs');
    return scheduler;
  };
  const running = await whileLeading(name, client, election, log, start);
  return {
    async stop() {
      await running.stop();
      await client.close();
    },
  };
}
