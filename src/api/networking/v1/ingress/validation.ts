/** What an Ingress must look like. Source of the rules: `pkg/apis/networking/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { parseIp } from '../../../../apimachinery/ip.ts';
import {
  validateDnsLabel,
  validateDnsSubdomain,
  validatePathSegment,
  validatePortName,
  validatePortNumber,
  validateWildcardDnsSubdomain,
} from '../../../../apimachinery/names.ts';
import { checked, validateDnsSubdomainField, validateLegacyIpField } from '../../../../apimachinery/validation/common.ts';
import type { TypedLocalObjectReference } from '../../../core/v1/types.gen.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressTLS } from '../types.gen.ts';

export const classAnnotation = 'kubernetes.io/ingress.class';
const pathTypes = ['Exact', 'Prefix', 'ImplementationSpecific'];
const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badSuffixes = ['/..', '/.'];

const validateHost = (host: string, at: FieldPath): FieldError[] =>
  checked(host, at, host.includes('*') ? validateWildcardDnsSubdomain(host) : validateDnsSubdomain(host));

export function validateTypedReference({ apiGroup, kind, name }: TypedLocalObjectReference, at: FieldPath): FieldError[] {
  return [
    ...(apiGroup === undefined ? [] : validateDnsSubdomainField(apiGroup, at.child('apiGroup'))),
    ...(kind ? checked(kind, at.child('kind'), validatePathSegment(kind)) : [required(at.child('kind'))]),
    ...(name ? checked(name, at.child('name'), validatePathSegment(name)) : [required(at.child('name'))]),
  ];
}

function validateServiceBackend({ name, port = {} }: IngressServiceBackend, at: FieldPath): FieldError[] {
  const serviceAt = at.child('service');
  const errors = name ? checked(name, serviceAt.child('name'), validateDnsLabel(name)) : [required(serviceAt.child('name'))];
  if (port.name && port.number) return [...errors, invalidValue(at, '', 'cannot set both port name & port number')];
  if (port.name) return [...errors, ...checked(port.name, serviceAt.child('port', 'name'), validatePortName(port.name))];
  if (port.number) return [...errors, ...checked(port.number, serviceAt.child('port', 'number'), validatePortNumber(port.number))];
  return [...errors, required(at, 'port name or number is required')];
}

function validateBackend({ resource, service }: IngressBackend, at: FieldPath): FieldError[] {
  if (resource && service) return [invalidValue(at, '', 'cannot set both resource and service backends')];
  if (resource) return validateTypedReference(resource, at.child('resource'));
  return service ? validateServiceBackend(service, at) : [invalidValue(at, '', 'resource or service backend is required')];
}

function validatePath({ pathType, path: text = '', backend }: HTTPIngressPath, at: FieldPath): FieldError[] {
  if (pathType === undefined) return [required(at.child('pathType'), 'pathType must be specified')];
  const errors: FieldError[] = [];
  const pathAt = at.child('path');
  const relative = !text.startsWith('/');
  if (!pathTypes.includes(pathType)) errors.push(notSupported(at.child('pathType'), pathType, pathTypes));
  else if (pathType === 'ImplementationSpecific') {
    if (text !== '' && relative) errors.push(invalidValue(pathAt, text, 'must be an absolute path'));
  } else {
    if (relative) errors.push(invalidValue(pathAt, text, 'must be an absolute path'));
    for (const bad of badSequences) if (text.includes(bad)) errors.push(invalidValue(pathAt, text, `must not contain '${bad}'`));
    for (const bad of badSuffixes) if (text.endsWith(bad)) errors.push(invalidValue(pathAt, text, `cannot end with '${bad}'`));
  }
  return [...errors, ...validateBackend(backend ?? {}, at.child('backend'))];
}

function validateHttp({ http }: IngressRule, at: FieldPath): FieldError[] {
  if (!http) return [];
  const paths = http.paths ?? [];
  const pathsAt = at.child('http', 'paths');
  const errors = paths.length === 0 ? [required(pathsAt)] : [];
  return [...errors, ...paths.flatMap((one, index) => validatePath(one, pathsAt.index(index)))];
}

const isWildcard = ({ host = '' }: IngressRule): boolean => host.includes('*');

function validateRule(rule: IngressRule, skipWildcardHttp: boolean, at: FieldPath): FieldError[] {
  const { host = '' } = rule;
  const errors: FieldError[] = [];
  if (host !== '') {
    if (parseIp(host)) errors.push(invalidValue(at.child('host'), host, 'must be a DNS name, not an IP address'));
    errors.push(...validateHost(host, at.child('host')));
  }
  return skipWildcardHttp && isWildcard(rule) ? errors : [...errors, ...validateHttp(rule, at)];
}

const validateSecretName = (name = ''): string[] => (name === '' ? [] : validateDnsSubdomain(name));

function validateTls({ hosts = [], secretName = '' }: IngressTLS, anySecret: boolean, at: FieldPath): FieldError[] {
  const errors = hosts.flatMap((host, index) => validateHost(host, at.child('hosts').index(index)));
  return anySecret ? errors : [...errors, ...checked(secretName, at.child('secretName'), validateSecretName(secretName))];
}

/** `old` is the Ingress that stands, on an update: what was wrong there is let pass. */
export function validateIngress({ spec }: Ingress, old: Ingress | undefined): FieldError[] {
  const at = path('spec');
  const { rules = [], tls = [], defaultBackend, ingressClassName } = spec;
  const skipWildcardHttp = (old?.spec.rules ?? []).some((rule) => isWildcard(rule) && validateHttp(rule, at).length > 0);
  const anySecret = (old?.spec.tls ?? []).some(({ secretName }) => validateSecretName(secretName).length > 0);
  const errors: FieldError[] = [];
  if (rules.length === 0 && !defaultBackend) errors.push(invalidValue(at, spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified'));
  if (defaultBackend) errors.push(...validateBackend(defaultBackend, at.child('defaultBackend')));
  errors.push(...rules.flatMap((rule, index) => validateRule(rule, skipWildcardHttp, at.child('rules').index(index))));
  errors.push(...tls.flatMap((one, index) => validateTls(one, anySecret, at.child('tls').index(index))));
  if (ingressClassName !== undefined) errors.push(...validateDnsSubdomainField(ingressClassName, at.child('ingressClassName')));
  return errors;
}

export function validateClassAnnotation({ metadata, spec }: Ingress): FieldError[] {
  const annotated = metadata.annotations?.[classAnnotation];
  if (annotated === undefined || spec.ingressClassName === undefined || annotated === spec.ingressClassName) return [];
  return [invalidValue(path('annotations', classAnnotation), annotated, 'must match `ingressClassName` when both are specified')];
}

export function validateIngressStatus({ status }: Ingress, old: Ingress): FieldError[] {
  const at = path('status', 'loadBalancer', 'ingress');
  const known = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, index) => {
    const errors = ip ? validateLegacyIpField(ip, at.index(index).child('ip'), true, known) : [];
    if (!hostname) return errors;
    const hostAt = at.index(index).child('hostname');
    errors.push(...validateDnsSubdomainField(hostname, hostAt));
    if (parseIp(hostname)) errors.push(invalidValue(hostAt, hostname, 'must be a DNS name, not an IP address'));
    return errors;
  });
}
