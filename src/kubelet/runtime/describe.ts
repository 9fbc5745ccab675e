/** What the runtime says of itself at start: waits for it to answer, since it may be starting itself. */
import type { Logger } from 'pino';
import { type KubeletContext, messageOf } from '../context.ts';
import type { CriClient } from '../cri/client.ts';
import { sleep } from './pleg.ts';

export async function describeRuntime(cri: CriClient, signal: AbortSignal, log: Logger): Promise<KubeletContext['runtime']> {
  for (let attempt = 0; ; attempt++) {
    try {
      const [{ runtimeName = 'unknown', runtimeVersion = '' }, status] = await Promise.all([cri.version(), cri.status()]);
      return {
        name: runtimeName,
        version: runtimeVersion.replace(/^v/, '').split('~')[0] ?? '',
        handlers: (status.runtimeHandlers ?? []).map(({ name = '', features }) => ({
          name,
          recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
          userNamespaces: features?.userNamespaces ?? false,
        })),
        supplementalGroupsPolicy: status.features?.supplementalGroupsPolicy ?? false,
      };
    } catch (error) {
      signal.throwIfAborted();
      if (attempt % 50 === 49) log.warn({ err: messageOf(error) }, 'still waiting for the container runtime');
      await sleep(100, signal);
    }
  }
}
