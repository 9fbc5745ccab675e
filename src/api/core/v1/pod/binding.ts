/** Assigning a pod to a node, as `pods/binding` does it. */

import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { notSupportedInOrder, path, required } from '../../../../apimachinery/fieldpath.ts';
import type { Binding, Pod } from '../types.gen.ts';
import { setPodCondition } from './conditions.ts';

export function validatePodBinding({ target }: Binding): FieldError[] {
  const errors: FieldError[] = [];
  if (target.kind && target.kind !== 'Node') errors.push(notSupportedInOrder(path('target', 'kind'), target.kind, ['Node', '<empty>']));
  if (!target.name) errors.push(required(path('target', 'name')));
  return errors;
}

/** Why the pod cannot be bound now; the caller answers with a conflict. */
export function bindingObstacle(pod: Pod): string | undefined {
  const { name, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp) return `pod ${name} is being deleted, cannot be assigned to a host`;
  if (pod.spec.nodeName) return `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`;
  if ((pod.spec.schedulingGates?.length ?? 0) > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
  return undefined;
}

/** Writes node, labels, annotations and the condition into the pod. Ask {@link bindingObstacle} first. */
export function bindPod(pod: Pod, binding: Binding, now: Date): void {
  pod.spec.nodeName = binding.target.name ?? '';
  pod.status ??= {};
  delete pod.status.nominatedNodeName;
  const { annotations, labels } = binding.metadata;
  if (annotations && Object.keys(annotations).length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  if (labels && Object.keys(labels).length > 0) pod.metadata.labels = { ...pod.metadata.labels, ...labels };
  setPodCondition(pod.status, { type: 'PodScheduled', status: 'True' }, now);
}
