/** What may change of a pod's spec. Source of the rule: upstream's `core/validation`. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, path, required, unnamedField } from '../../../../apimachinery/fieldpath.ts';
import { rangeError } from '../../../../apimachinery/names.ts';
import { own } from '../../../../apimachinery/own.ts';
import { validatePodAnnotations } from '../podtemplate/validation/annotations.ts';
import { appArmorPrefix } from '../podtemplate/validation/profiles.ts';
import { mirrorAnnotation, validateTolerations } from '../podtemplate/validation/scheduling.ts';
import type { Container, NodeAffinity, NodeSelectorTerm, Pod, PodSpec, Toleration } from '../types.gen.ts';
import { describeChange } from './diff.ts';
import { annotationsPath, validatePod } from './validation.ts';

const specPath = path('spec');
const maxInt32 = 2 ** 31 - 1;

/** Annotations that make a pod what it is stay. */
export function validatePodAnnotationsUpdate(pod: Pod, old: Pod): FieldError[] {
  const now = pod.metadata.annotations ?? {};
  const before = old.metadata.annotations ?? {};
  const errors: FieldError[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (own(now, key) === own(before, key)) continue;
    const verb = Object.hasOwn(before, key) ? 'remove or update' : 'add';
    const at = annotationsPath.key(key);
    if (key.startsWith(appArmorPrefix)) errors.push(forbiddenField(at, `may not ${verb} AppArmor annotations`));
    if (key === mirrorAnnotation) errors.push(forbiddenField(at, `may not ${verb} mirror pod annotation`));
  }
  return [...errors, ...validatePodAnnotations(pod.metadata.annotations, pod.spec, annotationsPath)];
}

/** Images may change; undefined when there are more or fewer containers. */
function validateImages(containers: readonly Container[], path: FieldPath): FieldError[] {
  return containers.flatMap(({ image = '' }, index) => {
    const at = path.index(index).child('image');
    const errors = image === '' ? [required(at)] : [];
    return image.trim() === image ? errors : [...errors, invalidValue(at, image, 'must not have leading or trailing whitespace')];
  });
}

function validateDeadline({ activeDeadlineSeconds: now }: PodSpec, { activeDeadlineSeconds: before }: PodSpec): { errors: FieldError[]; stop: boolean } {
  const at = specPath.child('activeDeadlineSeconds');
  if (now === undefined) {
    const errors = before === undefined ? [] : [invalidValue(at, undefined, 'must not update from a positive integer to nil value')];
    return { errors, stop: false };
  }
  if (now < 0 || now > maxInt32) return { errors: [invalidValue(at, now, rangeError(0, maxInt32))], stop: true };
  if (before !== undefined && before < now) return { errors: [invalidValue(at, now, 'must be less than or equal to previous value')], stop: true };
  return { errors: [], stop: false };
}

const sameToleration = (a: Toleration, b: Toleration): boolean => semanticEqual({ ...a, tolerationSeconds: 0 }, { ...b, tolerationSeconds: 0 });

function validateAddedTolerations(now: readonly Toleration[], before: readonly Toleration[]): FieldError[] {
  const at = specPath.child('tolerations');
  const lost = before.some((old) => !now.some((toleration) => sameToleration(toleration, old)));
  return lost ? [forbiddenField(at, 'existing toleration can not be modified except its tolerationSeconds')] : validateTolerations(now, at);
}

function validateDeletedGates(spec: PodSpec, old: PodSpec): FieldError[] {
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  return (spec.schedulingGates ?? []).flatMap(({ name }, index) => {
    if (before.has(name)) return [];
    const at = specPath.child('schedulingGates').index(index).child('name');
    return forbiddenField(at, `only deletion is allowed, but found new scheduling gate '${name}'`);
  });
}

const terms = 'requiredDuringSchedulingIgnoredDuringExecution';

function onlyAdds(now: NodeSelectorTerm, before: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  const sizes = lists.map((list) => before[list]?.length ?? 0);
  // A term without requirements matches nothing; with one it would begin to match.
  if (sizes.every((size) => size === 0)) return lists.every((list) => (now[list]?.length ?? 0) === 0);
  return lists.every((list, index) => semanticEqual((now[list] ?? []).slice(0, sizes[index]), before[list] ?? []));
}

/** Upstream's internal type has no JSON names of its own. */
const asUpstreamShows = ({ matchExpressions, matchFields }: NodeSelectorTerm): object => {
  const shown = (list: NodeSelectorTerm['matchFields']): object | null =>
    list?.map(({ key, operator, values = null }) => ({ Key: key, Operator: operator, Values: values })) ?? null;
  return { MatchExpressions: shown(matchExpressions), MatchFields: shown(matchFields) };
};

