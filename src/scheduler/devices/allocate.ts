/** Chooses devices for claims (KEP-4381, structured parameters). Pure: tries in order and goes back where that leads nowhere. */
import type { NodeSelector } from '../../api/core/v1/types.gen.ts';
import type {
  AllocationResult,
  DeviceAttribute,
  DeviceClass,
  DeviceConstraint,
  DeviceRequestAllocationResult,
  DeviceSelector,
  DeviceTaint,
  DeviceToleration,
  ResourceClaim,
} from '../../api/resource/v1/types.gen.ts';
import type { PoolDevice } from './pools.ts';
import { deviceMatches } from './selectors.ts';

export interface AllocationInput {
  claims: readonly ResourceClaim[];
  devices: readonly PoolDevice[];
  /** Ids of devices that other claims have. */
  taken: ReadonlySet<string>;
  deviceClass(name: string): DeviceClass | undefined;
}

/** One alternative of one request. */
interface Wish {
  claim: ResourceClaim;
  /** `request`, or `request/subrequest`. */
  name: string;
  parent: string;
  className: string;
  selectors: readonly DeviceSelector[] | undefined;
  all: boolean;
  count: number;
  adminAccess: boolean;
  tolerations: readonly DeviceToleration[] | undefined;
}

interface Chosen {
  wish: Wish;
  device: PoolDevice;
}

/** Alternatives of each request of each claim, in order. */
function wishesOf(claim: ResourceClaim): Wish[][] {
  return (claim.spec.devices?.requests ?? []).map(({ name, exactly, firstAvailable }) => {
    const of = (full: string, one: NonNullable<typeof exactly>): Wish => ({
      claim,
      name: full,
      parent: name,
      className: one.deviceClassName,
      selectors: one.selectors,
      all: one.allocationMode === 'All',
      count: one.count ?? 1,
      adminAccess: one.adminAccess ?? false,
      tolerations: one.tolerations,
    });
    return exactly ? [of(name, exactly)] : (firstAvailable ?? []).map((one) => of(`${name}/${one.name}`, one));
  });
}

const tolerated = (taint: DeviceTaint, tolerations: readonly DeviceToleration[] | undefined): boolean =>
  (tolerations ?? []).some(
    ({ key, operator, value, effect }) =>
      (!effect || effect === taint.effect) && (!key || key === taint.key) && (operator === 'Exists' || (value ?? '') === (taint.value ?? '')),
  );

const valueText = (attribute: DeviceAttribute | undefined): string | undefined => (attribute ? JSON.stringify(attribute) : undefined);

function attributeOf({ device, driver }: PoolDevice, name: string): DeviceAttribute | undefined {
  const own = name.startsWith(`${driver}/`) ? name.slice(driver.length + 1) : undefined;
  return device.attributes?.[name] ?? (own === undefined ? undefined : device.attributes?.[own]);
}

/** Whether one more device keeps to the constraints of its claim. */
function keepsTo(constraints: readonly DeviceConstraint[] | undefined, chosen: readonly Chosen[], next: Chosen): boolean {
  return (constraints ?? []).every(({ matchAttribute, requests }) => {
    if (!matchAttribute) return true;
    const concerns = ({ wish }: Chosen): boolean =>
      wish.claim === next.wish.claim && (!requests?.length || requests.includes(wish.name) || requests.includes(wish.parent));
    if (!concerns(next)) return true;
    const value = valueText(attributeOf(next.device, matchAttribute));
    if (value === undefined) return false;
    return chosen.filter(concerns).every(({ device }) => valueText(attributeOf(device, matchAttribute)) === value);
  });
}

/** One result per claim; undefined when the devices don't suffice. Throws when a selector can't be evaluated. */
export function allocate({ claims, devices, taken, deviceClass }: AllocationInput): AllocationResult[] | undefined {
  const requests = claims.flatMap(wishesOf);
  const chosen: Chosen[] = [];
  const used = new Set(taken);

  function candidates(wish: Wish): PoolDevice[] {
    const found = deviceClass(wish.className);
    if (!found) return [];
    return devices.filter(
      ({ device, driver }) =>
        !(device.taints ?? []).some((taint) => taint.effect !== 'None' && !tolerated(taint, wish.tolerations)) &&
        deviceMatches(found.spec.selectors, device, driver) &&
        deviceMatches(wish.selectors, device, driver),
    );
  }

  const isFree = ({ id }: PoolDevice, { adminAccess }: Wish): boolean => adminAccess || !used.has(id);

  function take(wish: Wish, device: PoolDevice): () => void {
    chosen.push({ wish, device });
    if (!wish.adminAccess) used.add(device.id);
    return () => {
      chosen.pop();
      if (!wish.adminAccess) used.delete(device.id);
    };
  }

  /** `from`: of equal devices each set is tried once, not in every order. */
  function pick(wish: Wish, options: readonly PoolDevice[], from: number, left: number, next: () => boolean): boolean {
    if (left === 0) return next();
    for (let i = from; i <= options.length - left; i++) {
      const device = options[i]!;
      if (!isFree(device, wish) || !keepsTo(wish.claim.spec.devices?.constraints, chosen, { wish, device })) continue;
      const undo = take(wish, device);
      if (pick(wish, options, i + 1, left - 1, next)) return true;
      undo();
    }
    return false;
  }

  function solve(index: number): boolean {
    const alternatives = requests[index];
    if (!alternatives) return true;
    return alternatives.some((wish) => {
      const options = candidates(wish);
      // All that match must be free, and there must be one.
      if (wish.all && (options.length === 0 || options.some((device) => !isFree(device, wish)))) return false;
      return pick(wish, options, 0, wish.all ? options.length : wish.count, () => solve(index + 1));
    });
  }

  return solve(0)
    ? claims.map((claim) =>
        resultOf(
          claim,
          chosen.filter(({ wish }) => wish.claim === claim),
          deviceClass,
        ),
      )
    : undefined;
}

function resultOf(claim: ResourceClaim, chosen: readonly Chosen[], deviceClass: AllocationInput['deviceClass']): AllocationResult {
  const results = chosen.map(
    ({ wish, device }): DeviceRequestAllocationResult => ({
      request: wish.name,
      driver: device.driver,
      pool: device.pool,
      device: device.device.name,
      ...(wish.adminAccess ? { adminAccess: true } : {}),
      ...(wish.tolerations?.length ? { tolerations: [...wish.tolerations] } : {}),
    }),
  );
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
