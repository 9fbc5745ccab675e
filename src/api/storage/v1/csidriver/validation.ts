/** Validation of a CSI driver. Source of the rule: upstream's `storage/validation`. */

import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, notSupported, notSupportedInOrder, path, required } from '../../../../apimachinery/fieldpath.ts';
import { validateImmutable } from '../../../../apimachinery/validation/common.ts';
import type { CSIDriver, TokenRequest } from '../types.gen.ts';

const specPath = path('spec');
const fsGroupPolicies = ['ReadWriteOnceWithFSType', 'File', 'None'];
const lifecycleModes = ['Persistent', 'Ephemeral'];

function validateTokenRequests(requests: readonly TokenRequest[]): FieldError[] {
  const audiences = new Set<string>();
  return requests.flatMap(({ audience = '', expirationSeconds: seconds }, index) => {
    const at = specPath.child('tokenRequests').index(index);
    if (audiences.has(audience)) return [duplicate(at.child('audience'), audience)];
    audiences.add(audience);
    if (seconds === undefined) return [];
    const expiration = at.child('expirationSeconds');
    if (seconds < 600) return [invalidValue(expiration, seconds, 'may not specify a duration less than 10 minutes')];
    return seconds > 2 ** 32 ? [invalidValue(expiration, seconds, 'may not specify a duration larger than 2^32 seconds')] : [];
  });
}

export function validateCsiDriver({ spec = {} }: CSIDriver): FieldError[] {
  const { fsGroupPolicy: policy, tokenRequests = [], volumeLifecycleModes: modes = [], nodeAllocatableUpdatePeriodSeconds: period } = spec;
  const given = (value: unknown, field: string): FieldError[] => (value === undefined ? [required(specPath.child(field))] : []);
  const errors = [
    ...given(spec.attachRequired, 'attachedRequired'),
    ...given(spec.podInfoOnMount, 'podInfoOnMount'),
    ...given(spec.storageCapacity, 'storageCapacity'),
  ];
  if (policy !== undefined && !fsGroupPolicies.includes(policy)) errors.push(notSupported(specPath.child('fsGroupPolicy'), policy, fsGroupPolicies));
  errors.push(...validateTokenRequests(tokenRequests));
  for (const mode of modes) {
    if (!lifecycleModes.includes(mode)) errors.push(notSupportedInOrder(specPath.child('volumeLifecycleModes'), mode, lifecycleModes));
  }
  errors.push(...given(spec.seLinuxMount, 'seLinuxMount'));
  if (period !== undefined && period < 10) {
    errors.push(invalidValue(specPath.child('nodeAllocatableUpdatePeriodSeconds'), period, 'must be greater than or equal to 10 seconds'));
  }
  if (spec.serviceAccountTokenInSecrets !== undefined && tokenRequests.length === 0) {
    const why = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
    errors.push(invalidValue(specPath.child('serviceAccountTokenInSecrets'), spec.serviceAccountTokenInSecrets, why));
  }
  return errors;
}

export const validateCsiDriverUpdate = (driver: CSIDriver, old: CSIDriver): FieldError[] => [
  ...validateCsiDriver(driver),
  ...validateImmutable(driver.spec?.attachRequired, old.spec?.attachRequired, specPath.child('attachedRequired')),
  ...validateImmutable(driver.spec?.volumeLifecycleModes, old.spec?.volumeLifecycleModes, specPath.child('volumeLifecycleModes')),
];
