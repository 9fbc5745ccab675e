/** The claims that a pod uses. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { controllerOf } from '../../apimachinery/meta.ts';
import { type Rejection, type Snapshot, unresolvable } from '../framework/plugin.ts';

const plugin = 'DynamicResources';
/** More pods than that can't share a claim. */
const maxConsumers = 256;

/** The names of the claims that the pod uses; undefined while one has not been made. */
export function claimNames({ spec, status }: Pod): (string | undefined)[] {
  return (spec.resourceClaims ?? []).flatMap(({ name, resourceClaimName, resourceClaimTemplateName }) => {
    if (resourceClaimName) return [resourceClaimName];
    if (!resourceClaimTemplateName) return [];
    const made = status?.resourceClaimStatuses?.find((one) => one.name === name);
    // A status without a name says that none is needed.
    return made && !made.resourceClaimName ? [] : [made?.resourceClaimName];
  });
}

export function claimsOf(pod: Pod, { listers }: Snapshot): ResourceClaim[] | Rejection {
  const namespace = pod.metadata.namespace ?? '';
  const claims: ResourceClaim[] = [];
  for (const name of claimNames(pod)) {
    if (name === undefined) return unresolvable(plugin, `pod "${namespace}/${pod.metadata.name}": ResourceClaim not created yet`);
    const claim = listers.resourceClaims.get(namespace, name);
    if (!claim) return unresolvable(plugin, `resourceclaim.resource.k8s.io "${name}" not found`);
    if (claim.metadata.deletionTimestamp) return unresolvable(plugin, `resourceclaim "${name}" is being deleted`);
    const owner = controllerOf(claim);
    if (owner?.kind === 'Pod' && owner.uid !== pod.metadata.uid) {
      return unresolvable(plugin, `ResourceClaim ${namespace}/${name} was not created for Pod ${namespace}/${pod.metadata.name} (Pod is not owner)`);
    }
    const users = claim.status?.reservedFor ?? [];
    if (claim.status?.allocation && users.length >= maxConsumers && !users.some(({ uid }) => uid === pod.metadata.uid)) {
      return unresolvable(plugin, 'resourceclaim in use');
    }
    claims.push(claim);
  }
  return claims;
}
