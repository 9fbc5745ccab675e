/** What a pod or a persistent volume refers to, as far as its node must be able to read it. */
import { podConfigMapNames, podSecretNames } from '../../../api/core/v1/pod/references.ts';
import type { PersistentVolume, Pod } from '../../../api/core/v1/types.gen.ts';

/** Kinds of objects that a node reaches through its pods. */
export type ReferenceType = 'secret' | 'configmap' | 'pvc' | 'resourceclaim' | 'serviceaccount';

/** `type|namespace/name` */
export const referenceKey = (type: string, namespace: string, name: string): string => `${type}|${namespace}/${name}`;

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** Every reference of the pod, each once; a mirror pod's are not counted, since nobody but the node vouches for them. */
export function podReferences(pod: Pod): string[] {
  if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined || !pod.spec) return [];
  const namespace = pod.metadata.namespace ?? '';
  const found = new Set<string>();
  const add = (type: ReferenceType, name: string | undefined): void => {
    if (name) found.add(referenceKey(type, namespace, name));
  };
  const { spec } = pod;
  add('serviceaccount', spec.serviceAccountName);
  for (const name of podSecretNames(pod)) add('secret', name);
  for (const name of podConfigMapNames(pod)) add('configmap', name);
  for (const volume of spec.volumes ?? []) {
    add('pvc', volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral) add('pvc', `${pod.metadata.name}-${volume.name}`);
  }
  for (const claim of spec.resourceClaims ?? []) {
    const status = pod.status?.resourceClaimStatuses?.find(({ name }) => name === claim.name);
    add('resourceclaim', claim.resourceClaimName ?? status?.resourceClaimName);
  }
  add('resourceclaim', pod.status?.extendedResourceClaimStatus?.resourceClaimName);
  return [...found];
}

/** Secrets of a volume that the kubelet (not only a controller) reads. */
export function volumeSecretReferences(volume: PersistentVolume): string[] {
  const source = volume.spec;
  const claimNamespace = source?.claimRef?.namespace ?? '';
  const references: ({ namespace?: string; name?: string } | undefined)[] = [
    source?.azureFile && { namespace: source.azureFile.secretNamespace ?? claimNamespace, name: source.azureFile.secretName },
    source?.cephfs?.secretRef,
    source?.cinder?.secretRef,
    source?.flexVolume?.secretRef,
    source?.rbd?.secretRef,
    source?.scaleIO?.secretRef,
    source?.iscsi?.secretRef,
    source?.storageos?.secretRef,
    source?.csi?.nodePublishSecretRef,
    source?.csi?.nodeStageSecretRef,
    source?.csi?.nodeExpandSecretRef,
  ];
  return references.flatMap((one) => (one?.name ? [referenceKey('secret', one.namespace || claimNamespace, one.name)] : []));
}
