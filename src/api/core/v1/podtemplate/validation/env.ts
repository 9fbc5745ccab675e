/** Validation of a container's environment. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { fieldNotFound, invalidValue, required } from '../../../../../apimachinery/fieldpath.ts';
import { subdomainName, validateConfigMapKey, validateRelaxedEnvVarName } from '../../../../../apimachinery/names.ts';
import { checked, validateDnsLabelField } from '../../../../../apimachinery/validation/common.ts';
import type { Container, EnvFromSource, EnvVar, FileKeySelector, PodSpec } from '../../types.gen.ts';
import { eachContainer } from './common.ts';
import { envFields, validateFieldSelector, validateResourceSelector } from './downwardapi.ts';
import { isSet } from './options.ts';
import { validateNoBacksteps } from './paths.ts';

function validateKeySelector({ name = '', key = '' }: { name?: string; key: string }, path: FieldPath): FieldError[] {
  const errors = checked(name, path.child('name'), subdomainName(name, false));
  return [...errors, ...(key === '' ? [required(path.child('key'))] : checked(key, path.child('key'), validateConfigMapKey(key)))];
}

function validateFileKey({ key = '', volumeName = '', path: file = '' }: Partial<FileKeySelector>, path: FieldPath): FieldError[] {
  return [
    ...(key === '' ? [required(path.child('key'))] : checked(key, path.child('key'), validateRelaxedEnvVarName(key))),
    ...(volumeName === '' ? [required(path.child('volumeName'))] : validateDnsLabelField(volumeName, path.child('volumeName'))),
    ...(file === '' ? [required(path.child('path'))] : validateNoBacksteps(file, path.child('path'))),
  ];
}

function validateValueFrom({ value, valueFrom }: EnvVar, path: FieldPath): FieldError[] {
  if (!valueFrom) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  const errors: FieldError[] = [];
  if (fieldRef) errors.push(...validateFieldSelector(fieldRef, envFields, path.child('fieldRef')));
  if (resourceFieldRef) errors.push(...validateResourceSelector(resourceFieldRef, false, path.child('resourceFieldRef')));
  if (configMapKeyRef) errors.push(...validateKeySelector(configMapKeyRef, path.child('configMapKeyRef')));
  if (secretKeyRef) errors.push(...validateKeySelector(secretKeyRef, path.child('secretKeyRef')));
  if (fileKeyRef) errors.push(...validateFileKey(fileKeyRef, path.child('fileKeyRef')));
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(Boolean).length;
  if (sources === 0) {
    errors.push(invalidValue(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'));
  } else if (isSet(value)) errors.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  else if (sources > 1) errors.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
  return errors;
}

export function validateEnv(env: Container['env'], path: FieldPath): FieldError[] {
  return (env ?? []).flatMap((variable, index) => {
    const at = path.index(index);
    const named = variable.name ? checked(variable.name, at.child('name'), validateRelaxedEnvVarName(variable.name)) : [required(at.child('name'))];
    return [...named, ...validateValueFrom(variable, at.child('valueFrom'))];
  });
}

function validateEnvSource({ name = '' }: { name?: string }, path: FieldPath): FieldError[] {
  return name === '' ? [required(path.child('name'))] : checked(name, path.child('name'), subdomainName(name, true));
}

function validateOneEnvFrom({ prefix, configMapRef, secretRef }: EnvFromSource, at: FieldPath, whole: FieldPath): FieldError[] {
  const errors = isSet(prefix) ? checked(prefix, at.child('prefix'), validateRelaxedEnvVarName(prefix)) : [];
  if (configMapRef) errors.push(...validateEnvSource(configMapRef, at.child('configMapRef')));
  if (secretRef) errors.push(...validateEnvSource(secretRef, at.child('secretRef')));
  if (!configMapRef && !secretRef) errors.push(invalidValue(whole, '', 'must specify one of: `configMapRef` or `secretRef`'));
  if (configMapRef && secretRef) errors.push(invalidValue(whole, '', 'may not have more than one field specified at a time'));
  return errors;
}

export const validateEnvFrom = (sources: Container['envFrom'], path: FieldPath): FieldError[] =>
  (sources ?? []).flatMap((source, index) => validateOneEnvFrom(source, path.index(index), path));

/** Files with variables stand in an emptyDir: only there an init container can have written them. */
export function validateEnvFiles(spec: PodSpec, path: FieldPath): FieldError[] {
  return eachContainer(spec, path, ({ env }, at) =>
    (env ?? []).flatMap(({ valueFrom }, index) => {
      if (!valueFrom?.fileKeyRef) return [];
      const { volumeName } = valueFrom.fileKeyRef;
      const field = at.child('env').index(index).child('valueFrom', 'fileKeyRef', 'volumeName');
      const volume = spec.volumes?.find(({ name }) => name === volumeName);
      if (!volume) return [fieldNotFound(field, volumeName)];
      return volume.emptyDir ? [] : [invalidValue(field, volumeName, 'referenced volume must be of type emptyDir')];
    }),
  );
}
