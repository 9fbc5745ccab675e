/** Graceful node shutdown: when the machine is about to go down, pods are ended in order while logind waits. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import type { Eviction } from '../podworker/report.ts';
import { sleep } from '../runtime/pleg.ts';
import { graceIn, shutdownGroups, shutdownPeriods } from './groups.ts';
import { createLogind, type Logind } from './logind.ts';

const message = 'Pod was terminated in response to imminent node shutdown.';
const retryMs = 1_000;
const delayAttempts = 5;
const delayPauseMs = 100;

export interface ShutdownInput {
  context: Pick<KubeletContext, 'config' | 'events' | 'log' | 'options' | 'signal'>;
  active(): Pod[];
  /** Resolves when everything of the pod has been stopped and unmounted. */
  end(pod: Pod, eviction: Eviction): Promise<void>;
  /** The node's status has to be told now. */
  changed(): void;
  logind?: Logind;
}

export interface ShutdownManager {
  /** Runs until the kubelet stops. */
  run(): Promise<void>;
  /** Why the node is not ready; undefined while nobody shuts it down. */
  problem(): string | undefined;
  refusal(): { reason: string; message: string } | undefined;
}

export function createShutdownManager({ context, active, end, changed, logind = createLogind() }: ShutdownInput): ShutdownManager {
  const { config, events, log, options, signal } = context;
  const periods = shutdownPeriods(config);
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: options.nodeName, uid: options.nodeName } };
  let shuttingDown = false;

  async function endPods(): Promise<void> {
    for (const group of shutdownGroups(periods, active())) {
      const over = new AbortController();
      const all = group.pods.map(async (pod) => {
        await end(pod, { reason: 'Terminated', message, grace: graceIn(group, pod), disruption: true }).catch((error: unknown) =>
          log.warn({ pod: pod.metadata.name, err: messageOf(error) }, 'a pod could not be ended before the shutdown'),
        );
      });
      await Promise.race([Promise.all(all), sleep(group.grace * 1000, AbortSignal.any([signal, over.signal]))]);
      over.abort();
    }
  }

  /** Has logind wait as long as pods may take. Gives what takes that back. */
  async function ensureDelay(wanted: number): Promise<() => Promise<void>> {
    if ((await logind.maxDelay()) >= wanted) return async () => {};
    const forget = await logind.setMaxDelay(`knarr-${options.nodeName}`, wanted);
    // It reads its configuration in its own time.
    for (let attempt = 0; attempt < delayAttempts; attempt++) {
      if ((await logind.maxDelay()) >= wanted) return forget;
      await sleep(delayPauseMs * 2 ** attempt, signal);
    }
    log.warn({ seconds: wanted / 1000 }, 'logind holds up a shutdown for less time than pods have, and does not let itself be told: set InhibitDelayMaxSec');
    return forget;
  }

  async function watch(): Promise<void> {
    const wanted = periods.reduce((sum, { shutdownGracePeriodSeconds }) => sum + shutdownGracePeriodSeconds, 0);
    const forget = await ensureDelay(wanted * 1000);
    let release = await logind.inhibit().catch(async (error: unknown) => {
      await forget();
      throw error;
    });
    try {
      for await (const down of logind.shutdowns(signal)) {
        log.info({ down }, 'logind tells of a shutdown');
        events.event(node, 'Normal', 'Shutdown', `Shutdown manager detected shutdown ${down ? 'event' : 'cancellation'}`);
        shuttingDown = down;
        changed();
        if (down) await endPods();
        release();
        if (!down) release = await logind.inhibit();
      }
    } finally {
      release();
      await forget();
    }
  }

  return {
    run: async () => {
      if (periods.length === 0) return;
      if (!logind.available()) {
        log.warn('pods are not waited for when the machine shuts down: there is no D-Bus here that would tell');
        return;
      }
      while (!signal.aborted) {
        await watch().catch((error: unknown) => {
          if (!signal.aborted) log.warn({ err: messageOf(error) }, 'unable to watch the node for shutdown events');
        });
        await sleep(retryMs, signal);
      }
    },
    problem: () => (shuttingDown ? 'node is shutting down' : undefined),
    refusal: () => (shuttingDown ? { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' } : undefined),
  };
}
