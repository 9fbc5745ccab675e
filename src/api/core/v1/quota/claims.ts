/** What persistent volume claims use of a quota. */

import { semanticEqual } from '../../../../apimachinery/equality.ts';
import { compareQuantities, parseQuantity, type Quantity, quantityOf, value } from '../../../../apimachinery/quantity.ts';
import { persistentvolumeclaims } from '../persistentvolumeclaim.ts';
import type { PersistentVolumeClaim } from '../types.gen.ts';
import { one, type Quantities } from './amounts.ts';
import { countName, type QuotaEvaluator, selectsValue } from './evaluator.ts';

const amounts = ['persistentvolumeclaims', 'requests.storage'] as const;
const classSuffix = '.storageclass.storage.k8s.io/';

const classOf = ({ metadata, spec }: PersistentVolumeClaim): string =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '';

/** In whole bytes; while a volume grows, what it was given if that is more. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const requested = spec.resources?.requests?.['storage'];
  if (requested === undefined) return undefined;
  const allocated = status?.allocatedResources?.['storage'];
  const amount = parseQuantity(allocated !== undefined && compareQuantities(allocated, requested) > 0 ? allocated : requested);
  return amount.exponent < 0 ? quantityOf(value(amount), amount.format) : amount;
}

const attributeClasses = ({ spec, status }: PersistentVolumeClaim): string[] => [
  ...new Set(
    [spec.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName].filter(
      (name) => !!name,
    ) as string[],
  ),
];

export const claimQuota: QuotaEvaluator<PersistentVolumeClaim> = {
  definition: persistentvolumeclaims,
  handles({ operation, subresource, object, oldObject }) {
    if (subresource === '') return operation === 'CREATE' || operation === 'UPDATE';
    if (subresource !== 'status') return false;
    const [claim, old] = [object as PersistentVolumeClaim, oldObject as PersistentVolumeClaim];
    return (
      !semanticEqual(claim.status?.allocatedResources?.['storage'], old.status?.allocatedResources?.['storage']) ||
      attributeClasses(claim).sort().join() !== attributeClasses(old).sort().join()
    );
  },
  matching: (names) =>
    names.filter((name) => name === countName(persistentvolumeclaims) || amounts.some((amount) => name === amount || name.endsWith(classSuffix + amount))),
  usage(claim) {
    const storage = storageOf(claim);
    const own: Quantities = { persistentvolumeclaims: one, ...(storage ? { 'requests.storage': storage } : {}) };
    const storageClass = classOf(claim);
    const ofClass = storageClass === '' ? {} : Object.fromEntries(Object.entries(own).map(([name, amount]) => [storageClass + classSuffix + name, amount]));
    return { [countName(persistentvolumeclaims)]: one, ...own, ...ofClass };
  },
  inScope: (claim, scope) => scope.scopeName === 'VolumeAttributesClass' && selectsValue(scope, attributeClasses(claim)),
};
