/** The scheduler with what it needs, on one client. */
import type { Logger } from 'pino';
import type { Client } from '../../client/client.ts';
import { createInformerFactory } from '../../client/informers.ts';
import { createEventRecorder } from '../../client/recorder.ts';
import { createScheduler } from '../../scheduler/scheduler.ts';

export async function startScheduler(client: Client, log: Logger): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController();
  const informers = createInformerFactory(client, { log });
  const events = createEventRecorder(client, { component: 'default-scheduler', log, signal: stopping.signal, concurrency: 16, maxQueued: 10_000 });
  const scheduler = createScheduler({ client, informers, events, log, signal: stopping.signal });
  await Promise.all([informers.start(), scheduler.start()]);
  return {
    async stop() {
      await scheduler.stop();
      stopping.abort();
      await informers.stop();
    },
  };
}
