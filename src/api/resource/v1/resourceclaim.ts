import { path } from '../../../apimachinery/fieldpath.ts';
import { validateImmutable } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import { setClaimDefaults } from './defaults.ts';
import { claimSpecValue } from './shown.ts';
import type { ResourceClaim } from './types.gen.ts';
import { validateDeviceClaim } from './validation/claim.ts';
import { allocatedDevices, deviceId, validateClaimStatus } from './validation/status.ts';

/** What drivers said of devices that are no longer the claim's goes with them. */
function dropDeallocated({ status }: ResourceClaim, old: ResourceClaim): void {
  if (!status?.devices) return;
  const still = allocatedDevices(status.allocation);
  const gone = new Set([...allocatedDevices(old.status?.allocation)].filter((id) => !still.has(id)));
  const devices = status.devices.filter((device) => !gone.has(deviceId(device)));
  if (devices.length > 0) status.devices = devices;
  else delete status.devices;
}

function stateOf({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp !== undefined;
  if (!status?.allocation) return deleted ? 'deleted' : 'pending';
  return [...(deleted ? ['deleted'] : []), 'allocated', ...(status.reservedFor?.length ? ['reserved'] : [])].join(',');
}

export const resourceclaims = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  singular: 'resourceclaim',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1.ResourceClaim',
  returnsDeletedObject: true,
  setDefaults: ({ spec }) => setClaimDefaults(spec.devices),
  prepareForCreate(claim) {
    claim.status = {};
  },
  validate: ({ spec }) => validateDeviceClaim(spec.devices, path('spec', 'devices')),
  validateUpdate: ({ spec }, old) => validateImmutable(spec, old.spec, path('spec'), claimSpecValue),
  columns: [nameColumn, textColumn('State', stateOf), ageColumn],
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['metadata', 'spec'],
      prepareForUpdate(claim, old) {
        keepMetadata(claim, old);
        dropDeallocated(claim, old);
      },
      validateUpdate: validateClaimStatus,
    },
  },
});
