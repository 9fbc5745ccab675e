import { path } from '../../../../apimachinery/fieldpath.ts';
import { warningsForCidr, warningsForIp } from '../../../../apimachinery/ip.ts';
import type { Service } from '../types.gen.ts';
import { noClusterIp } from './rules.ts';

const specPath = path('spec');
const each = (name: string, values: readonly string[] | undefined, warningsFor: (field: string, value: string) => string[]): string[] =>
  (values ?? []).flatMap((value, index) => warningsFor(specPath.child(name).index(index).toString(), value));

/** What is allowed in a service, but has no effect or will not stay allowed. */
export function serviceWarnings({ metadata, spec = {} }: Service): string[] {
  const warnings: string[] = [];
  if (metadata.annotations?.['service.kubernetes.io/topology-aware-hints'] !== undefined) {
    warnings.push('annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead');
  }
  const { type, clusterIP, clusterIPs, externalIPs = [], loadBalancerIP = '', externalName = '' } = spec;
  if (clusterIP !== noClusterIp) warnings.push(...each('clusterIPs', clusterIPs, warningsForIp));
  const headless = type === 'ClusterIP' && clusterIP === noClusterIp;
  if (headless) {
    if (loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  warnings.push(...each('externalIPs', externalIPs, warningsForIp));
  if (externalIPs.length > 0 && !headless && type !== 'ExternalName') {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  if (loadBalancerIP) warnings.push(...warningsForIp(specPath.child('loadBalancerIP').toString(), loadBalancerIP));
  warnings.push(...each('loadBalancerSourceRanges', spec.loadBalancerSourceRanges, warningsForCidr));
  if (type === 'ExternalName' && externalIPs.length > 0) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (type !== 'ExternalName' && externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === 'PreferClose') warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}

export const serviceStatusWarnings = ({ status }: Service): string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, index) => (ip ? warningsForIp(`status.loadBalancer.ingress[${index}]`, ip) : []));
