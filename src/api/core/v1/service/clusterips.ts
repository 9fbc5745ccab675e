/** Validation of a service's addresses and IP families. */

import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { isIPv4, isIPv6 } from '../../../../apimachinery/ip.ts';
import { validateLegacyIpField } from '../../../../apimachinery/validation/common.ts';
import type { Service } from '../types.gen.ts';
import { isHeadless, noClusterIp } from './rules.ts';

const clusterIpsPath = path('spec', 'clusterIPs');
const familiesPath = path('spec', 'ipFamilies');
const policyPath = path('spec', 'ipFamilyPolicy');

const families: readonly string[] = ['IPv4', 'IPv6'];
const policies: readonly string[] = ['SingleStack', 'PreferDualStack', 'RequireDualStack'];
const noChange = 'may not change once set';

function validateFamilies({ spec = {} }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    if (!families.includes(family)) errors.push(notSupported(familiesPath.index(index), family, families));
    if (seen.has(family)) errors.push(duplicate(familiesPath.index(index), family));
    seen.add(family);
  }
  const policy = spec.ipFamilyPolicy;
  if (policy !== undefined && !policies.includes(policy)) errors.push(notSupported(policyPath, policy, policies));
  return errors;
}

/** Whether each address on its own is one. */
function validateAddresses(clusterIPs: readonly string[], old: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, address] of clusterIPs.entries()) {
    if (index === 0 && address === noClusterIp) {
      if (clusterIPs.length > 1) errors.push(invalidValue(clusterIpsPath, clusterIPs, "'None' must be the first and only value"));
      continue;
    }
    errors.push(...validateLegacyIpField(address, clusterIpsPath.index(index), true, old));
  }
  return errors;
}

/** What is wrong with `clusterIP(s)`, `ipFamilies` and `ipFamilyPolicy`. Allocation asks it too. */
export function validateClusterIps(service: Service, old: Service | undefined): FieldError[] {
  const { spec = {} } = service;
  if (spec.type === 'ExternalName') return [];
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec;
  const errors: FieldError[] = [];
  if (clusterIP !== '') {
    if (clusterIPs.length === 0) errors.push(required(clusterIpsPath));
    else if (clusterIPs[0] !== clusterIP) errors.push(invalidValue(clusterIpsPath, clusterIPs, 'first value must match `clusterIP`'));
  } else if (clusterIPs.length > 0) {
    errors.push(invalidValue(clusterIpsPath, clusterIPs, 'must be empty when `clusterIP` is not specified'));
  }
  errors.push(...validateFamilies(service));

  const wrongAddresses = validateAddresses(clusterIPs, old?.spec?.clusterIPs ?? []);
  errors.push(...wrongAddresses);
  if (clusterIPs.length > 2) errors.push(invalidValue(clusterIpsPath, clusterIPs, 'may only hold up to 2 values'));
  if (wrongAddresses.length > 0) return errors;

  if (clusterIPs.length > 1 && !(clusterIPs.some(isIPv4) && clusterIPs.some(isIPv6))) {
    errors.push(invalidValue(clusterIpsPath, clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  if (isHeadless(service)) return errors;
  for (const [index, address] of clusterIPs.entries()) {
    const family = ipFamilies[index];
    if (family !== 'IPv4' && family !== 'IPv6') continue;
    if (isIPv6(address) === (family === 'IPv6')) continue;
    errors.push(invalidValue(clusterIpsPath.index(index), address, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``));
  }
  return errors;
}

/** The first address stays as it is; a second one may come and go. */
export function validateClusterIpsUpdate(service: Service, old: Service): FieldError[] {
  if (service.spec?.type === 'ExternalName' || old.spec?.type === 'ExternalName') return [];
  if (isHeadless(old) && isHeadless(service)) return [];
  const before = old.spec?.clusterIPs ?? [];
  const after = service.spec?.clusterIPs ?? [];
  const first = clusterIpsPath.index(0);
  const errors: FieldError[] = [];
  if (before.length === after.length) {
    for (const [index, address] of before.entries()) if (address !== after[index]) errors.push(invalidValue(clusterIpsPath.index(index), after, noChange));
    return errors;
  }
  if (before.length > after.length && after.length === 0) errors.push(invalidValue(first, after, 'primary clusterIP can not be unset'));
  if (before.length > 0 && after.length > 0 && before[0] !== after[0]) errors.push(invalidValue(first, after, noChange));
  if (before.length > after.length && after.length === 1 && service.spec?.ipFamilyPolicy !== 'SingleStack') {
    errors.push(invalidValue(policyPath, service.spec?.ipFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary clusterIP"));
  }
  return errors;
}

/** The first family stays as it is; a second one may come and go. */
export function validateFamiliesUpdate(service: Service, old: Service): FieldError[] {
  if (service.spec?.type === 'ExternalName' || old.spec?.type === 'ExternalName') return [];
  if (isHeadless(service) || isHeadless(old)) return [];
  const before = old.spec?.ipFamilies ?? [];
  const after = service.spec?.ipFamilies ?? [];
  const clusterIPs = service.spec?.clusterIPs ?? [];
  const first = familiesPath.index(0);
  const errors: FieldError[] = [];
  if (before.length === after.length) {
    for (const [index, family] of before.entries()) if (family !== after[index]) errors.push(invalidValue(first, after, noChange));
    return errors;
  }
  if (before.length > after.length && clusterIPs.length === 0) errors.push(invalidValue(first, after, 'primary ipFamily can not be unset'));
  if (before.length > 0 && after.length > 0 && before[0] !== after[0]) errors.push(invalidValue(first, clusterIPs, noChange));
  if (before.length > after.length && after.length === 1 && service.spec?.ipFamilyPolicy !== 'SingleStack') {
    errors.push(invalidValue(policyPath, service.spec?.ipFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary ipFamily"));
  }
  return errors;
}
