/** What is tried when no node is feasible: the profile's plugins in order, preemption among them. */
import { preemptByExtenders } from '../extenders/ask.ts';
import type { Extender } from '../extenders/extender.ts';
import type { Refusal } from '../framework/plugin.ts';
import type { Profile } from '../framework/profile.ts';
import { findCandidates, type PreemptionInput, preferred } from './preemption.ts';
import type { Victims } from './victims.ts';

export interface Help {
  /** Said in the pod's condition. */
  message: string;
  /** To be made to go; their node is promised to the pod. */
  victims?: Victims;
  /** An earlier nomination stands. */
  keep: boolean;
}

export async function runPostFilters(profile: Profile, input: Omit<PreemptionInput, 'args'>, extenders: readonly Extender[]): Promise<Help> {
  const { pod, snapshot, diagnosis, now } = input;
  const refusal: Refusal = { upfront: diagnosis.upfront, of: (node) => diagnosis.rejections.get(node) ?? diagnosis.everywhereElse };
  const messages: string[] = [];
  let keep = true;
  for (const plugin of profile.postFilters) {
    if (!('preemption' in plugin)) {
      const { reasons, failed } = await plugin.run(pod, snapshot, refusal);
      messages.push(...reasons);
      if (failed) return { message: reasons.join(', '), keep: true };
      continue;
    }
    const found = findCandidates({ ...input, args: plugin.preemption });
    const preemption = found.outcome === 'none' ? found : preferred(await preemptByExtenders(extenders, pod, found.candidates), now);
    if (preemption.outcome === 'victims') return { message: '', victims: preemption.victims, keep: false };
    if (preemption.failed) return { message: preemption.message, keep: true };
    messages.push(preemption.message);
    keep = preemption.keep;
  }
  return { message: messages.join(', '), keep };
}
