/** Validation of a service. Source of the rule: upstream's `core/validation`. */

import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, notSupportedInOrder, path, required } from '../../../../apimachinery/fieldpath.ts';
import { parseIp } from '../../../../apimachinery/ip.ts';
import { validateDnsSubdomain } from '../../../../apimachinery/names.ts';
import { validateLabels } from '../../../../apimachinery/selectors.ts';
import {
  checked,
  validateDnsSubdomainField,
  validateEnum,
  validateLegacyCidrField,
  validateLegacyIpField,
  validateQualifiedNameField,
} from '../../../../apimachinery/validation/common.ts';
import { validateEndpointIp } from '../endpoints/address.ts';
import type { Service, ServiceSpec } from '../types.gen.ts';
import { validateClusterIps, validateClusterIpsUpdate, validateFamiliesUpdate } from './clusterips.ts';
import { validatePortNumbers, validatePorts } from './ports.ts';
import { isExternallyAccessible, isHeadless, needsHealthCheckNodePort } from './rules.ts';

const specPath = path('spec');
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const topologyHintsAnnotation = 'service.kubernetes.io/topology-aware-hints';
const topologyModeAnnotation = 'service.kubernetes.io/topology-mode';
const longestAffinity = 86400;

function validateTopologyAnnotations({ metadata }: Service): FieldError[] {
  const hints = metadata.annotations?.[topologyHintsAnnotation];
  const mode = metadata.annotations?.[topologyModeAnnotation];
  if (hints === undefined || mode === undefined || hints === mode) return [];
  const at = path('metadata', 'annotations').key(topologyModeAnnotation);
  return [invalidValue(at, mode, `must match annotations[${topologyHintsAnnotation}] when both are specified`)];
}

function validateExternalName(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const not = 'may not be set for ExternalName services';
  if ((spec.clusterIPs?.length ?? 0) > 0) errors.push(forbiddenField(specPath.child('clusterIPs'), not));
  if ((spec.ipFamilies?.length ?? 0) > 0) errors.push(forbiddenField(specPath.child('ipFamilies'), not));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbiddenField(specPath.child('ipFamilyPolicy'), not));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(required(specPath.child('externalName')));
  else errors.push(...validateDnsSubdomainField(name, specPath.child('externalName')));
  return errors;
}

function validateByType(service: Service, spec: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') return validateExternalName(spec);
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(service)) {
    return [invalidValue(specPath.child('clusterIPs').index(0), spec.clusterIPs![0], `may not be set to 'None' for ${spec.type} services`)];
  }
  return [];
}

function validateAffinity(spec: ServiceSpec): FieldError[] {
  const errors = validateEnum(spec.sessionAffinity, ['ClientIP', 'None'], specPath.child('sessionAffinity'));
  const at = specPath.child('sessionAffinityConfig');
  const config = spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'None' && config) errors.push(forbiddenField(at, 'must not be set when session affinity is None'));
  if (spec.sessionAffinity !== 'ClientIP') return errors;
  const why = 'when session affinity type is ClientIP';
  const timeout = config?.clientIP?.timeoutSeconds;
  if (!config) errors.push(required(at, why));
  else if (!config.clientIP) errors.push(required(at.child('clientIP'), why));
  else if (timeout === undefined) errors.push(required(at.child('clientIP', 'timeoutSeconds'), why));
  else if (timeout <= 0 || timeout > longestAffinity) {
    errors.push(invalidValue(at.child('clientIP', 'timeoutSeconds'), timeout, `must be greater than 0 and less than ${longestAffinity}`));
  }
  return errors;
}

function validateExternalIps(spec: ServiceSpec, old: Service | undefined): FieldError[] {
  return (spec.externalIPs ?? []).flatMap((address, index) => {
    const at = specPath.child('externalIPs').index(index);
    const errors = validateLegacyIpField(address, at, true, old?.spec?.externalIPs ?? []);
    return errors.length > 0 ? errors : validateEndpointIp(address, at);
  });
}

function validateSourceRanges({ metadata }: Service, spec: ServiceSpec, old: Service | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0) {
    const at = specPath.child('LoadBalancerSourceRanges');
    if (spec.type !== 'LoadBalancer') errors.push(forbiddenField(at, onlyLoadBalancer));
    const known = (old?.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim());
    for (const [index, range] of ranges.entries()) errors.push(...validateLegacyCidrField(range.trim(), at.index(index), true, known));
    return errors;
  }
  const annotation = metadata.annotations?.[sourceRangesAnnotation];
  if (annotation === undefined) return errors;
  const at = path('metadata', 'annotations').key(sourceRangesAnnotation);
  if (spec.type !== 'LoadBalancer') errors.push(forbiddenField(at, onlyLoadBalancer));
  if (old?.metadata.annotations?.[sourceRangesAnnotation] === annotation || annotation.trim() === '') return errors;
  for (const range of annotation.trim().split(',')) errors.push(...validateLegacyCidrField(range.trim(), at));
  return errors;
}

