/** Validation of the three lists of containers. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { duplicate, fieldNotFound, forbiddenField, invalidValue, notSupported, required, tooMany } from '../../../../../apimachinery/fieldpath.ts';
import { validateEnumInOrder } from '../../../../../apimachinery/validation/common.ts';
import type { Container, EphemeralContainer, PodSpec } from '../../types.gen.ts';
import type { ContainerScope } from './container.ts';
import { validateContainerCommon } from './container.ts';
import { isSet } from './options.ts';
import { validateLifecycle, validateProbes } from './probes.ts';

const restartPolicies: readonly string[] = ['Always', 'Never', 'OnFailure'];
const restartActions: readonly string[] = ['Restart', 'RestartAllContainers'];

function validateRestartRules({ restartPolicy, restartPolicyRules: rules = [] }: Container, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (restartPolicy === undefined) {
    if (rules.length === 0) return [];
    errors.push(required(path.child('restartPolicy'), 'must specify restartPolicy when restart rules are used'));
  } else if (!restartPolicies.includes(restartPolicy)) errors.push(notSupported(path.child('restartPolicy'), restartPolicy, restartPolicies));
  const rulesPath = path.child('restartPolicyRules');
  if (rules.length > 20) errors.push(tooMany(rulesPath, rules.length, 20));
  for (const [index, { action = '', exitCodes }] of rules.entries()) {
    const at = rulesPath.index(index);
    if (!restartActions.includes(action)) errors.push(notSupported(at.child('action'), action, restartActions));
    if (!exitCodes) {
      errors.push(required(at.child('exitCodes'), 'must be specified'));
      continue;
    }
    const { operator = '', values = [] } = exitCodes;
    if (operator !== 'In' && operator !== 'NotIn') errors.push(notSupported(at.child('exitCodes', 'operator'), operator, ['In', 'NotIn']));
    if (values.length > 255) errors.push(tooMany(at.child('exitCodes', 'values'), values.length, 255));
  }
  return errors;
}

/** The same port of the host twice. Containers that run at the same time are checked together. */
function hostPortConflicts(containers: readonly Container[], path: FieldPath): FieldError[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ protocol, hostIP = '', hostPort }, position) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) return duplicate(path.index(index).child('ports').index(position).child('hostPort'), key);
      taken.add(key);
      return [];
    }),
  );
}

export function validateContainers(spec: PodSpec, scope: ContainerScope, path: FieldPath): FieldError[] {
  const containers = spec.containers ?? [];
  if (containers.length === 0) return [required(path)];
  const grace = spec.terminationGracePeriodSeconds;
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, container] of containers.entries()) {
    const at = path.index(index);
    errors.push(...validateContainerCommon(container, scope, at));
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
    names.add(container.name);
    errors.push(...validateLifecycle(container, spec.os, grace, at.child('lifecycle')));
    errors.push(...validateProbes(container, grace, at));
    errors.push(...validateRestartRules(container, at));
  }
  return [...errors, ...hostPortConflicts(containers, path)];
}

const onlySidecars = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;

export function validateInitContainers(spec: PodSpec, scope: ContainerScope, path: FieldPath): FieldError[] {
  const grace = spec.terminationGracePeriodSeconds;
  const names = new Set(spec.containers.map(({ name }) => name));
  const errors: FieldError[] = [];
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const at = path.index(index);
    const sidecar = container.restartPolicy === 'Always';
    errors.push(...validateContainerCommon(container, scope, at));
    errors.push(...validateRestartRules(container, at));
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
    else if (container.name) names.add(container.name);
    errors.push(...hostPortConflicts([container], path));
    if (sidecar) {
      errors.push(...validateLifecycle(container, spec.os, grace, at.child('lifecycle')), ...validateProbes(container, grace, at));
      continue;
    }
    for (const field of onlySidecars) {
      if (container[field]) errors.push(forbiddenField(at.child(field), 'may not be set for init containers without restartPolicy=Always'));
    }
    for (const [position, { restartPolicy }] of (container.resizePolicy ?? []).entries()) {
      if (restartPolicy !== 'RestartContainer') continue;
      const field = at.child('resizePolicy').index(position).child('restartPolicy');
      errors.push(invalidValue(field, restartPolicy, "must not be set to 'RestartContainer' for non-sidecar initContainers"));
    }
  }
  return errors;
}

/** What an ephemeral container may not have: whatever makes sense only for a part of the workload. */
const notEphemeral = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

const isGiven = (value: unknown): boolean =>
  value !== undefined && (typeof value !== 'object' || value === null ? value !== '' : Object.keys(value).length > 0);

function validateEphemeral(container: EphemeralContainer, others: ReadonlySet<string>, at: FieldPath): FieldError[] {
  const not = 'cannot be set for an Ephemeral Container';
  const errors: FieldError[] = [];
  const target = container.targetContainerName;
  if (isSet(target) && !others.has(target)) errors.push(fieldNotFound(at.child('targetContainerName'), target));
  for (const field of notEphemeral) if (isGiven(container[field])) errors.push(forbiddenField(at.child(field), not));
  for (const [index, { subPath, subPathExpr }] of (container.volumeMounts ?? []).entries()) {
    const mount = at.child('volumeMounts').index(index);
    if (isSet(subPath)) errors.push(forbiddenField(mount.child('subPath'), not));
    if (isSet(subPathExpr)) errors.push(forbiddenField(mount.child('subPathExpr'), not));
  }
  return errors;
}

export function validateEphemeralContainers(spec: PodSpec, scope: ContainerScope, path: FieldPath): FieldError[] {
  const others = new Set([...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  return (spec.ephemeralContainers ?? []).flatMap((container, index) => {
    const at = path.index(index);
    const errors = [...validateContainerCommon(container, scope, at), ...validateImagePadding(container, at)];
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
    names.add(container.name);
    return [...errors, ...validateEphemeral(container, others, at)];
  });
}

/** Templates may have such images: some tools replace them later. */
export function validateImagePadding({ image = '' }: Container | EphemeralContainer, path: FieldPath): FieldError[] {
  return image.trim() === image ? [] : [invalidValue(path.child('image'), image, 'must not have leading or trailing whitespace')];
}

export const validateRestartPolicy = (policy: string | undefined, path: FieldPath): FieldError[] =>
  validateEnumInOrder(policy, ['Always', 'OnFailure', 'Never'], path);
