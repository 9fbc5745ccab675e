/** What may change through `pods/resize`: CPU and memory, neither appearing nor vanishing. Source of the rule: KEP-1287, `core/validation`. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, path, unnamedField } from '../../../../apimachinery/fieldpath.ts';
import { mirrorAnnotation } from '../podtemplate/validation/scheduling.ts';
import type { Container, Pod, PodSpec, ResourceRequirements } from '../types.gen.ts';
import { computePodQOS, podQOSClass } from './qos.ts';
import type { ResourceList } from './resources.ts';
import { validatePod } from './validation.ts';

const specPath = path('spec');
const onlyComputeMutable = 'only cpu and memory resources are mutable';
const lists = ['containers', 'initContainers'] as const;

const removed = (now: ResourceList | undefined, before: ResourceList | undefined): boolean =>
  Object.keys(before ?? {}).some((name) => now?.[name] === undefined);

function validateRemoved(now: ResourceRequirements | undefined, before: ResourceRequirements | undefined, what: string, at: FieldPath): FieldError[] {
  return (['requests', 'limits'] as const)
    .filter((level) => removed(now?.[level], before?.[level]))
    .map((level) => forbiddenField(at.child(level), `${what} ${level} cannot be removed`));
}

/** CPU and memory as they were, everything else as it is to be: what then differs may not. */
function maskList(now: ResourceList | undefined, before: ResourceList | undefined): Record<string, string | number> | undefined {
  const { cpu: _cpu, memory: _memory, ...others } = now ?? {};
  const masked: Record<string, string | number> = { ...others };
  for (const name of ['cpu', 'memory']) if (before?.[name] !== undefined) masked[name] = before[name];
  return Object.keys(masked).length > 0 ? masked : undefined;
}

function mask(now: ResourceRequirements | undefined, before: ResourceRequirements | undefined): ResourceRequirements {
  const limits = maskList(now?.limits, before?.limits);
  const requests = maskList(now?.requests, before?.requests);
  return { ...(now?.claims ? { claims: now.claims } : {}), ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) };
}

/** A list without entries is none. */
function tidy({ claims = [], limits, requests }: ResourceRequirements = {}): ResourceRequirements {
  const filled = (list: ResourceList | undefined): boolean => Object.keys(list ?? {}).length > 0;
  return { ...(claims.length > 0 ? { claims } : {}), ...(filled(limits) ? { limits: limits! } : {}), ...(filled(requests) ? { requests: requests! } : {}) };
}

/** Upstream loses the claims on one side, so that a container with claims cannot be resized. */
const withoutClaims = ({ claims: _claims, ...rest }: ResourceRequirements): ResourceRequirements => rest;

const masked = (now: Container, before: Container): Container => ({ ...now, resources: withoutClaims(tidy(mask(now.resources, before.resources))) });
const tidied = (container: Container): Container => ({ ...container, resources: tidy(container.resources) });

function validateOrder(pod: Pod, old: Pod): FieldError[] {
  return lists.flatMap((list) => {
    const now = pod.spec[list] ?? [];
    const before = old.spec[list] ?? [];
    if (now.length !== before.length) return forbiddenField(specPath.child(list), `${list} may not be added or removed on resize`);
    return before.flatMap(({ name }, index) => {
      const at = specPath.child(list).index(index).child('name');
      return now[index]!.name === name ? [] : forbiddenField(at, `${list} may not be renamed or reordered on resize`);
    });
  });
}

function validatePodLevel(pod: Pod, old: Pod): FieldError[] {
  const now = pod.spec.resources;
  const before = old.spec.resources;
  const at = specPath.child('resources');
  if (before && !now) return [forbiddenField(at, 'pod-level resources cannot be removed')];
  const errors = validateRemoved(now, before, 'pod-level resource', at);
  if (!semanticEqual(tidy(mask(now, before)), tidy(before))) errors.push(forbiddenField(specPath, `${onlyComputeMutable} at pod-level`));
  return errors;
}

function validateContainer(now: Container, before: Container, list: (typeof lists)[number], index: number): FieldError[] {
  const at = specPath.child(list).index(index);
  const errors: FieldError[] = [];
  if (!semanticEqual(masked(now, before), tidied(before))) {
    errors.push(
      list === 'containers'
        ? forbiddenField(specPath, onlyComputeMutable)
        : forbiddenField(at, 'only cpu and memory resources for init or sidecar containers are mutable'),
    );
  }
  const restarts = now.resizePolicy?.some(({ restartPolicy }) => restartPolicy === 'RestartContainer');
  if (list === 'initContainers' && now.restartPolicy !== 'Always' && restarts && !semanticEqual(now, before)) {
    errors.push(forbiddenField(at, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized'));
  }
  return errors;
}

/** A node too old to resize does not report what its containers run with. */
function nodeCanResize({ status }: Pod): boolean {
  const running = status?.containerStatuses?.find(({ state }) => state?.running);
  return !running || running.resources !== undefined;
}

const withoutResources = (spec: PodSpec): Partial<PodSpec> => {
  const { containers: _containers, initContainers: _initContainers, resources: _resources, ...rest } = spec;
  return rest;
};

export function validatePodResize(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) return [forbiddenField(unnamedField, 'static pods cannot be resized')];
  if (old.spec.os?.name === 'windows') return [forbiddenField(unnamedField, 'windows pods cannot be resized')];
  const errors = validatePod(pod, old);
  if (podQOSClass(old) !== computePodQOS(pod)) {
    errors.push(invalidValue(specPath, pod.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'));
  }
  if (!nodeCanResize(old)) errors.push(forbiddenField(specPath, 'Pod running on node without support for resize'));
  errors.push(...validatePodLevel(pod, old));
  if ((old.status?.nodeAllocatableResourceClaimStatuses?.length ?? 0) > 0) {
    errors.push(forbiddenField(specPath, 'pods with node allocatable resource claims cannot be resized'));
  }
  const order = validateOrder(pod, old);
  if (order.length > 0) return [...errors, ...order];
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, before] of (old.spec[list] ?? []).entries()) {
      const now = pod.spec[list]![index]!;
      errors.push(...validateRemoved(now.resources, before.resources, 'resource', specPath.child(list).index(index).child('resources')));
    }
  }
  for (const list of lists)
    for (const [index, before] of (old.spec[list] ?? []).entries()) errors.push(...validateContainer(pod.spec[list]![index]!, before, list, index));
  if (errors.length === 0 && !semanticEqual(withoutResources(pod.spec), withoutResources(old.spec))) errors.push(forbiddenField(specPath, onlyComputeMutable));
  return errors;
}
