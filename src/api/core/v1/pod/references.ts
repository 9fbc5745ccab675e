/** What of the API a pod refers to. */
import type { Container, Pod, Volume } from '../types.gen.ts';

type Environment = Pick<Container, 'env' | 'envFrom'>;

const containersOf = ({ spec }: Pod): Environment[] => [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
const named = (names: readonly (string | undefined)[]): Set<string> => new Set(names.filter((name): name is string => Boolean(name)));

const volumeSecrets = (volume: Volume): (string | undefined)[] => [
  volume.azureFile?.secretName,
  volume.cephfs?.secretRef?.name,
  volume.cinder?.secretRef?.name,
  volume.flexVolume?.secretRef?.name,
  volume.rbd?.secretRef?.name,
  volume.secret?.secretName,
  volume.scaleIO?.secretRef?.name,
  volume.iscsi?.secretRef?.name,
  volume.storageos?.secretRef?.name,
  volume.csi?.nodePublishSecretRef?.name,
  ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
];

const volumeConfigMaps = (volume: Volume): (string | undefined)[] => [
  volume.configMap?.name,
  ...(volume.projected?.sources ?? []).map(({ configMap }) => configMap?.name),
];

/** By name, each once: for images, in the environment of any container, in volumes. */
export function podSecretNames(pod: Pod): Set<string> {
  const environment = ({ env = [], envFrom = [] }: Environment): (string | undefined)[] => [
    ...envFrom.map(({ secretRef }) => secretRef?.name),
    ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
  ];
  const { imagePullSecrets = [], volumes = [] } = pod.spec;
  return named([...imagePullSecrets.map(({ name }) => name), ...containersOf(pod).flatMap(environment), ...volumes.flatMap(volumeSecrets)]);
}

/** By name, each once: in the environment of any container, in volumes. */
export function podConfigMapNames(pod: Pod): Set<string> {
  const environment = ({ env = [], envFrom = [] }: Environment): (string | undefined)[] => [
    ...envFrom.map(({ configMapRef }) => configMapRef?.name),
    ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
  ];
  return named([...containersOf(pod).flatMap(environment), ...(pod.spec.volumes ?? []).flatMap(volumeConfigMaps)]);
}

function volumeReference(volume: Volume): string | undefined {
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

/**
 * What of the API the pod can't do without, as refusals of static pods and of their mirrors name it; undefined when there is none.
 * A static pod must need nothing, since it runs whether or not there is an API.
 */
export function apiReference(pod: Pod): string | undefined {
  const { serviceAccountName, resourceClaims, volumes = [] } = pod.spec;
  if (serviceAccountName) return 'serviceaccounts';
  if (podSecretNames(pod).size > 0) return 'secrets';
  if (podConfigMapNames(pod).size > 0) return 'configmaps';
  if (resourceClaims?.length) return 'resourceclaims';
  return volumes.map(volumeReference).find((found) => found !== undefined);
}
