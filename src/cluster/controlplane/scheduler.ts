/** The scheduler with what it needs, on one client. */
import type { Logger } from 'pino';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import { createInformerFactory } from '../../client/informers.ts';
import { createEventRecorder } from '../../client/recorder.ts';
import { loadPlugins } from '../../scheduler/profiles.ts';
import { createScheduler } from '../../scheduler/scheduler.ts';
import { type SchedulerFile, schedulerConfiguration } from './schedulerconfig.ts';

export async function startScheduler(client: Client, log: Logger, file?: SchedulerFile): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const informers = createInformerFactory(client, { log });
  const eventsOf = (component: string): EventRecorder => createEventRecorder(client, { component, log, signal, concurrency: 2, maxQueued: 20_000 });
  const configuration = file && schedulerConfiguration(file);
  const plugins = configuration && (await loadPlugins(configuration));
  const scheduler = createScheduler({
    client,
    informers,
    events: eventsOf('default-scheduler'),
    log,
    signal,
    ...(configuration ? { configuration, eventsOf } : {}),
    ...(plugins ? { plugins } : {}),
  });
  await Promise.all([informers.start(), scheduler.start()]);
  return {
    async stop() {
      await scheduler.stop();
      stopping.abort();
      await informers.stop();
    },
  };
}
