/** What claims ask for, request by request, alternatives in their order. */
import type { CapacityRequirements, DeviceSelector, DeviceToleration, ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import type { Amounts } from './capacity.ts';
import type { PoolDevice } from './pools.ts';

/** One alternative of one request. */
export interface Wish {
  claim: ResourceClaim;
  /** `request`, or `request/subrequest`. */
  name: string;
  /** As messages call it: without its request. */
  ownName: string;
  parent: string;
  className: string;
  selectors: readonly DeviceSelector[] | undefined;
  all: boolean;
  count: number;
  adminAccess: boolean;
  tolerations: readonly DeviceToleration[] | undefined;
  capacity: CapacityRequirements;
}

export interface Chosen {
  wish: Wish;
  device: PoolDevice;
  /** Of a shared device: what is taken of it. */
  amounts?: Amounts;
}

/** Alternatives of each request of the claim. */
export function wishesOf(claim: ResourceClaim): Wish[][] {
  return (claim.spec.devices?.requests ?? []).map(({ name, exactly, firstAvailable }) => {
    const of = (full: string, ownName: string, one: NonNullable<typeof exactly>): Wish => ({
      claim,
      name: full,
      ownName,
      parent: name,
      className: one.deviceClassName,
      selectors: one.selectors,
      all: one.allocationMode === 'All',
      count: one.count ?? 1,
      adminAccess: one.adminAccess ?? false,
      tolerations: one.tolerations,
      capacity: one.capacity ?? {},
    });
    return exactly ? [of(name, name, exactly)] : (firstAvailable ?? []).map((one) => of(`${name}/${one.name}`, one.name, one));
  });
}
