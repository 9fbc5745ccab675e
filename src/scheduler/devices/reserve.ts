/** Writes what was allocated into claims, and notes the pod as their user. */
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { resourceclaims } from '../../api/resource/v1/resourceclaim.ts';
import type { AllocationResult, ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { isConflict } from '../../apimachinery/errors.ts';
import { keyOf, timeOf } from '../../apimachinery/meta.ts';
import type { Client } from '../../client/client.ts';
import type { Reservation } from '../framework/plugin.ts';
import type { AssumedReader } from '../volumes/assumed.ts';
import { bindingState } from './bindingconditions.ts';
import { isInMemory, type RequestMapping } from './extended.ts';

/** Keeps a claim that has devices from vanishing with them. */
const finalizer = 'resource.kubernetes.io/delete-protection';
const attempts = 5;

export interface ClaimBooking {
  claim: ResourceClaim;
  /** Absent: it has its devices already. */
  allocation?: AllocationResult;
  /** The claim stands for extended resources, of which these containers get these devices; it may have to be made yet. */
  mappings?: readonly RequestMapping[];
}

export interface DeviceBinder {
  reserve(pod: Pod, bookings: readonly ClaimBooking[]): Reservation | undefined;
  /** Takes its devices back. */
  deallocate(claim: ResourceClaim): Promise<void>;
  /** For one that the scheduler made itself. */
  remove(claim: ResourceClaim): Promise<void>;
}

export interface DeviceBinderOptions {
  client: Client;
  claims: AssumedReader<ResourceClaim>;
  /** Resolves when a claim changed, or the signal aborted. */
  changed(signal: AbortSignal): Promise<void>;
  /** How long devices may take to become ready for binding, in milliseconds. */
  timeoutMs?: number;
}

const isReservedFor = (claim: ResourceClaim, pod: Pod): boolean => (claim.status?.reservedFor ?? []).some(({ uid }) => uid === pod.metadata.uid);

function booked(claim: ResourceClaim, pod: Pod, given: AllocationResult | undefined): ResourceClaim {
  const waits = given?.devices?.results?.some(({ bindingConditions }) => bindingConditions?.length);
  const allocation = given && waits ? { ...given, allocationTimestamp: timeOf(new Date()) } : given;
  const { name, uid = '' } = pod.metadata;
  const reservedFor = isReservedFor(claim, pod) ? claim.status?.reservedFor : [...(claim.status?.reservedFor ?? []), { resource: 'pods', name, uid }];
  return { ...claim, status: { ...claim.status, ...(allocation && !claim.status?.allocation ? { allocation } : {}), reservedFor } };
}

export function createDeviceBinder({ client, claims, changed, timeoutMs = 600_000 }: DeviceBinderOptions): DeviceBinder {
  const resource = client.resource(resourceclaims);
  const pods = client.resource(podKind);

  /** Makes the claim for extended resources, and tells the kubelet which container gets what. */
  async function make(pod: Pod, booking: ClaimBooking): Promise<void> {
    if (!booking.mappings || !isInMemory(booking.claim)) return;
    const { name: _name, uid: _uid, ...metadata } = booking.claim.metadata;
    booking.claim = await resource.create({ metadata: { ...metadata, name: '' }, spec: booking.claim.spec });
    const extendedResourceClaimStatus = { resourceClaimName: booking.claim.metadata.name, requestMappings: booking.mappings };
    const { namespace = '', name, uid } = pod.metadata;
    await pods.patch(namespace, name, 'strategic', { metadata: { uid }, status: { extendedResourceClaimStatus } }, { subresource: 'status' });
  }

  async function untilReady(claim: ResourceClaim, signal: AbortSignal): Promise<void> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    for (;;) {
      const state = bindingState(claims.get(claim.metadata.namespace ?? '', claim.metadata.name) ?? claim);
      if (state === 'ready') return;
      if (state === 'failed') throw new Error(`device binding failed: claim=${claim.metadata.name}`);
      if (until.aborted) throw new Error('device binding timeout');
      await changed(until);
    }
  }

  async function write(pod: Pod, { claim, allocation }: ClaimBooking): Promise<void> {
    let current = claim;
    for (let attempt = 1; ; attempt++) {
      try {
        const finalizers = current.metadata.finalizers ?? [];
        if (!finalizers.includes(finalizer)) {
          current = await resource.update({ ...current, metadata: { ...current.metadata, finalizers: [...finalizers, finalizer] } });
        }
        claims.assume(await resource.updateStatus(booked(current, pod, allocation)));
        return;
      } catch (error) {
        if (!isConflict(error) || attempt >= attempts) throw error;
      }
      current = await resource.get(claim.metadata.namespace ?? '', claim.metadata.name);
      // Somebody else gave it devices meanwhile: they may be on another node.
      if (current.metadata.uid !== claim.metadata.uid || (allocation && current.status?.allocation))
        throw new Error(`claim ${keyOf(claim)} got allocated elsewhere in the meantime`);
      if (isReservedFor(current, pod)) return;
    }
  }

  /** Best effort: what stays behind is taken back when the pod is gone. */
  async function giveBack(pod: Pod, { claim, allocation }: ClaimBooking): Promise<void> {
    const current = await resource.get(claim.metadata.namespace ?? '', claim.metadata.name);
    if (!isReservedFor(current, pod)) return;
    const reservedFor = (current.status?.reservedFor ?? []).filter(({ uid }) => uid !== pod.metadata.uid);
    const { allocation: given, ...rest } = current.status ?? {};
    await resource.updateStatus({ ...current, status: { ...rest, ...(allocation && reservedFor.length === 0 ? {} : { allocation: given }), reservedFor } });
  }

  async function remove({ metadata: { namespace = '', name } }: ResourceClaim): Promise<void> {
    await resource.patch(namespace, name, 'merge', { metadata: { finalizers: null } });
    await resource.delete(namespace, name);
  }

  return {
    remove,
    async deallocate(claim) {
      const { allocation: _allocation, reservedFor: _users, devices: _devices, ...status } = claim.status ?? {};
      await resource.updateStatus({ ...claim, status });
    },
    reserve(pod, bookings) {
      const open = bookings.filter(({ claim, allocation }) => allocation || !isReservedFor(claim, pod));
      if (open.length === 0) return undefined;
      // What one that is yet to be made will have is nobody else's from now on.
      const assumed = open.map(({ claim }) => keyOf(claim));
      for (const { claim, allocation } of open) claims.assume(booked(claim, pod, allocation));
      const written = new Set<ClaimBooking>();
      return {
        plugin: 'DynamicResources',
        async prepare(signal) {
          for (const [index, booking] of open.entries()) {
            await make(pod, booking);
            await write(pod, booking);
            written.add(booking);
            if (keyOf(booking.claim) !== assumed[index]) claims.restore(assumed[index]!);
          }
          for (const { claim } of open) await untilReady(claim, signal);
        },
        release() {
          for (const [index, booking] of open.entries()) {
            for (const key of [assumed[index]!, keyOf(booking.claim)]) claims.restore(key);
            if (written.has(booking)) giveBack(pod, booking).catch(() => {});
            else if (booking.mappings && !isInMemory(booking.claim)) remove(booking.claim).catch(() => {});
          }
        },
      };
    },
  };
}
