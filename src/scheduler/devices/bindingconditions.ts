/** Devices that must be attached or made ready before a pod is bound say so in the claim's status (KEP-5007). */
import type { ResourceClaim } from '../../api/resource/v1/types.gen.ts';

export type BindingState = 'ready' | 'waiting' | 'failed';

export function bindingState({ status }: ResourceClaim): BindingState {
  let state: BindingState = 'ready';
  for (const { driver, pool, device, shareID, bindingConditions = [], bindingFailureConditions = [] } of status?.allocation?.devices?.results ?? []) {
    if (bindingConditions.length === 0) continue;
    const own = status?.devices?.find((one) => one.driver === driver && one.pool === pool && one.device === device && one.shareID === shareID);
    const holds = (type: string): boolean => own?.conditions?.some((one) => one.type === type && one.status === 'True') ?? false;
    if (bindingFailureConditions.some(holds)) return 'failed';
    if (!bindingConditions.every(holds)) state = 'waiting';
  }
  return state;
}
