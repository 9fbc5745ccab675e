/** SchedulingGates: a pod is not tried as long as somebody holds a gate. */
import type { SchedulerPlugin } from '../framework/plugin.ts';

export const schedulingGates: SchedulerPlugin = {
  preEnqueue({ spec }) {
    const gates = (spec.schedulingGates ?? []).map(({ name }) => name);
    return gates.length > 0 ? `waiting for scheduling gates: [${gates.join(' ')}]` : undefined;
  },
};
