/** DynamicResources: the claims of the pod have devices that its node can use, or can get them. */
import { type NodeTest, nodeSelectorTest } from '../../api/core/v1/nodeselector.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { AllocationTimeout, allocate } from '../devices/allocate.ts';
import { bindingState } from '../devices/bindingconditions.ts';
import { claimNames, claimsOf } from '../devices/claims.ts';
import { classOfResource, extendedClaimOf, isDelegated, isInMemory, type RequestMapping, requestsFor } from '../devices/extended.ts';
import { createPoolFinder } from '../devices/pools.ts';
import type { ClaimBooking, DeviceBinder } from '../devices/reserve.ts';
import type { DeviceAllocation } from '../devices/result.ts';
import { takenDevices } from '../devices/taken.ts';
import {
  type NodeCheck,
  type PostFilterResult,
  type Refusal,
  type Rejection,
  type SchedulerPlugin,
  type Snapshot,
  unresolvable,
  type WakeEvent,
} from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { PodInfo } from '../state/podinfo.ts';

const name = 'DynamicResources';
const notHere = unresolvable(name, 'resourceclaim not available on the node');
/** Alternatives of a request; the first counts most. */
const mostAlternatives = 8;

/** What was found out about the claims of a pod. */
interface State {
  claims: readonly ResourceClaim[];
  extended: ResourceClaim | undefined;
  /** Allocated ones that some node can't use. */
  unavailable: Set<ResourceClaim>;
  found: Map<string, { bookings: ClaimBooking[]; results: readonly DeviceAllocation[] }>;
}

const failed = (message: string): Rejection => ({ plugin: name, code: 'error', reasons: [message] });

/** A class that is missing; nothing can be allocated before it is there. */
function missingClass(claim: ResourceClaim, { listers }: Snapshot): Rejection | undefined {
  for (const { name: request, exactly, firstAvailable = [] } of claim.spec.devices?.requests ?? []) {
    const wishes = exactly ? [[request, exactly] as const] : firstAvailable.map((one) => [`${request}/${one.name}`, one] as const);
    for (const [full, { deviceClassName }] of wishes) {
      if (!listers.deviceClasses.get('', deviceClassName)) return unresolvable(name, `request ${full}: device class ${deviceClassName} does not exist`);
    }
  }
  return undefined;
}

/** Milliseconds. */
interface Timeouts {
  filter: number;
  binding: number;
}

function createCheck(info: PodInfo, snapshot: Snapshot, state: State, binder: DeviceBinder, timeouts: Timeouts): NodeCheck {
  const { pod, requests } = info;
  const { listers } = snapshot;
  const { claims, extended, unavailable, found } = state;
  const tests = new Map<ResourceClaim, NodeTest>(
    claims.flatMap((claim) => (claim.status?.allocation?.nodeSelector ? [[claim, nodeSelectorTest(claim.status.allocation.nodeSelector)] as const] : [])),
  );
  const open = claims.filter(({ status }) => !status?.allocation);
  const stuck = claims.filter((claim) => {
    const ready = bindingState(claim);
    return ready === 'failed' || (ready === 'waiting' && Date.parse(claim.status?.allocation?.allocationTimestamp ?? '') + timeouts.binding < Date.now());
  });
  const taken = open.length > 0 ? takenDevices(listers.resourceClaims.list()) : undefined;
  const poolsFor = taken && createPoolFinder(listers.resourceSlices.list(), (id) => taken.whole.has(id) || taken.parts.has(id));

  /** The claim for extended resources, as this node needs it. */
  function extendedFor(node: NodeInfo): { claim?: ResourceClaim; mappings: RequestMapping[] } | Rejection {
    if (!extended) return { mappings: [] };
    if (extended.spec.devices?.requests) return unresolvable(name, 'cannot schedule extended resource claim');
    const resources: string[] = [];
    for (const [resource, amount] of requests.scalars) {
      if (amount === 0 || !resource.includes('/')) continue;
      if (isDelegated(listers.deviceClasses, resource, node)) resources.push(resource);
      else if (!node.allocatable.scalars.has(resource)) return unresolvable(name, 'cannot fit resource');
    }
    if (resources.length === 0) return { mappings: [] };
    const made = requestsFor(pod, resources, listers.deviceClasses);
    return { claim: { ...extended, spec: { devices: { requests: made.requests } } }, mappings: made.mappings };
  }

  return {
    filter(node) {
      const own = extendedFor(node);
      if ('reasons' in own) return own;
      const gone = claims.filter((claim) => tests.get(claim)?.(node) === false || stuck.includes(claim));
      for (const claim of gone) unavailable.add(claim);
      const wanted = open.flatMap((claim) => (claim !== extended ? [claim] : own.claim ? [own.claim] : []));
      let results: readonly DeviceAllocation[] = [];
      if (wanted.length > 0) {
        try {
          const allocated = allocate({
            claims: wanted,
            pools: poolsFor!(node),
            taken: taken!,
            deviceClass: (one) => listers.deviceClasses.get('', one),
            timeoutMs: timeouts.filter,
          });
          if (!allocated) return unresolvable(name, 'cannot allocate all claims');
          results = allocated;
        } catch (error) {
          const { message } = error as Error;
          return failed(error instanceof AllocationTimeout ? `node ${node.name}: ${message}` : message);
        }
      }
      if (gone.length > 0) return notHere;
      const bookings = claims.flatMap((claim): ClaimBooking[] => {
        const current = claim === extended ? own.claim : claim;
        if (!current) return [];
        const allocation = results[wanted.indexOf(current)];
        return [{ claim: current, ...(allocation ? { allocation } : {}), ...(claim === extended ? { mappings: own.mappings } : {}) }];
      });
      found.set(node.name, { bookings, results });
      return undefined;
    },
    reserve: (node) => binder.reserve(pod, found.get(node.name)?.bookings ?? []),
  };
}

