/** Devices, and parts of devices, that claims have. */
import type { ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { value } from '../../apimachinery/quantity.ts';
import { type Amounts, addAmounts } from './capacity.ts';
import { deviceId } from './pools.ts';

export interface TakenDevices {
  /** Ids of devices that somebody has for himself. */
  whole: ReadonlySet<string>;
  /** Of devices that are shared: how much is used. */
  parts: ReadonlyMap<string, Amounts>;
}

/** An administrator's access takes nothing from anybody. */
export function takenDevices(claims: readonly ResourceClaim[]): TakenDevices {
  const whole = new Set<string>();
  const parts = new Map<string, Map<string, number>>();
  for (const { status } of claims) {
    for (const { driver, pool, device, adminAccess, shareID, consumedCapacity = {} } of status?.allocation?.devices?.results ?? []) {
      if (adminAccess) continue;
      const id = deviceId(driver, pool, device);
      if (shareID === undefined) {
        whole.add(id);
        continue;
      }
      const used = parts.get(id) ?? new Map<string, number>();
      addAmounts(used, new Map(Object.entries(consumedCapacity).map(([name, amount]) => [name, value(amount)])), 1);
      parts.set(id, used);
    }
  }
  return { whole, parts };
}
