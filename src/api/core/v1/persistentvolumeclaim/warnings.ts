import type { FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { path } from '../../../../apimachinery/fieldpath.ts';
import { fractionWarning } from '../resourcewarnings.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../types.gen.ts';

export const claimSpecWarnings = ({ resources }: PersistentVolumeClaimSpec, at: FieldPath): string[] =>
  (['requests', 'limits'] as const).flatMap((level) => fractionWarning(resources?.[level]?.['storage'], at.child('resources', level).key('storage')));

export const storageClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

export function claimWarnings({ metadata, spec }: PersistentVolumeClaim): string[] {
  const key = path('metadata', 'annotations').key(storageClassAnnotation);
  const annotated =
    metadata.annotations?.[storageClassAnnotation] === undefined ? [] : [`${key}: deprecated since v1.8; use "storageClassName" attribute instead`];
  return [...annotated, ...claimSpecWarnings(spec ?? {}, path('spec'))];
}
