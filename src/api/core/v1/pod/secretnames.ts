/** Which Secrets a pod refers to. */
import type { Container, Pod, Volume } from '../types.gen.ts';

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
  ...(volume.projected?.sources ?? []).map((source) => source.secret?.name),
];

const containerSecrets = ({ env = [], envFrom = [] }: Pick<Container, 'env' | 'envFrom'>): (string | undefined)[] => [
  ...envFrom.map(({ secretRef }) => secretRef?.name),
  ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
];

/** By name, each once: for images, in the environment of any container, in volumes. */
export function podSecretNames({ spec }: Pod): Set<string> {
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  const names = [
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...containers.flatMap((container) => containerSecrets(container)),
    ...(spec.volumes ?? []).flatMap(volumeSecrets),
  ];
  return new Set(names.filter((name): name is string => Boolean(name)));
}
