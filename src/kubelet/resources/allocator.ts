/**
 * Gives pods what they are to have for themselves of this node — CPUs, memory, devices — near each other as the policy of
 * the configuration wants it. Pods are served one after the other. Source of the rule: KEP-693.
 */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { messageOf } from '../context.ts';
import type { NumaNode } from './machine.ts';
import { AdmissionError, containersOf, type HintProvider } from './provider.ts';
import { type Hint, mergeHints, type TopologyPolicy } from './topology.ts';

export interface Refusal {
  reason: string;
  message: string;
}

export interface Allocator {
  /** Undefined when the pod has all that it is to have. What it had before it keeps. */
  allocate(pod: Pod): Promise<Refusal | undefined>;
  release(uid: string): void;
  /** Takes back what pods have that are no more. */
  retain(known: ReadonlySet<string>): void;
}

export interface AllocatorInput {
  providers: readonly HintProvider[];
  policy: TopologyPolicy;
  scope: 'container' | 'pod';
  nodes: readonly NumaNode[];
  preferClosest?: boolean;
  /** A pod is being judged, and was refused. */
  observe?(event: 'request' | 'error'): void;
}

const anywhere: Hint = { preferred: true };

export function createAllocator({ providers, policy, scope, nodes, preferClosest = false, observe = () => {} }: AllocatorInput): Allocator {
  let last: Promise<unknown> = Promise.resolve();
  const noRoom = (): never => {
    throw new AdmissionError('TopologyAffinityError', 'Resources cannot be allocated with Topology locality');
  };

  function hintFor(hints: (provider: HintProvider) => ReturnType<HintProvider['podHints']>): Hint {
    if (policy === 'none') return anywhere;
    const { hint, admit } = mergeHints(providers.map(hints), { policy, nodes, preferClosest });
    return admit ? hint : noRoom();
  }

  async function give(pod: Pod): Promise<void> {
    const wholePod = scope === 'pod' ? hintFor((provider) => provider.podHints(pod)) : undefined;
    for (const container of containersOf(pod)) {
      const hint = wholePod ?? hintFor((provider) => provider.containerHints(pod, container));
      for (const provider of providers) await provider.allocate(pod, container, hint);
    }
  }

  const release = (uid: string): void => {
    for (const provider of providers) provider.release(uid);
  };

  async function allocate(pod: Pod): Promise<Refusal | undefined> {
    if (policy !== 'none') observe('request');
    try {
      await give(pod);
      return undefined;
    } catch (error) {
      if (policy !== 'none') observe('error');
      if (error instanceof AdmissionError) return { reason: error.reason, message: error.message };
      return { reason: 'UnexpectedAdmissionError', message: `Allocate failed due to ${messageOf(error)}, which is unexpected` };
    }
  }

  return {
    allocate: (pod) => {
      const done = last.then(() => allocate(pod));
      last = done;
      return done;
    },
    release,
    retain: (known) => {
      for (const uid of new Set(providers.flatMap((provider) => provider.pods()))) if (!known.has(uid)) release(uid);
    },
  };
}
