/** Writes what was allocated into claims, and notes the pod as their user. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { resourceclaims } from '../../api/resource/v1/resourceclaim.ts';
import type { AllocationResult, ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { isConflict } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import type { Client } from '../../client/client.ts';
import type { Reservation } from '../framework/plugin.ts';
import type { AssumedReader } from '../volumes/assumed.ts';

/** Keeps a claim that has devices from vanishing with them. */
const finalizer = 'resource.kubernetes.io/delete-protection';
const attempts = 5;

export interface ClaimBooking {
  claim: ResourceClaim;
  /** Absent: it has its devices already. */
  allocation?: AllocationResult;
}

export interface DeviceBinder {
  reserve(pod: Pod, bookings: readonly ClaimBooking[]): Reservation | undefined;
}

const isReservedFor = (claim: ResourceClaim, pod: Pod): boolean => (claim.status?.reservedFor ?? []).some(({ uid }) => uid === pod.metadata.uid);

function booked(claim: ResourceClaim, pod: Pod, allocation: AllocationResult | undefined): ResourceClaim {
  const { name, uid = '' } = pod.metadata;
  const reservedFor = isReservedFor(claim, pod) ? claim.status?.reservedFor : [...(claim.status?.reservedFor ?? []), { resource: 'pods', name, uid }];
  return { ...claim, status: { ...claim.status, ...(allocation && !claim.status?.allocation ? { allocation } : {}), reservedFor } };
}

export function createDeviceBinder(client: Client, claims: AssumedReader<ResourceClaim>): DeviceBinder {
  const resource = client.resource(resourceclaims);

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

  return {
    reserve(pod, bookings) {
      const open = bookings.filter(({ claim, allocation }) => allocation || !isReservedFor(claim, pod));
      if (open.length === 0) return undefined;
      for (const { claim, allocation } of open) claims.assume(booked(claim, pod, allocation));
      const written = new Set<ClaimBooking>();
      return {
        plugin: 'DynamicResources',
        async prepare() {
          for (const booking of open) {
            await write(pod, booking);
            written.add(booking);
          }
        },
        release() {
          for (const booking of open) {
            claims.restore(keyOf(booking.claim));
            if (written.has(booking)) giveBack(pod, booking).catch(() => {});
          }
        },
      };
    },
  };
}
