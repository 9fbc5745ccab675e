/** What is written into a claim that got devices. */
import { randomUUID } from 'node:crypto';
import type { NodeSelector } from '../../api/core/v1/types.gen.ts';
import type { AllocationResult, DeviceClass, DeviceRequestAllocationResult, ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { formatAmounts } from './capacity.ts';
import type { Chosen } from './wishes.ts';

export type DeviceAllocation = AllocationResult;

export function resultOf(claim: ResourceClaim, chosen: readonly Chosen[], deviceClass: (name: string) => DeviceClass | undefined): DeviceAllocation {
  const results = chosen.map(({ wish, device: { device, driver, pool }, amounts }): DeviceRequestAllocationResult => {
    const { bindingConditions, bindingFailureConditions } = device;
    return {
      request: wish.name,
      driver,
      pool,
      device: device.name,
      ...(wish.adminAccess ? { adminAccess: true } : {}),
      ...(wish.tolerations?.length ? { tolerations: [...wish.tolerations] } : {}),
      ...(bindingConditions?.length ? { bindingConditions: [...bindingConditions] } : {}),
      ...(bindingFailureConditions?.length ? { bindingFailureConditions: [...bindingFailureConditions] } : {}),
      ...(amounts ? { shareID: randomUUID(), consumedCapacity: formatAmounts(amounts) } : {}),
    };
  });
  const wishes = [...new Map(chosen.map(({ wish }) => [wish.name, wish])).values()];
  const fromClass = wishes.flatMap(({ name, className }) =>
    (deviceClass(className)?.spec.config ?? []).map((one) => ({ ...one, source: 'FromClass', requests: [name] })),
  );
  const named = new Set(wishes.flatMap(({ name, parent }) => [name, parent]));
  const fromClaim = (claim.spec.devices?.config ?? [])
    .filter(({ requests }) => !requests?.length || requests.some((one) => named.has(one)))
    .map((one) => ({ ...one, source: 'FromClaim' }));
  const config = [...fromClass, ...fromClaim];
  const nodeSelector = combined(chosen.flatMap(({ device }) => device.nodeSelector ?? []));
  return { devices: { results, ...(config.length > 0 ? { config } : {}) }, ...(nodeSelector ? { nodeSelector } : {}) };
}

/** Where all of them can be used. Slices have one term each, so that the requirements can be put together. */
function combined(selectors: readonly NodeSelector[]): NodeSelector | undefined {
  const unique = [...new Map(selectors.map((one) => [JSON.stringify(one), one])).values()];
  if (unique.length <= 1) return unique[0];
  const terms = unique.map(({ nodeSelectorTerms }) => nodeSelectorTerms[0] ?? {});
  const matchExpressions = terms.flatMap((term) => term.matchExpressions ?? []);
  const matchFields = terms.flatMap((term) => term.matchFields ?? []);
  return { nodeSelectorTerms: [{ ...(matchExpressions.length > 0 ? { matchExpressions } : {}), ...(matchFields.length > 0 ? { matchFields } : {}) }] };
}
