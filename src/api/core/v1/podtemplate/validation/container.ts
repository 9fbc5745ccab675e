/** What holds for a container of any type. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, notSupported, required } from '../../../../../apimachinery/fieldpath.ts';
import { validatePortName } from '../../../../../apimachinery/names.ts';
import { checked, validateDnsLabelField, validateEnum, validateEnumInOrder, validatePort } from '../../../../../apimachinery/validation/common.ts';
import { portProtocols } from '../../service/ports.ts';
import type { Container, EphemeralContainer, PodSpec } from '../../types.gen.ts';
import { validatePullPolicy } from './common.ts';
import { validateEnv, validateEnvFrom } from './env.ts';
import { validateDevices, validateMounts } from './mounts.ts';
import { validateContainerResources } from './resources.ts';
import { validateSecurityContext } from './security.ts';
import type { ValidVolumes } from './volumes.ts';

/** What a container may refer to in its pod. */
export interface ContainerScope {
  volumes: ValidVolumes;
  /** Names of the pod's resource claims. */
  claims: ReadonlySet<string>;
  restartPolicy: string | undefined;
  /** Users of the pod are users of the host. */
  hostUsers: boolean;
}

type AnyContainer = Container | EphemeralContainer;

function validatePorts({ ports }: AnyContainer, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, { name = '', containerPort, hostPort, protocol }] of (ports ?? []).entries()) {
    const at = path.index(index);
    if (name !== '') {
      const wrong = checked(name, at.child('name'), validatePortName(name));
      errors.push(...(wrong.length === 0 && names.has(name) ? [duplicate(at.child('name'), name)] : wrong));
      if (wrong.length === 0) names.add(name);
    }
    errors.push(...(containerPort ? validatePort(containerPort, at.child('containerPort')) : [required(at.child('containerPort'))]));
    if (hostPort) errors.push(...validatePort(hostPort, at.child('hostPort')));
    errors.push(...validateEnum(protocol, portProtocols, at.child('protocol')));
  }
  return errors;
}

function oneOf(value: string, supported: readonly string[], path: FieldPath): FieldError[] {
  if (value === '') return [required(path)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

function validateResizePolicy({ resizePolicy }: AnyContainer, podPolicy: PodSpec['restartPolicy'], path: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return (resizePolicy ?? []).flatMap(({ resourceName = '', restartPolicy = '' }, index) => {
    const errors = seen.has(resourceName) ? [duplicate(path.index(index), resourceName)] : [];
    seen.add(resourceName);
    errors.push(...oneOf(resourceName, ['cpu', 'memory'], path), ...oneOf(restartPolicy, ['NotRequired', 'RestartContainer'], path));
    if (podPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.push(invalidValue(path, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
    }
    return errors;
  });
}

export function validateContainerCommon(container: AnyContainer, scope: ContainerScope, path: FieldPath): FieldError[] {
  const errors = container.name ? validateDnsLabelField(container.name, path.child('name')) : [required(path.child('name'))];
  if (!container.image) errors.push(required(path.child('image')));
  const policies = ['File', 'FallbackToLogsOnError'];
  errors.push(...validateEnumInOrder(container.terminationMessagePolicy, policies, path.child('terminationMessagePolicy')));
  errors.push(...validatePorts(container, path.child('ports')));
  errors.push(...validateEnv(container.env, path.child('env')));
  errors.push(...validateEnvFrom(container.envFrom, path.child('envFrom')));
  errors.push(...validateMounts(container, scope.volumes, path.child('volumeMounts')));
  errors.push(...validateDevices(container, scope.volumes, path.child('volumeDevices')));
  errors.push(...validatePullPolicy(container.imagePullPolicy, path.child('imagePullPolicy')));
  errors.push(...validateContainerResources(container.resources, scope.claims, path.child('resources')));
  errors.push(...validateResizePolicy(container, scope.restartPolicy, path.child('resizePolicy')));
  return [...errors, ...validateSecurityContext(container.securityContext, scope.hostUsers, path.child('securityContext'))];
}
