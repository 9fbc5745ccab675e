import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path, required } from '../../../apimachinery/fieldpath.ts';
import { parseCidr } from '../../../apimachinery/ip.ts';
import { immutableMessage, validateCidrField } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { internalValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import type { ServiceCIDR } from './types.gen.ts';

const at = path('spec', 'cidrs');

function validateCidrs({ spec }: ServiceCIDR): FieldError[] {
  const { cidrs = [] } = spec;
  if (cidrs.length === 0) return [required(at, 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalidValue(at, internalValue('io.k8s.api.networking.v1.ServiceCIDRSpec', spec), 'may only hold up to 2 values')];
  const errors = cidrs.flatMap((cidr, index) => validateCidrField(cidr, at.index(index)));
  const families = cidrs.map((cidr) => parseCidr(cidr)?.network.family);
  if (families.length === 2 && families[0] !== undefined && families[0] === families[1]) {
    errors.push(invalidValue(at, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'));
  }
  return errors;
}

/** A range of the other family may be added; nothing else changes. */
function validateChange(cidr: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const { cidrs = [] } = cidr.spec;
  const { cidrs: before = [] } = old.spec;
  const added = before.length === 1 && cidrs.length === 2;
  if (cidrs.length !== before.length && !added) return [invalidValue(at, cidrs, immutableMessage)];
  const errors = before.flatMap((one, index) => (one === cidrs[index] ? [] : [invalidValue(at.index(index), cidrs[index], immutableMessage)]));
  return added ? [...errors, ...validateCidrs(cidr)] : errors;
}

export const servicecidrs = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1.ServiceCIDR',
  validate: validateCidrs,
  validateUpdate: validateChange,
  columns: [nameColumn, textColumn('CIDRs', ({ spec }) => (spec.cidrs ?? []).join(',')), ageColumn],
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['metadata', 'spec'],
      prepareForUpdate: keepMetadata,
    },
  },
});