function validateLoadBalancerFields(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const isLoadBalancer = spec.type === 'LoadBalancer';
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isLoadBalancer) {
    errors.push(forbiddenField(specPath.child('allocateLoadBalancerNodePorts'), onlyLoadBalancer));
  }
  if (isLoadBalancer && spec.allocateLoadBalancerNodePorts === undefined) errors.push(required('allocateLoadBalancerNodePorts'));
  if (spec.loadBalancerClass !== undefined) {
    const at = specPath.child('loadBalancerClass');
    errors.push(...(isLoadBalancer ? validateQualifiedNameField(spec.loadBalancerClass, at) : [forbiddenField(at, onlyLoadBalancer)]));
  }
  return errors;
}

function validateTrafficPolicies(service: Service, spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const externalPath = specPath.child('externalTrafficPolicy');
  if (isExternallyAccessible(service)) errors.push(...validateEnum(spec.externalTrafficPolicy, ['Cluster', 'Local'], externalPath));
  else if (spec.externalTrafficPolicy) {
    errors.push(invalidValue(externalPath, spec.externalTrafficPolicy, 'may only be set for externally-accessible services'));
  }
  const portPath = specPath.child('healthCheckNodePort');
  const port = spec.healthCheckNodePort ?? 0;
  // 0 where one is needed: allocation, which comes later, will find one.
  if (port !== 0 && !needsHealthCheckNodePort(service)) {
    errors.push(invalidValue(portPath, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  } else if (port < 0 || port > 65535) errors.push(invalidValue(portPath, port, 'must be between 1 and 65535, inclusive'));
  const internal = spec.internalTrafficPolicy;
  const internalPath = specPath.child('internalTrafficPolicy');
  if (internal === undefined) {
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer' || spec.type === 'ClusterIP') errors.push(required(internalPath));
  } else if (internal !== 'Cluster' && internal !== 'Local') errors.push(notSupported(internalPath, internal, ['Cluster', 'Local']));
  const distribution = spec.trafficDistribution;
  const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  if (distribution !== undefined && !distributions.includes(distribution)) {
    errors.push(notSupportedInOrder(specPath.child('trafficDistribution'), distribution, distributions));
  }
  return errors;
}

export function validateService(service: Service, old?: Service): FieldError[] {
  const spec = service.spec ?? {};
  const errors = validateTopologyAnnotations(service);
  if ((spec.ports?.length ?? 0) === 0 && !isHeadless(service) && spec.type !== 'ExternalName') errors.push(required(specPath.child('ports')));
  errors.push(...validateByType(service, spec));
  errors.push(...validatePorts(service));
  errors.push(...validateLabels(spec.selector, specPath.child('selector')));
  errors.push(...validateAffinity(spec));
  errors.push(...validateClusterIps(service, old));
  errors.push(...validateExternalIps(spec, old));
  errors.push(...validateEnum(spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], specPath.child('type')));
  errors.push(...validatePortNumbers(service));
  errors.push(...validateSourceRanges(service, spec, old));
  errors.push(...validateLoadBalancerFields(spec));
  errors.push(...validateTrafficPolicies(service, spec));
  return errors;
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors = [...validateClusterIpsUpdate(service, old), ...validateFamiliesUpdate(service, old)];
  const { spec = {} } = service;
  const before = old.spec ?? {};
  if (spec.type === 'LoadBalancer' && before.type === 'LoadBalancer' && spec.loadBalancerClass !== before.loadBalancerClass) {
    errors.push(invalidValue(specPath.child('loadBalancerClass'), spec.loadBalancerClass, 'may not change once set'));
  }
  const bothChecked = needsHealthCheckNodePort(old) && needsHealthCheckNodePort(service);
  if (bothChecked && (spec.healthCheckNodePort ?? 0) !== (before.healthCheckNodePort ?? 0)) {
    errors.push(forbiddenField(specPath.child('healthCheckNodePort'), 'field is immutable'));
  }
  errors.push(...validateService(service, old));
  return errors;
}

/** The addresses that a load balancer reports. */
export function validateServiceStatusUpdate({ spec, status }: Service, old: Service): FieldError[] {
  const at = path('status', 'loadBalancer', 'ingress');
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (spec?.type !== 'LoadBalancer' && ingress.length > 0) return [forbiddenField(at, "may only be used when `spec.type` is 'LoadBalancer'")];
  const known = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  return ingress.flatMap(({ ip = '', ipMode, hostname = '' }, index) => {
    const errors: FieldError[] = [];
    const one = at.index(index);
    if (ip !== '') errors.push(...validateLegacyIpField(ip, one.child('ip'), true, known));
    if (ipMode === undefined) {
      if (ip !== '') errors.push(required(one.child('ipMode'), 'must be specified when `ip` is set'));
    } else if (ip === '') errors.push(forbiddenField(one.child('ipMode'), 'may not be specified when `ip` is not set'));
    else if (ipMode !== 'VIP' && ipMode !== 'Proxy') errors.push(notSupported(one.child('ipMode'), ipMode, ['Proxy', 'VIP']));
    if (hostname !== '') {
      errors.push(...checked(hostname, one.child('hostname'), validateDnsSubdomain(hostname)));
      if (parseIp(hostname)) errors.push(invalidValue(one.child('hostname'), hostname, 'must be a DNS name, not an IP address'));
    }
    return errors;
  });
}
