/** Carries out a decision: reserves, waits for permission, prepares, binds. */
import type { pods as podKind } from '../api/core/v1/pod.ts';
import type { Binding, Pod } from '../api/core/v1/types.gen.ts';
import type { ResourceClient } from '../client/client.ts';
import type { Extender } from './extenders/extender.ts';
import type { Reservation } from './framework/plugin.ts';
import type { Profile } from './framework/profile.ts';
import { patchPodStatus } from './status.ts';

export interface BindOptions {
  pods: ResourceClient<NonNullable<(typeof podKind)['$type']>>;
  extenders: readonly Extender[];
  now(): Date;
  signal: AbortSignal;
}

/** Rejects with upstream's message when the pod can't have the node after all; nothing of what was reserved is given back here. */
export async function bindPod(
  { pods, extenders, now, signal }: BindOptions,
  profile: Profile,
  pod: Pod,
  node: string,
  reservations: readonly Reservation[],
): Promise<void> {
  const { namespace = '', name, uid } = pod.metadata;
  for (const { name: plugin, run } of profile.permits) {
    await run(pod, node, signal).catch((error: unknown) => fail(`running Permit plugin "${plugin}"`, error));
  }
  if (reservations.length > 0) {
    await patchPodStatus(pods, pod, { nominatedNodeName: node }, now());
    for (const { plugin, prepare } of reservations) await prepare(signal).catch((error: unknown) => fail(`running PreBind plugin "${plugin}"`, error));
  }
  const extender = extenders.find((one) => one.bind && one.isInterested(pod));
  if (extender) {
    await extender.bind!(pod, node);
  } else {
    for (const { name: plugin, run } of profile.binders) {
      const bound = async (): Promise<boolean> => {
        if (run) return run(pod, node);
        const binding: Binding = {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { namespace, name, ...(uid ? { uid } : {}) },
          target: { kind: 'Node', name: node },
        };
        await pods.subresource('POST', namespace, name, 'binding', binding);
        return true;
      };
      if (await bound().catch((error: unknown) => fail(`binding rejected: running Bind plugin "${plugin}"`, error))) break;
    }
  }
  for (const { run } of profile.postBinders) run(pod, node);
}

function fail(doing: string, error: unknown): never {
  throw new Error(`${doing}: ${(error as Error).message}`, { cause: error });
}
