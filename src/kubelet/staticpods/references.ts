/** What of the API a pod needs: a static pod must need nothing, since it runs whether or not there is an API. */
import type { Container, EphemeralContainer, Pod, Volume } from '../../api/core/v1/types.gen.ts';

function ofContainer({ env = [], envFrom = [] }: Container | EphemeralContainer, want: 'secrets' | 'configmaps'): boolean {
  const from = want === 'secrets' ? 'secretRef' : 'configMapRef';
  const key = want === 'secrets' ? 'secretKeyRef' : 'configMapKeyRef';
  return envFrom.some((source) => source[from]) || env.some(({ valueFrom }) => valueFrom?.[key]);
}

function ofVolume(volume: Volume): string | undefined {
  if (volume.configMap) return 'configmaps (via configmap volumes)';
  if (volume.secret) return 'secrets (via secret volumes)';
  if (volume.csi) return 'csidrivers (via CSI volumes)';
  if (volume.glusterfs) return 'endpoints (via glusterFS volumes)';
  if (volume.persistentVolumeClaim) return 'persistentvolumeclaims';
  if (volume.ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)';
  if (volume.azureFile) return 'secrets (via azureFile volumes)';
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap) return 'configmaps (via projected volumes)';
    if (source.secret) return 'secrets (via projected volumes)';
    if (source.serviceAccountToken) return 'serviceaccounts (via projected volumes)';
    if (source.clusterTrustBundle) return 'clustertrustbundles';
    if (source.podCertificate) return 'podcertificates';
  }
  return undefined;
}

/** As upstream's refusal names it; undefined when there is none. */
export function apiReference({ spec }: Pod): string | undefined {
  if (spec.serviceAccountName) return 'serviceaccounts';
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  if (spec.imagePullSecrets?.length || containers.some((one) => ofContainer(one, 'secrets'))) return 'secrets';
  if (containers.some((one) => ofContainer(one, 'configmaps'))) return 'configmaps';
  if (spec.resourceClaims?.length) return 'resourceclaims';
  return (spec.volumes ?? []).map(ofVolume).find((found) => found !== undefined);
}
