/** The ResourceClaims of a pod: those it names, and those that are made for it from templates (KEP-4381). Pure. */
import type { Pod, PodResourceClaim } from '../../api/core/v1/types.gen.ts';
import type { ResourceClaim, ResourceClaimTemplate } from '../../api/resource/v1/types.gen.ts';
import { controllerOf } from '../../apimachinery/meta.ts';

export const podClaimAnnotation = 'resource.kubernetes.io/pod-claim-name';

/** The name of the claim; undefined while it has not been made, `null` when none is needed. */
export function claimNameFor(pod: Pod, { name, resourceClaimName, resourceClaimTemplateName }: PodResourceClaim): string | null | undefined {
  if (resourceClaimName) return resourceClaimName;
  if (!resourceClaimTemplateName) return undefined;
  const status = pod.status?.resourceClaimStatuses?.find((one) => one.name === name);
  return status ? (status.resourceClaimName ?? null) : undefined;
}

export const isOwnedBy = (claim: ResourceClaim, pod: Pod): boolean => {
  const owner = controllerOf(claim);
  return owner?.apiVersion === 'v1' && owner.kind === 'Pod' && owner.uid === pod.metadata.uid;
};

/** Both parts are cut in proportion, so that the end of a long name tells something too. */
const longest = 57;

export function generateNameFor(pod: string, claim: string): string {
  const full = `${pod}-${claim}-`;
  if (full.length <= longest) return full;
  const cut = (text: string): string => text.slice(0, Math.floor((text.length * longest) / full.length));
  return `${cut(pod)}-${cut(claim)}`;
}

export const claimFromTemplate = (pod: Pod, podClaim: string, { spec }: ResourceClaimTemplate): ResourceClaim => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: {
    name: '',
    generateName: generateNameFor(pod.metadata.name, podClaim),
    namespace: pod.metadata.namespace,
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid ?? '', controller: true }],
    annotations: { ...spec.metadata?.annotations, [podClaimAnnotation]: podClaim },
    ...(spec.metadata?.labels ? { labels: spec.metadata.labels } : {}),
  },
  spec: spec.spec,
});
