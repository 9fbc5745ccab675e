/** Validation of a pod's spec: of pods, and of the templates in other kinds. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, required } from '../../../../apimachinery/fieldpath.ts';
import { rangeError, subdomainName } from '../../../../apimachinery/names.ts';
import { validateLabels } from '../../../../apimachinery/selectors.ts';
import { checked, validateEnumInOrder } from '../../../../apimachinery/validation/common.ts';
import { validateAnnotations } from '../../../../apimachinery/validation/objectmeta.ts';
import type { PodSpec, PodTemplateSpec } from '../types.gen.ts';
import { validateAffinity } from './validation/affinity.ts';
import { validatePodAnnotations } from './validation/annotations.ts';
import type { ContainerScope } from './validation/container.ts';
import { validateContainers, validateEphemeralContainers, validateInitContainers, validateRestartPolicy } from './validation/containers.ts';
import { validateEnvFiles } from './validation/env.ts';
import * as network from './validation/network.ts';
import type { PodSpecOptions } from './validation/options.ts';
import { isSet } from './validation/options.ts';
import { validateProfilesMatch } from './validation/profiles.ts';
import { validateOverhead, validatePodResources } from './validation/resources.ts';
import { validateGates, validateResourceClaims, validateTolerations, validateTopologySpread } from './validation/scheduling.ts';
import { validateHostUsers, validatePodSecurityContext } from './validation/security.ts';
import { validateVolumes } from './validation/volumes.ts';
import { validateHostProcess, validateOS } from './validation/windows.ts';

export { validateNodeSelector } from './validation/affinity.ts';
export type { PodSpecOptions } from './validation/options.ts';
export { validateTolerations } from './validation/scheduling.ts';

const maxInt32 = 2 ** 31 - 1;
const named = ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName'] as const;

function validateNames(spec: PodSpec, path: FieldPath): FieldError[] {
  return named.flatMap((field) => {
    const name = spec[field];
    // An empty runtime class is a name that is wrong, not an absent one.
    const given = field === 'runtimeClassName' ? name !== undefined : isSet(name);
    return given ? checked(name!, path.child(field), subdomainName(name!, false)) : [];
  });
}

function validateSchedulingGroup({ schedulingGroup }: PodSpec, path: FieldPath): FieldError[] {
  if (!schedulingGroup) return [];
  const at = path.child('schedulingGroup', 'podGroupName');
  const name = schedulingGroup.podGroupName;
  if (name === undefined) return [invalidValue(at, undefined, 'must specify one of: `podGroupName`')];
  return checked(name, at, subdomainName(name, false));
}

/** What is wrong with the spec as it stands. */
export function validatePodSpec(spec: PodSpec, path: FieldPath, options: PodSpecOptions = {}): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.terminationGracePeriodSeconds === undefined) errors.push(required(path.child('terminationGracePeriodSeconds')));
  const [volumes, volumeErrors] = validateVolumes(spec.volumes, path.child('volumes'), options);
  errors.push(...volumeErrors);
  errors.push(...validateResourceClaims(spec, path.child('resourceClaims'), options));
  const claims = new Set((spec.resourceClaims ?? []).flatMap(({ name }) => name || []));
  const scope: ContainerScope = { volumes, claims, restartPolicy: spec.restartPolicy, hostUsers: spec.hostUsers !== false };
  errors.push(...validateContainers(spec, scope, path.child('containers')));
  errors.push(...validateInitContainers(spec, scope, path.child('initContainers')));
  errors.push(...validateEphemeralContainers(spec, scope, path.child('ephemeralContainers')));
  errors.push(...validatePodResources(spec, claims, path.child('resources')));
  errors.push(...network.validateHostNetworkPorts(spec, path, options));
  errors.push(...validateRestartPolicy(spec.restartPolicy, path.child('restartPolicy')));
  errors.push(...network.validateDnsPolicy(spec.dnsPolicy, path.child('dnsPolicy')));
  errors.push(...validateLabels(spec.nodeSelector, path.child('nodeSelector')));
  errors.push(...validatePodSecurityContext(spec, path.child('securityContext'), options));
  errors.push(...validateAffinity(spec.affinity, path.child('affinity')));
  errors.push(...network.validateDns(spec, path));
  errors.push(...validateGates(spec, path));
  errors.push(...validateTopologySpread(spec.topologySpreadConstraints, path.child('topologySpreadConstraints')));
  errors.push(...validateHostProcess(spec, path));
  errors.push(...validateHostUsers(spec, path));
  errors.push(...network.validateHostnameOverride(spec, path));
  errors.push(...validateNames(spec, path));
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32)) {
    errors.push(invalidValue(path.child('activeDeadlineSeconds'), deadline, rangeError(1, maxInt32)));
  }
  errors.push(...network.validateHostnames(spec, path));
  errors.push(...validateTolerations(spec.tolerations, path.child('tolerations')));
  errors.push(...network.validateHostAliases(spec, path));
  if (spec.preemptionPolicy !== undefined) {
    errors.push(...validateEnumInOrder(spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'], path.child('preemptionPolicy')));
  }
  errors.push(...validateOverhead(spec.overhead, path.child('overhead')));
  errors.push(...validateOS(spec, path));
  errors.push(...validateSchedulingGroup(spec, path));
  return [...errors, ...validateEnvFiles(spec, path)];
}

/** What is wrong with the template in a ReplicaSet, a Job, a PodTemplate, … */
export function validatePodTemplateSpec({ metadata, spec }: PodTemplateSpec, path: FieldPath): FieldError[] {
  const annotations = metadata?.annotations;
  const specPath = path.child('spec');
  const errors = [
    ...validateLabels(metadata?.labels, path.child('labels')),
    ...validateAnnotations(annotations, path.child('annotations')),
    ...validatePodAnnotations(annotations, spec, path.child('annotations')),
    ...validatePodSpec(spec, specPath),
    ...validateProfilesMatch(annotations, spec, specPath),
  ];
  if ((spec.ephemeralContainers?.length ?? 0) > 0) {
    errors.push(forbiddenField(specPath.child('ephemeralContainers'), 'ephemeral containers not allowed in pod template'));
  }
  return errors;
}
