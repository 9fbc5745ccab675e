/** Chooses devices for claims (KEP-4381, structured parameters). Pure: tries in order and goes back where that leads nowhere. */
import { tolerates } from '../../api/core/v1/taints.ts';
import type { DeviceClass, ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { value } from '../../apimachinery/quantity.ts';
import { addAmounts, capacityFor } from './capacity.ts';
import { keepsTo } from './constraints.ts';
import type { Pool, PoolDevice } from './pools.ts';
import { type DeviceAllocation, resultOf } from './result.ts';
import { deviceMatches } from './selectors.ts';
import type { TakenDevices } from './taken.ts';
import { type Chosen, type Wish, wishesOf } from './wishes.ts';

export interface AllocationInput {
  claims: readonly ResourceClaim[];
  pools: readonly Pool[];
  /** What other claims have. */
  taken: TakenDevices;
  deviceClass(name: string): DeviceClass | undefined;
  /** Milliseconds after which the search is given up: it may be long. 0: never. */
  timeoutMs?: number;
}

/** The search took too long; that says nothing about the claims. */
export class AllocationTimeout extends Error {}

/** Results of a claim. Source: API reference, `AllocationResult`. */
const mostDevices = 32;
const keepingAway = ['NoSchedule', 'NoExecute'];

const what = ({ claim, ownName }: Wish): string => `claim ${keyOf(claim)}, request ${ownName}`;

/** One result per claim; undefined when the devices don't suffice. Throws when the claims can't be satisfied anywhere. */
export function allocate({ claims, pools, taken, deviceClass, timeoutMs = 0 }: AllocationInput): DeviceAllocation[] | undefined {
  const requests = claims.flatMap(wishesOf);
  const chosen: Chosen[] = [];
  /** Devices that are being given away, and to which claims. */
  const giving = new Map<string, ResourceClaim[]>();
  const parts = new Map<string, Map<string, number>>();
  const consumed = new Map<PoolDevice['counters'], Map<string, number>>();
  const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
  let steps = 0;

  /** Who is in nobody's way: not there, kept away by a taint, of another kind. What is in use is looked at later. */
  function candidates(wish: Wish): PoolDevice[] {
    const found = deviceClass(wish.className);
    if (!found) return [];
    return pools.flatMap(({ id, incomplete, devices }) => {
      if (incomplete && wish.all) throw new Error(`${what(wish)}: asks for all devices, but resource pool ${id} is currently being updated`);
      return devices.filter(({ device, driver }) => deviceMatches(found.spec.selectors, device, driver) && deviceMatches(wish.selectors, device, driver));
    });
  }
  // Before anything is tried: what is said of a request that is wrong must not depend on whether it is reached.
  const options = new Map(requests.flat().map((wish) => [wish, candidates(wish)]));
  for (const [wish, devices] of options) {
    if (wish.all)
      options.set(
        wish,
        devices.filter((one) => capacityFor(one.device, wish.capacity, taken.parts.get(one.id))),
      );
  }

  const isFree = ({ id }: PoolDevice, { adminAccess, claim }: Wish): boolean =>
    adminAccess ? !giving.get(id)?.includes(claim) : !taken.whole.has(id) && !giving.get(id)?.length;

  const usedOf = (id: string): Map<string, number> => {
    const used = new Map(taken.parts.get(id));
    addAmounts(used, parts.get(id) ?? new Map(), 1);
    return used;
  };

  /** Counts what a partition takes; gives back how to undo it, or undefined when there is not as much. */
  function countDown({ device, counters }: PoolDevice): (() => void) | undefined {
    const used = consumed.get(counters) ?? new Map<string, number>();
    const amounts = (device.consumesCounters ?? []).flatMap(({ counterSet, counters: own }) =>
      Object.entries(own).map(([name, one]) => ({ set: counterSet, name, key: `${counterSet}/${name}`, amount: value(one.value) })),
    );
    if (amounts.some(({ set, name, key, amount }) => (used.get(key) ?? 0) + amount > (counters.get(set)?.get(name) ?? 0))) return undefined;
    const add = (sign: 1 | -1): void => addAmounts(used, new Map(amounts.map(({ key, amount }) => [key, amount])), sign);
    add(1);
    consumed.set(counters, used);
    return () => add(-1);
  }

  /** Gives back how to undo it; undefined when the device can't be had. */
  function take(wish: Wish, device: PoolDevice): (() => void) | undefined {
    const { id } = device;
    if (++steps % 1024 === 0 && performance.now() > deadline) throw new AllocationTimeout('timed out trying to allocate devices');
    const shared = device.device.allowMultipleAllocations === true;
    if (!isFree(device, wish)) return undefined;
    if ((device.device.taints ?? []).some((taint) => keepingAway.includes(taint.effect) && !(wish.tolerations ?? []).some((one) => tolerates(one, taint)))) {
      return undefined;
    }
    const amounts = capacityFor(device.device, wish.capacity, usedOf(id));
    if (!amounts) return undefined;
    const next: Chosen = { wish, device, ...(shared ? { amounts } : {}) };
    if (!keepsTo(wish.claim.spec.devices?.constraints, chosen, next)) {
      if (wish.all) throw new Error(`${what(wish)}: cannot add device ${id} because a claim constraint would not be satisfied`);
      return undefined;
    }
    const inUse = shared && (taken.parts.has(id) || (parts.get(id)?.size ?? 0) > 0);
    const undoCounters = device.device.consumesCounters?.length && !inUse ? countDown(device) : () => {};
    if (!undoCounters) return undefined;
    chosen.push(next);
    if (shared) {
      const used = parts.get(id) ?? new Map<string, number>();
      addAmounts(used, amounts, 1);
      parts.set(id, used);
    } else giving.set(id, [...(giving.get(id) ?? []), wish.claim]);
    return () => {
      chosen.pop();
      undoCounters();
      if (shared) addAmounts(parts.get(id)!, amounts, -1);
      else giving.get(id)!.pop();
    };
  }

  /** `from`: of equal devices each set is tried once, not in every order. */
  function pick(wish: Wish, devices: readonly PoolDevice[], from: number, left: number, next: () => boolean): boolean {
    if (left === 0) return next();
    for (let i = from; i <= devices.length - left; i++) {
      const undo = take(wish, devices[i]!);
      if (undo) {
        if (pick(wish, devices, i + 1, left - 1, next)) return true;
        undo();
      }
      // All of them means this one too.
      if (wish.all) return false;
    }
    return false;
  }

  function solve(index: number): boolean {
    const alternatives = requests[index];
    if (!alternatives) return true;
    return alternatives.some((wish) => {
      const devices = options.get(wish)!;
      const count = wish.all ? devices.length : wish.count;
      if (count === 0 || chosen.filter((one) => one.wish.claim === wish.claim).length + count > mostDevices) return false;
      return pick(wish, devices, 0, count, () => solve(index + 1));
    });
  }

  if (!solve(0)) return undefined;
  return claims.map((claim) =>
    resultOf(
      claim,
      chosen.filter(({ wish }) => wish.claim === claim),
      deviceClass,
    ),
  );
}
