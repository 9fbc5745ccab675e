/** Validation of a new pod, and of what holds for a pod at any time. */

import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, path } from '../../../../apimachinery/fieldpath.ts';
import { validateDnsLabel } from '../../../../apimachinery/names.ts';
import { validatePodAnnotations } from '../podtemplate/validation/annotations.ts';
import { validateImagePadding } from '../podtemplate/validation/containers.ts';
import { validateProfilesMatch } from '../podtemplate/validation/profiles.ts';
import { validatePodSpec } from '../podtemplate/validation.ts';
import type { Pod } from '../types.gen.ts';

const specPath = path('spec');
export const annotationsPath = path('metadata', 'annotations');

/** A token is that of a service account. */
function validateTokenVolumes({ spec }: Pod): FieldError[] {
  if (spec.serviceAccountName) return [];
  return (spec.volumes ?? []).flatMap(({ projected }, index) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }, position) => {
      if (!serviceAccountToken) return [];
      const at = specPath.child('volumes').index(index).child('projected', 'sources').index(position).child('serviceAccountToken');
      return forbiddenField(at, 'must not be specified when serviceAccountName is not set');
    }),
  );
}

/** Annotations and spec; `metadata` is checked by the generic code. */
export function validatePod(pod: Pod, old?: Pod): FieldError[] {
  const { spec, metadata } = pod;
  return [
    ...validatePodAnnotations(metadata.annotations, spec, annotationsPath),
    ...validatePodSpec(spec, specPath, { isPod: true, metadata, ...(old ? { old: old.spec } : {}) }),
    ...validateTokenVolumes(pod),
    ...(spec.containers ?? []).flatMap((container, index) => validateImagePadding(container, specPath.child('containers').index(index))),
    ...(spec.initContainers ?? []).flatMap((container, index) => validateImagePadding(container, specPath.child('initContainers').index(index))),
  ];
}

export function validatePodCreate(pod: Pod): FieldError[] {
  const { spec, metadata } = pod;
  const errors = validatePod(pod);
  if ((spec.ephemeralContainers?.length ?? 0) > 0) errors.push(forbiddenField(specPath.child('ephemeralContainers'), 'cannot be set on create'));
  if (spec.nodeName && (spec.schedulingGates?.length ?? 0) > 0) {
    errors.push(forbiddenField(specPath.child('nodeName'), 'cannot be set until all schedulingGates have been cleared'));
  }
  return [...errors, ...validateProfilesMatch(metadata.annotations, spec, specPath)];
}

/** A pod's name that is no label makes no good host name. */
export function podNameWarnings({ metadata }: Pod): string[] {
  const wrong = validateDnsLabel(metadata.name);
  if (wrong.length === 0) return [];
  const head = "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended:";
  return [`${head} [${wrong.join(' ')}]`];
}