/** The earlier an alternative stands in its list, the more a node that has it counts. */
function scoreOf({ bookings }: { bookings: readonly ClaimBooking[] }): number {
  let score = 0;
  for (const { claim, allocation = claim.status?.allocation } of bookings) {
    const given = new Set((allocation?.devices?.results ?? []).map(({ request }) => request));
    for (const { name: request, firstAvailable = [] } of claim.spec.devices?.requests ?? []) {
      for (const [index, one] of firstAvailable.entries()) if (given.has(`${request}/${one.name}`)) score += mostAlternatives - index;
    }
  }
  return score;
}

export function createDynamicResources(binder: DeviceBinder, timeouts: Timeouts): SchedulerPlugin {
  const states = new WeakMap<PodInfo, State>();

  /** Claims that keep the pod from every node are taken back, so that the next attempt can choose again. */
  async function postFilter(info: PodInfo, _snapshot: Snapshot, { upfront }: Refusal): Promise<PostFilterResult> {
    // Another plugin's objection came first: this one was never asked.
    if (upfront && upfront.plugin !== name) return { reasons: ['not found'], failed: true };
    const state = states.get(info);
    if (!state || state.claims.length === 0) return { reasons: ['no new claims to deallocate'] };
    const { extended, unavailable } = state;
    const uid = info.uid;
    for (const claim of unavailable) {
      if (claim === extended) continue;
      const users = claim.status?.reservedFor ?? [];
      if (users.length > 1 || (users.length === 1 && users[0]!.uid !== uid)) continue;
      await binder.deallocate(claim);
      return { reasons: ['deallocation of ResourceClaim completed'] };
    }
    if (extended && !isInMemory(extended)) {
      await binder.remove(extended);
      return { reasons: ['deletion of ResourceClaim completed'] };
    }
    return { reasons: ['still not schedulable'] };
  }

  return {
    filter(info, snapshot) {
      const { pod, requests } = info;
      const { listers } = snapshot;
      states.delete(info);
      const own = pod.spec.resourceClaims?.length ? claimsOf(pod, snapshot) : [];
      if ('reasons' in own) return own;
      const delegated = [...requests.scalars].some(
        ([resource, amount]) => amount > 0 && resource.includes('/') && classOfResource(listers.deviceClasses, resource),
      );
      const extended = delegated ? extendedClaimOf(pod, listers.resourceClaims) : undefined;
      const claims = extended ? [...own, extended] : own;
      if (claims.length === 0) return undefined;
      for (const claim of own) {
        const missing = claim.status?.allocation ? undefined : missingClass(claim, snapshot);
        if (missing) return missing;
      }
      const state: State = { claims, extended, unavailable: new Set(), found: new Map() };
      states.set(info, state);
      return createCheck(info, snapshot, state, binder, timeouts);
    },
    score(info) {
      const found = states.get(info)?.found;
      if (!found || found.size === 0) return undefined;
      return {
        score(node) {
          const one = found.get(node.name);
          return one ? scoreOf(one) : 0;
        },
        normalize(scores) {
          const highest = Math.max(...scores, 0);
          if (highest > 0) for (let i = 0; i < scores.length; i++) scores[i] = Math.floor((scores[i]! * 100) / highest);
        },
      };
    },
    postFilter,
    wakes: [
      { on: 'resourceclaim/add', helps: concerns },
      { on: 'resourceclaim/update', helps: concerns },
      { on: 'resourceclaim/delete' },
      { on: 'resourceslice/add' },
      { on: 'resourceslice/update' },
      { on: 'deviceclass/add' },
      { on: 'deviceclass/update' },
      { on: 'node/add' },
      { on: 'node/labels' },
      { on: 'node/allocatable' },
      { on: 'self/claims' },
    ],
  };
}

/** A claim of its own changed, or another one gave devices back. */
function concerns(pod: Pod, event: WakeEvent): boolean {
  if (event.resource !== 'resourceclaim') return true;
  const { object, old } = event as { object?: ResourceClaim; old?: ResourceClaim };
  if (old?.status?.allocation && !object?.status?.allocation) return true;
  if (!object || object.metadata.namespace !== pod.metadata.namespace) return false;
  return claimNames(pod).includes(object.metadata.name) || (object.metadata.ownerReferences ?? []).some(({ uid }) => uid === pod.metadata.uid);
}
