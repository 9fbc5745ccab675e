/** DynamicResources: the claims of the pod have devices that its node can use, or can get them. */
import { nodeSelectorTest } from '../../api/core/v1/nodeselector.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { AllocationResult, ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { controllerOf } from '../../apimachinery/meta.ts';
import { allocate } from '../devices/allocate.ts';
import { deviceId, devicesFor } from '../devices/pools.ts';
import type { DeviceBinder } from '../devices/reserve.ts';
import { type Rejection, type SchedulerPlugin, type Snapshot, unresolvable, type WakeEvent } from '../framework/plugin.ts';

const name = 'DynamicResources';
/** More pods than that can't share a claim. */
const maxConsumers = 256;

/** The names of the claims that the pod uses; undefined while one has not been made. */
function claimNames({ spec, status }: Pod): (string | undefined)[] {
  return (spec.resourceClaims ?? []).flatMap(({ name: own, resourceClaimName, resourceClaimTemplateName }) => {
    if (resourceClaimName) return [resourceClaimName];
    if (!resourceClaimTemplateName) return [];
    const made = status?.resourceClaimStatuses?.find((one) => one.name === own);
    // A status without a name says that none is needed.
    return made && !made.resourceClaimName ? [] : [made?.resourceClaimName];
  });
}

function claimsOf(pod: Pod, { listers }: Snapshot): ResourceClaim[] | Rejection {
  const namespace = pod.metadata.namespace ?? '';
  const claims: ResourceClaim[] = [];
  for (const claimName of claimNames(pod)) {
    if (claimName === undefined) return unresolvable(name, `pod "${namespace}/${pod.metadata.name}": ResourceClaim not created yet`);
    const claim = listers.resourceClaims.get(namespace, claimName);
    if (!claim) return unresolvable(name, `resourceclaim.resource.k8s.io "${claimName}" not found`);
    if (claim.metadata.deletionTimestamp) return unresolvable(name, `resourceclaim "${claimName}" is being deleted`);
    const owner = controllerOf(claim);
    if (owner?.kind === 'Pod' && owner.uid !== pod.metadata.uid) {
      return unresolvable(name, `ResourceClaim ${namespace}/${claimName} was not created for Pod ${namespace}/${pod.metadata.name} (Pod is not owner)`);
    }
    const users = claim.status?.reservedFor ?? [];
    if (claim.status?.allocation && users.length >= maxConsumers && !users.some(({ uid }) => uid === pod.metadata.uid)) {
      return unresolvable(name, 'resourceclaim in use');
    }
    claims.push(claim);
  }
  return claims;
}

/** Devices that claims have, those of the scheduler's own recent decisions included. */
function takenDevices({ listers }: Snapshot): Set<string> {
  const results = listers.resourceClaims.list().flatMap(({ status }) => status?.allocation?.devices?.results ?? []);
  return new Set(results.filter(({ adminAccess }) => !adminAccess).map(({ driver, pool, device }) => deviceId(driver, pool, device)));
}

export const createDynamicResources = (binder: DeviceBinder): SchedulerPlugin => ({
  filter({ pod }, snapshot) {
    if (!pod.spec.resourceClaims?.length) return undefined;
    const claims = claimsOf(pod, snapshot);
    if ('reasons' in claims) return claims;
    if (claims.length === 0) return undefined;
    const { listers } = snapshot;
    const open = claims.filter(({ status }) => !status?.allocation);
    for (const { spec } of open) {
      for (const request of spec.devices?.requests ?? []) {
        const missing = [request.exactly, ...(request.firstAvailable ?? [])].find((one) => one && !listers.deviceClasses.get('', one.deviceClassName));
        if (missing) return unresolvable(name, `request ${request.name}: device class ${missing.deviceClassName} does not exist`);
      }
    }
    const tests = claims.flatMap(({ status }) => (status?.allocation?.nodeSelector ? [nodeSelectorTest(status.allocation.nodeSelector)] : []));
    const slices = open.length > 0 ? listers.resourceSlices.list() : [];
    const taken = open.length > 0 ? takenDevices(snapshot) : new Set<string>();
    const found = new Map<string, AllocationResult[]>();
    return {
      filter(node) {
        if (!tests.every((test) => test(node))) return unresolvable(name, 'resourceclaim not available on the node');
        if (open.length === 0) return undefined;
        try {
          const allocations = allocate({ claims: open, devices: devicesFor(node, slices), taken, deviceClass: (one) => listers.deviceClasses.get('', one) });
          if (!allocations) return unresolvable(name, 'cannot allocate all claims');
          found.set(node.name, allocations);
          return undefined;
        } catch (error) {
          return unresolvable(name, (error as Error).message);
        }
      },
      reserve(node) {
        const allocations = found.get(node.name) ?? [];
        return binder.reserve(
          pod,
          claims.map((claim) => {
            const index = open.indexOf(claim);
            return index < 0 ? { claim } : { claim, allocation: allocations[index]! };
          }),
        );
      },
    };
  },
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
    { on: 'self/claims' },
  ],
});

/** A claim of its own changed, or another one gave devices back. */
function concerns(pod: Pod, event: WakeEvent): boolean {
  if (event.resource !== 'resourceclaim') return true;
  const { object, old } = event as { object?: ResourceClaim; old?: ResourceClaim };
  if (old?.status?.allocation && !object?.status?.allocation) return true;
  return object?.metadata.namespace === pod.metadata.namespace && claimNames(pod).includes(object?.metadata.name);
}