function validateNodeAffinityChange(now: NodeAffinity | undefined, before: NodeAffinity | undefined): FieldError[] {
  const old = before?.[terms]?.nodeSelectorTerms ?? [];
  const own = now?.[terms]?.nodeSelectorTerms ?? [];
  const at = specPath.child('affinity', 'nodeAffinity', terms, 'nodeSelectorTerms');
  if (old.length === 0) return [];
  if (old.length !== own.length) return [invalidValue(at, own.map(asUpstreamShows), 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')];
  return old.flatMap((term, index) =>
    onlyAdds(own[index]!, term) ? [] : invalidValue(at.index(index), asUpstreamShows(own[index]!), 'only additions are allowed (no mutations or deletions)'),
  );
}

/** While gates keep a pod from being scheduled, where it may run can be narrowed. `spec` is changed to compare equal. */
function allowGatedChanges(spec: PodSpec, old: PodSpec): FieldError[] {
  if ((old.schedulingGates?.length ?? 0) === 0) return [];
  const errors: FieldError[] = [];
  const before = Object.entries(old.nodeSelector ?? {});
  if (before.some(([key, value]) => spec.nodeSelector?.[key] !== value)) {
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    errors.push(invalidValue(specPath.child('nodeSelector'), spec.nodeSelector ?? null, why));
  }
  restore(spec, old, 'nodeSelector');
  const own = spec.affinity?.nodeAffinity;
  const standing = old.affinity?.nodeAffinity;
  if (semanticEqual(own, standing)) return errors;
  errors.push(...validateNodeAffinityChange(own, standing));
  const { nodeAffinity: _, ...others } = spec.affinity ?? {};
  const affinity = { ...others, ...(standing ? { nodeAffinity: standing } : {}) };
  if (Object.keys(affinity).length === 0 && !old.affinity) delete spec.affinity;
  else spec.affinity = affinity;
  return errors;
}

function restore<K extends keyof PodSpec>(spec: PodSpec, old: PodSpec, field: K): void {
  if (old[field] === undefined) delete spec[field];
  else spec[field] = old[field];
}

const withOldImages = (containers: readonly Container[], old: readonly Container[]): Container[] =>
  containers.map((container, index) => {
    const { image: _, ...rest } = container;
    const image = old[index]!.image;
    return image === undefined ? rest : { ...rest, image };
  });

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

function validateRest(now: PodSpec, old: PodSpec): FieldError[] {
  if (semanticEqual(now, old)) return [];
  const spec: PodSpec = { ...now, containers: withOldImages(now.containers, old.containers) };
  if (spec.initContainers) spec.initContainers = withOldImages(spec.initContainers, old.initContainers ?? []);
  for (const field of ['activeDeadlineSeconds', 'schedulingGates', 'tolerations'] as const) restore(spec, old, field);
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) restore(spec, old, 'terminationGracePeriodSeconds');
  const errors = allowGatedChanges(spec, old);
  if (semanticEqual(spec, old)) return errors;
  return [...errors, forbiddenField(specPath, `pod updates may not change fields other than ${updatable}\n${describeChange(old, spec)}`)];
}

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = [...validatePod(pod, old), ...validatePodAnnotationsUpdate(pod, old)];
  for (const list of ['containers', 'initContainers'] as const) {
    const containers = pod.spec[list] ?? [];
    const at = specPath.child(list);
    if (containers.length !== (old.spec[list]?.length ?? 0)) return [...errors, forbiddenField(at, 'pod updates may not add or remove containers')];
    errors.push(...validateImages(containers, at));
  }
  const deadline = validateDeadline(pod.spec, old.spec);
  errors.push(...deadline.errors);
  if (deadline.stop) return errors;
  errors.push(...validateAddedTolerations(pod.spec.tolerations ?? [], old.spec.tolerations ?? []));
  errors.push(...validateDeletedGates(pod.spec, old.spec));
  return [...errors, ...validateRest(pod.spec, old.spec)];
}

/** Ephemeral containers can be added, and stay. */
export function validateEphemeralContainersUpdate(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) return [forbiddenField(unnamedField, 'static pods do not support ephemeral containers')];
  const errors = [...validatePod(pod, old), ...validatePodAnnotationsUpdate(pod, old)];
  const at = specPath.child('ephemeralContainers');
  const now = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  for (const container of old.spec.ephemeralContainers ?? []) {
    const own = now.get(container.name);
    const head = `existing ephemeral containers ${JSON.stringify(container.name)} may not be`;
    if (!own) errors.push(forbiddenField(at, `${head} removed\n`));
    else if (!semanticEqual(container, own)) errors.push(forbiddenField(at, `${head} changed\n${describeChange(container, own)}`));
  }
  return errors;
}
