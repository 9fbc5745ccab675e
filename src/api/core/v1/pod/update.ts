/** Which part of a pod an endpoint may change: everything else is taken from the pod as it stands. */
import { keepMetadata } from '../../../metadata.ts';
import type { Container, Pod } from '../types.gen.ts';
import { dropDisabledFields } from './create.ts';

export function preparePodForUpdate(pod: Pod, old: Pod): void {
  dropDisabledFields(pod.spec, old.spec);
}

function keepStatus(pod: Pod, old: Pod): void {
  if (old.status) pod.status = old.status;
  else delete pod.status;
}

/** A client that does not know `observedGeneration` does not clear it. */
function keepObservedGeneration(pod: Pod, old: Pod): void {
  const { status } = pod;
  if (!status) return;
  if (!status.observedGeneration && old.status?.observedGeneration) status.observedGeneration = old.status.observedGeneration;
  const before = new Map<string, (number | undefined)[]>();
  for (const { type, observedGeneration } of old.status?.conditions ?? []) before.set(type, [...(before.get(type) ?? []), observedGeneration]);
  for (const condition of status.conditions ?? []) {
    const known = before.get(condition.type)?.shift();
    if (!condition.observedGeneration && known) condition.observedGeneration = known;
  }
}

export function preparePodStatusForUpdate(pod: Pod, old: Pod): void {
  pod.spec = old.spec;
  delete pod.metadata.deletionTimestamp;
  // Old kubelets would spoil them.
  if (old.metadata.ownerReferences) pod.metadata.ownerReferences = old.metadata.ownerReferences;
  else delete pod.metadata.ownerReferences;
  pod.status ??= {};
  // Computed once, at creation.
  if (!pod.status.qosClass && old.status?.qosClass) pod.status.qosClass = old.status.qosClass;
  keepObservedGeneration(pod, old);
}

export function prepareEphemeralContainersForUpdate(pod: Pod, old: Pod): void {
  const { ephemeralContainers } = pod.spec;
  pod.spec = { ...old.spec };
  if (ephemeralContainers) pod.spec.ephemeralContainers = ephemeralContainers;
  else delete pod.spec.ephemeralContainers;
  keepStatus(pod, old);
  keepMetadata(pod, old);
  dropDisabledFields(pod.spec, old.spec);
}

function withResources(old: Container, resized: Container): Container {
  const { resources: _resources, resizePolicy: _resizePolicy, ...container } = old;
  return {
    ...container,
    ...(resized.resources ? { resources: resized.resources } : {}),
    ...(resized.resizePolicy ? { resizePolicy: resized.resizePolicy } : {}),
  };
}

/** Containers as they were, with the new resources; as given when they are not the same containers, which validation refuses. */
function resizedContainers(containers: readonly Container[], old: readonly Container[]): Container[] {
  if (containers.some(({ name }, index) => name !== old[index]?.name)) return [...containers];
  return containers.map((container, index) => withResources(old[index]!, container));
}

export function prepareResizeForUpdate(pod: Pod, old: Pod): void {
  const { containers, initContainers = [], resources } = pod.spec;
  if (containers.length !== old.spec.containers.length || initContainers.length !== (old.spec.initContainers?.length ?? 0)) return;
  pod.spec = { ...old.spec, containers: resizedContainers(containers, old.spec.containers) };
  if (resources) pod.spec.resources = resources;
  else delete pod.spec.resources;
  if (initContainers.length > 0) pod.spec.initContainers = resizedContainers(initContainers, old.spec.initContainers ?? []);
  keepStatus(pod, old);
  keepMetadata(pod, old);
}
