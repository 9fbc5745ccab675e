import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { path, required } from '../../../apimachinery/fieldpath.ts';
import { validateIp } from '../../../apimachinery/ip.ts';
import { validatePathSegment } from '../../../apimachinery/names.ts';
import { checked, validateDnsSubdomainField, validateImmutable } from '../../../apimachinery/validation/common.ts';
import { nameColumn, textColumn } from '../../columns.ts';
import { internalValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { IPAddress } from './types.gen.ts';

function validateAddress({ spec }: IPAddress): FieldError[] {
  const at = path('spec', 'parentRef');
  const { parentRef } = spec;
  if (!parentRef) return [required(at)];
  const { group, resource, name, namespace } = parentRef;
  return [
    ...(group ? validateDnsSubdomainField(group, at.child('group')) : []),
    ...(resource ? checked(resource, at.child('resource'), validatePathSegment(resource)) : [required(at.child('resource'))]),
    ...(name ? checked(name, at.child('name'), validatePathSegment(name)) : [required(at.child('name'))]),
    ...(namespace ? checked(namespace, at.child('namespace'), validatePathSegment(namespace)) : []),
  ];
}

const shownParent = (parent: object | undefined): unknown => internalValue('io.k8s.api.networking.v1.ParentReference', parent);

function parentCell({ spec }: IPAddress): string {
  if (!spec.parentRef) return '<none>';
  const { group, resource, namespace, name } = spec.parentRef;
  const parent = `${resource}${group ? `.${group}` : ''}`.toLowerCase();
  return `${parent}${namespace ? `/${namespace}` : ''}/${name}`;
}

export const ipaddresses = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  shortNames: ['ip'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1.IPAddress',
  validateName: (name) => validateIp(name),
  validate: validateAddress,
  validateUpdate: (address, old) => [
    ...validateAddress(address),
    ...validateImmutable(address.spec.parentRef, old.spec.parentRef, path('spec', 'parentRef'), shownParent),
  ],
  columns: [nameColumn, textColumn('ParentRef', parentCell)],
});
