/** What resource claims use of a quota: devices by class, at most as many as may be allocated. */
import { addQuantities, quantityOf } from '../../../../apimachinery/quantity.ts';
import { resourceclaims } from '../../../resource/v1/resourceclaim.ts';
import type { DeviceRequest, ResourceClaim } from '../../../resource/v1/types.gen.ts';
import { none, one, type Quantities } from './amounts.ts';
import { countName, type QuotaEvaluator } from './evaluator.ts';

const classSuffix = '.deviceclass.resource.k8s.io/devices';
/** As many devices as one claim can be given. */
const maxDevices = 32;

const devices = ({ allocationMode, count }: { allocationMode?: string; count?: number }): number =>
  allocationMode === 'All' ? maxDevices : allocationMode === 'ExactCount' || allocationMode === undefined ? (count ?? 1) : 0;

/** Of alternatives, each class counts with the largest. */
function devicesByClass({ exactly, firstAvailable }: DeviceRequest): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const alternative of firstAvailable?.length ? firstAvailable : exactly ? [exactly] : []) {
    const { deviceClassName } = alternative;
    numbers.set(deviceClassName, Math.max(numbers.get(deviceClassName) ?? 0, devices(alternative)));
  }
  return numbers;
}

export const resourceClaimQuota: QuotaEvaluator<ResourceClaim> = {
  definition: resourceclaims,
  handles: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  matching: (names) => names.filter((name) => name === countName(resourceclaims) || name.endsWith(classSuffix)),
  usage({ spec }) {
    const usage: Quantities = { [countName(resourceclaims)]: one };
    for (const request of spec.devices?.requests ?? [])
      for (const [deviceClass, number] of devicesByClass(request))
        usage[deviceClass + classSuffix] = addQuantities(usage[deviceClass + classSuffix] ?? none, quantityOf(number));
    return usage;
  },
};
