/** Specs as upstream's errors print them. */
import { internalValue, versionedValue } from '../../internalvalue.ts';
import type { ResourceClaimSpec, ResourceClaimTemplateSpec } from './types.gen.ts';

export const claimSpecValue = (spec: ResourceClaimSpec | undefined): unknown => internalValue('io.k8s.api.resource.v1.ResourceClaimSpec', spec);

/** The metadata of the claim stands beside its spec. */
export const templateValue = ({ metadata, spec }: ResourceClaimTemplateSpec): unknown => ({
  ...(versionedValue('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', metadata) as object | null),
  Spec: claimSpecValue(spec),
});
