/** Which IP families a service has: what the client said, completed by what the cluster has. Source of the rules: upstream's service registry. */
import { validateClusterIps } from '../../../api/core/v1/service/clusterips.ts';
import type { Service, ServiceSpec } from '../../../api/core/v1/types.gen.ts';
import { invalid } from '../../../apimachinery/errors.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path } from '../../../apimachinery/fieldpath.ts';
import { isIPv6 } from '../../../apimachinery/ip.ts';

export type Family = 'IPv4' | 'IPv6';

export const noAddress = 'None';

export const familyOf = (address: string): Family => (isIPv6(address) ? 'IPv6' : 'IPv4');
export const otherFamily = (family: string): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4');

const sameList = (a: readonly string[] = [], b: readonly string[] = []): boolean => a.length === b.length && a.every((one, index) => one === b[index]);

const refuse = ({ metadata }: Service, errors: FieldError[]): Error => invalid({ group: '', kind: 'Service' }, metadata.name, errors);

/**
 * A service that merely prefers two families is neither upgraded nor downgraded behind its owner's back
 * when the cluster gains or loses one.
 */
export function keepsPreference(service: Service, old: Service | undefined): boolean {
  const [now, before] = [service.spec ?? {}, old?.spec];
  if (!before || now.ipFamilyPolicy !== 'PreferDualStack' || before.ipFamilyPolicy !== now.ipFamilyPolicy) return false;
  return (
    now.type === before.type && now.clusterIP === before.clusterIP && sameList(now.clusterIPs, before.clusterIPs) && sameList(now.ipFamilies, before.ipFamilies)
  );
}

const isHeadlessWithoutSelector = (spec: ServiceSpec): boolean => spec.clusterIP === noAddress && Object.keys(spec.selector ?? {}).length === 0;

/** Fills in `ipFamilyPolicy` and `ipFamilies`. `configured` are the cluster's families, the default one first. Fails with 422. */
export function initFamilies(service: Service, old: Service | undefined, configured: readonly Family[]): void {
  service.spec ??= {};
  const { spec } = service;
  if (spec.type === 'ExternalName' || keepsPreference(service, old)) return;
  spec.ipFamilyPolicy ??= old?.spec?.ipFamilyPolicy ?? (isHeadlessWithoutSelector(spec) ? 'RequireDualStack' : 'SingleStack');

  const wrong = validateClusterIps(service, old);
  if (wrong.length > 0) throw refuse(service, wrong);
  const errors = old ? release(spec, old.spec ?? {}) : [];
  errors.push(...policyErrors(spec), ...inferFamilies(spec, configured));
  if (errors.length > 0) throw refuse(service, errors);

  if (isHeadlessWithoutSelector(spec)) {
    spec.ipFamilies = spec.ipFamilies?.length ? spec.ipFamilies : [configured[0] as Family];
    if (spec.ipFamilies.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') spec.ipFamilies = [...spec.ipFamilies, otherFamily(spec.ipFamilies[0] as string)];
    return;
  }
  const missing = unconfigured(spec, configured);
  if (missing.length > 0) throw refuse(service, missing);
  const families = spec.ipFamilies?.length ? [...spec.ipFamilies] : [configured[0] as Family];
  if (spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1 && configured.length === 2) families.push(otherFamily(families[0] as string));
  spec.ipFamilies = families;
}

/** Going back to one family gives the second one up, if the client left its fields as they were; else it must say so. */
function release(spec: ServiceSpec, before: ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameList(spec.clusterIPs, before.clusterIPs) && (spec.clusterIPs?.length ?? 0) > 1) spec.clusterIPs = (spec.clusterIPs as string[]).slice(0, 1);
    if (sameList(spec.ipFamilies, before.ipFamilies) && (spec.ipFamilies?.length ?? 0) > 1) spec.ipFamilies = (spec.ipFamilies as string[]).slice(0, 1);
    return [];
  }
  const policy = path('spec', 'ipFamilyPolicy');
  const reduced = (now: readonly string[] = [], then: readonly string[] = []): boolean => now.length !== 0 && now.length < then.length;
  const errors: FieldError[] = [];
  if (reduced(spec.clusterIPs, before.clusterIPs))
    errors.push(invalidValue(policy, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP"));
  if (reduced(spec.ipFamilies, before.ipFamilies))
    errors.push(invalidValue(policy, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family"));
  return errors;
}

function policyErrors(spec: ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const policy = path('spec', 'ipFamilyPolicy');
  const two = (what: string): FieldError =>
    invalidValue(policy, spec.ipFamilyPolicy, `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`);
  return [...(spec.clusterIPs?.length === 2 ? [two('cluster IPs')] : []), ...(spec.ipFamilies?.length === 2 ? [two('IP families')] : [])];
}

/** An address says its family. */
function inferFamilies(spec: ServiceSpec, configured: readonly Family[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === noAddress) break;
    if (index < (spec.ipFamilies?.length ?? 0)) continue;
    const family = familyOf(address);
    if (configured.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else errors.push(invalidValue(path('spec', 'clusterIPs').index(index), spec.clusterIPs, `${family} is not configured on this cluster`));
  }
  return errors;
}

function unconfigured(spec: ServiceSpec, configured: readonly Family[]): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    errors.push(invalidValue(path('spec', 'ipFamilyPolicy'), spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  }
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    if (!configured.includes(family as Family)) errors.push(invalidValue(path('spec', 'ipFamilies').index(index), family, 'not configured on this cluster'));
  }
  return errors;
}
