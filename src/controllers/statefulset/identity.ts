/** Names, ordinals and storage of a StatefulSet's pods: what stays when a pod is replaced. */
import { statefulsets } from '../../api/apps/v1/statefulset.ts';
import type { StatefulSet } from '../../api/apps/v1/types.gen.ts';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from '../../api/core/v1/types.gen.ts';
import { controllerReference } from '../common/ownership.ts';
import { podFromTemplate } from '../common/podcontrol.ts';

export const revisionLabel = 'controller-revision-hash';
const nameLabel = 'statefulset.kubernetes.io/pod-name';
const indexLabel = 'apps.kubernetes.io/pod-index';

export const replicasOf = ({ spec }: StatefulSet): number => spec.replicas ?? 1;
export const startOf = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0;
export const isParallel = ({ spec }: StatefulSet): boolean => spec.podManagementPolicy === 'Parallel';
export const revisionOf = ({ metadata }: Pod): string => metadata.labels?.[revisionLabel] ?? '';

function parse(name: string): { parent: string; ordinal: number } {
  const [, parent, digits] = /^(.*)-([0-9]+)$/s.exec(name) ?? [];
  const ordinal = Number(digits);
  return parent === undefined || ordinal > 2147483647 ? { parent: parent ?? '', ordinal: -1 } : { parent, ordinal };
}

/** -1 for a name without one. */
export const ordinalOf = ({ metadata }: Pod): number => parse(metadata.name).ordinal;
export const isMember = (set: StatefulSet, pod: Pod): boolean => parse(pod.metadata.name).parent === set.metadata.name;
export const isInRange = (set: StatefulSet, pod: Pod): boolean => ordinalOf(pod) >= startOf(set) && ordinalOf(pod) < startOf(set) + replicasOf(set);

const podName = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`;
export const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string => `${template.metadata.name}-${podName(set, ordinal)}`;

/** The claims of a pod as the templates have them. */
export const claimsOf = (set: StatefulSet, ordinal: number): PersistentVolumeClaim[] =>
  (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    ...structuredClone(template),
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...structuredClone(template.metadata),
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
    },
  }));

function volumesOf(set: StatefulSet, ordinal: number, others: readonly Volume[]): Volume[] {
  const templates = set.spec.volumeClaimTemplates ?? [];
  const own = templates.map((template) => ({ name: template.metadata.name, persistentVolumeClaim: { claimName: claimName(set, template, ordinal) } }));
  return [...own, ...others.filter(({ name }) => own.every((volume) => volume.name !== name))];
}

const identityLabels = (set: StatefulSet, ordinal: number): Record<string, string> => ({ [nameLabel]: podName(set, ordinal), [indexLabel]: String(ordinal) });

export const identityMatches = (set: StatefulSet, pod: Pod): boolean =>
  ordinalOf(pod) >= 0 && isMember(set, pod) && pod.metadata.name === podName(set, ordinalOf(pod)) && pod.metadata.labels?.[nameLabel] === pod.metadata.name;

export const storageMatches = (set: StatefulSet, pod: Pod): boolean =>
  (set.spec.volumeClaimTemplates ?? []).every((template) =>
    (pod.spec.volumes ?? []).some(
      ({ name, persistentVolumeClaim }) => name === template.metadata.name && persistentVolumeClaim?.claimName === claimName(set, template, ordinalOf(pod)),
    ),
  );

/** The pod with its identity and storage put right. */
export const withIdentity = (set: StatefulSet, pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...identityLabels(set, ordinalOf(pod)) } },
  spec: { ...pod.spec, volumes: volumesOf(set, ordinalOf(pod), pod.spec.volumes ?? []) },
});

/** A pod that does not exist yet. */
export function newPod(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const { metadata, spec } = podFromTemplate(template, set, controllerReference(set, statefulsets));
  const { generateName: _, ...rest } = metadata;
  const name = podName(set, ordinal);
  return {
    metadata: { ...rest, name, labels: { ...rest.labels, ...identityLabels(set, ordinal), [revisionLabel]: revision } },
    spec: {
      ...spec,
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
      volumes: volumesOf(set, ordinal, spec.volumes ?? []),
    },
  };
}
