/** Validation of what a pod's status says about claims and devices. */

import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required, tooLong } from '../../../../apimachinery/fieldpath.ts';
import { subdomainName } from '../../../../apimachinery/names.ts';
import { canonicalQuantity, quantitySign } from '../../../../apimachinery/quantity.ts';
import { checked, validateDnsLabelField } from '../../../../apimachinery/validation/common.ts';
import { isNativeResource } from '../resourcenames.ts';
import type { Container, ContainerStatus, PodSpec, PodStatus, ResourceStatus } from '../types.gen.ts';

export function validateClaimStatuses({ resourceClaimStatuses = [] }: PodStatus, { resourceClaims = [] }: PodSpec, path: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return resourceClaimStatuses.flatMap(({ name, resourceClaimName: claim }, index) => {
    const at = path.index(index);
    const errors: FieldError[] = [];
    if (!resourceClaims.some((one) => one.name === name)) {
      errors.push(invalidValue(at.child('name'), name, 'must match the name of an entry in `spec.resourceClaims`'));
    }
    if (seen.has(name)) errors.push(duplicate(at.child('name'), name));
    seen.add(name);
    return claim === undefined ? errors : [...errors, ...checked(claim, at.child('resourceClaimName'), subdomainName(claim, false))];
  });
}

export function validateExtendedClaimStatus({ extendedResourceClaimStatus: status }: PodStatus, spec: PodSpec, path: FieldPath): FieldError[] {
  if (!status) return [];
  const containers = new Map([...(spec.initContainers ?? []), ...spec.containers].map((container) => [container.name, container]));
  const { requestMappings: mappings = [], resourceClaimName: claim = '' } = status;
  const mappingsPath = path.child('requestMappings');
  const errors = mappings.length === 0 ? [required(mappingsPath, 'at least one request mapping is required')] : [];
  const seen = new Set<string>();
  const entries = (field: string): string => `spec.initContainers.${field} or spec.containers.${field}`;
  for (const [index, { containerName, resourceName, requestName }] of mappings.entries()) {
    const at = mappingsPath.index(index);
    const container = containers.get(containerName);
    if (!container) errors.push(invalidValue(at.child('containerName'), containerName, `must match the name of an entry in ${entries('name')}`));
    else if (container.resources?.requests?.[resourceName] === undefined) {
      const why = `must match the extended resource name of an entry in ${entries('resources.requests')}`;
      errors.push(invalidValue(at.child('resourceName'), resourceName, why));
    }
    errors.push(...validateDnsLabelField(requestName, path.child('requestName')));
    const key = `${containerName}/${resourceName}/${requestName}`;
    if (seen.has(key)) {
      for (const [field, value] of Object.entries({ containerName, resourceName, requestName })) errors.push(duplicate(at.child(field), value));
    }
    seen.add(key);
  }
  const named = path.child('resourceClaimName');
  return [...errors, ...(claim === '' ? [required(named)] : checked(claim, named, subdomainName(claim, false)))];
}

export function validateNodeAllocatable(status: PodStatus, spec: PodSpec, path: FieldPath): FieldError[] {
  const claims = new Set([...(spec.resourceClaims ?? []), ...(status.resourceClaimStatuses ?? [])].map((claim) => claim.resourceClaimName));
  return (status.nodeAllocatableResourceClaimStatuses ?? []).flatMap(({ resourceClaimName: claim = '', containers = [], resources = {} }, index) => {
    const at = path.index(index);
    const named = at.child('resourceClaimName');
    const errors = claim === '' ? [required(named, 'must not be empty')] : [];
    if (!claims.has(claim)) errors.push(invalidValue(named, claim, 'no mapping found in pod reference'));
    if (containers.length === 0) errors.push(required(at.child('containers'), 'must not be empty'));
    if (Object.keys(resources).length === 0) errors.push(required(at.child('resources'), 'must not be empty'));
    for (const [name, amount] of Object.entries(resources)) {
      const one = at.child('resources').key(name);
      if (!isNativeResource(name)) errors.push(invalidValue(one, name, 'must be a node allocatable resource name'));
      if (quantitySign(amount) < 0) errors.push(invalidValue(one, canonicalQuantity(amount), 'must be non-negative'));
    }
    return errors;
  });
}

const health = ['Healthy', 'Unhealthy', 'Unknown'];
const longestMessage = 1024;

function validateHealth({ resources = [] }: ResourceStatus, path: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return resources.flatMap(({ health: state = '', message, resourceID }, index) => {
    const at = path.child('resources').index(index);
    const errors = health.includes(state) ? [] : [notSupported(at.child('health'), state, health)];
    if (message === '') errors.push(required(at.child('message'), 'must be non-empty if specified'));
    else if (Buffer.byteLength(message ?? '') > longestMessage) errors.push(tooLong(at.child('message'), longestMessage));
    if (seen.has(resourceID)) errors.push(duplicate(at.child('resourceID'), resourceID));
    seen.add(resourceID);
    return errors;
  });
}

function nameError(name: string, container: Container | undefined): string | undefined {
  if (!container) return undefined;
  if (!name.startsWith('claim:')) {
    return container.resources?.requests?.[name] === undefined ? "must match one of the container's resource requests" : undefined;
  }
  const claims = (container.resources?.claims ?? []).map((claim) => `claim:${claim.name}${claim.request ? `/${claim.request}` : ''}`);
  if (claims.includes(name)) return undefined;
  return "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
}

function validateAllocated(statuses: readonly ContainerStatus[] = [], containers: readonly Container[] = [], path: FieldPath): FieldError[] {
  return statuses.flatMap(({ name, allocatedResourcesStatus = [] }, index) =>
    allocatedResourcesStatus.flatMap((resource, position) => {
      const at = path.index(index).child('allocatedResourcesStatus').index(position);
      // A container that is not in the spec is let pass.
      const wrong = nameError(
        resource.name,
        containers.find((container) => container.name === name),
      );
      return [...(wrong ? [invalidValue(at.child('name'), resource.name, wrong)] : []), ...validateHealth(resource, at)];
    }),
  );
}

/** The health of devices that containers were given. */
export function validateAllocatedHealth(status: PodStatus, spec: PodSpec, path: FieldPath): FieldError[] {
  const ephemeral = (status.ephemeralContainerStatuses ?? []).flatMap(({ allocatedResourcesStatus = [] }, index) => {
    const at = path.child('ephemeralContainerStatuses').index(index).child('allocatedResourcesStatus');
    return allocatedResourcesStatus.length > 0 ? [forbiddenField(at, 'must not be specified in container status')] : [];
  });
  return [
    ...validateAllocated(status.containerStatuses, spec.containers, path.child('containerStatuses')),
    ...validateAllocated(status.initContainerStatuses, spec.initContainers, path.child('initContainerStatuses')),
    ...ephemeral,
  ];
}
