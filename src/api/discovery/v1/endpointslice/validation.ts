/** Validation of an endpoint slice. Source of the rule: upstream's `discovery/validation`. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, path, required, tooMany } from '../../../../apimachinery/fieldpath.ts';
import { isIPv4, isIPv6, warningsForIp } from '../../../../apimachinery/ip.ts';
import { subdomainName, validateLabelValue } from '../../../../apimachinery/names.ts';
import { validateLabels } from '../../../../apimachinery/selectors.ts';
import {
  checked,
  validateDnsLabelField,
  validateEnum,
  validateFullyQualifiedDomainName,
  validateGiven,
  validateImmutable,
  validateIpField,
  validateLegacyIpField,
  validateQualifiedNameField,
} from '../../../../apimachinery/validation/common.ts';
import { validateEndpointIp } from '../../../core/v1/endpoints/address.ts';
import { portProtocols } from '../../../core/v1/service/ports.ts';
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '../types.gen.ts';

const most = { endpoints: 1000, addresses: 100, ports: 20000, topologyLabels: 16, hints: 8 };

function validateAddress(address: string, type: string, list: FieldPath, at: FieldPath): FieldError[] {
  if (type === 'FQDN') return validateFullyQualifiedDomainName(address, at);
  if (type !== 'IPv4' && type !== 'IPv6') return [];
  const errors = type === 'IPv4' ? validateLegacyIpField(address, at) : validateIpField(address, at);
  if (errors.length > 0) return errors;
  const matches = type === 'IPv4' ? isIPv4(address) : isIPv6(address);
  return [...(matches ? [] : [invalidValue(list, address, `must be an ${type} address`)]), ...validateEndpointIp(address, at)];
}

function validateNames(names: readonly string[], validate: (name: string) => string[], at: FieldPath): FieldError[] {
  if (names.length > most.hints) return [tooMany(at, names.length, most.hints)];
  return names.flatMap((name, index) => {
    const one = at.index(index).child('name');
    return [...(names.indexOf(name) < index ? [duplicate(one, name)] : []), ...checked(name, one, validate(name))];
  });
}

const validateHints = ({ forZones = [], forNodes = [] }: EndpointHints, at: FieldPath): FieldError[] => [
  ...validateNames(
    forZones.map(({ name }) => name),
    validateLabelValue,
    at.child('forZones'),
  ),
  ...validateNames(
    forNodes.map(({ name }) => name),
    (name) => subdomainName(name, false),
    at.child('forNodes'),
  ),
];

function validateEndpoint(endpoint: Endpoint, type: string, at: FieldPath): FieldError[] {
  const { addresses = [], nodeName, hostname, hints, deprecatedTopology: topology = {} } = endpoint;
  const list = at.child('addresses');
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(list, 'must contain at least 1 address'));
  else if (addresses.length > most.addresses) errors.push(tooMany(list, addresses.length, most.addresses));
  errors.push(...addresses.flatMap((address, index) => validateAddress(address, type, list, list.index(index))));
  if (nodeName !== undefined) errors.push(...checked(nodeName, at.child('nodeName'), subdomainName(nodeName, false)));
  const labels = Object.keys(topology).length;
  const topologyPath = at.child('deprecatedTopology');
  if (labels > most.topologyLabels) errors.push(tooMany(topologyPath, labels, most.topologyLabels));
  errors.push(...validateLabels(topology, topologyPath));
  if (hostname !== undefined) errors.push(...validateDnsLabelField(hostname, at.child('hostname')));
  return hints ? [...errors, ...validateHints(hints, at.child('hints'))] : errors;
}

function validateEndpoints({ endpoints = [], addressType = '' }: EndpointSlice): FieldError[] {
  const at = path('endpoints');
  if (endpoints.length > most.endpoints) return [tooMany(at, endpoints.length, most.endpoints)];
  return endpoints.flatMap((endpoint, index) => validateEndpoint(endpoint, addressType, at.index(index)));
}

function validatePorts(ports: readonly EndpointPort[]): FieldError[] {
  const at = path('ports');
  if (ports.length > most.ports) return [tooMany(at, ports.length, most.ports)];
  const names = new Set<string>();
  return ports.flatMap(({ name = '', protocol, appProtocol }, index) => {
    const one = at.index(index);
    const errors = name === '' ? [] : validateDnsLabelField(name, one.child('name'));
    if (names.has(name)) errors.push(duplicate(one.child('name'), name));
    names.add(name);
    errors.push(...validateGiven(protocol, portProtocols, one.child('protocol')));
    return appProtocol === undefined ? errors : [...errors, ...validateQualifiedNameField(appProtocol, one.child('appProtocol'))];
  });
}

/** What stood before stays valid. */
export function validateEndpointSlice(slice: EndpointSlice, old?: EndpointSlice): FieldError[] {
  const errors = [...validateEnum(slice.addressType, ['FQDN', 'IPv4', 'IPv6'], path('addressType')), ...validatePorts(slice.ports ?? [])];
  const wrong = validateEndpoints(slice);
  if (wrong.length > 0 && !(old && semanticEqual(old.endpoints, slice.endpoints))) errors.push(...wrong);
  return errors;
}

export const validateEndpointSliceUpdate = (slice: EndpointSlice, old: EndpointSlice): FieldError[] => [
  ...validateEndpointSlice(slice, old),
  ...validateImmutable(slice.addressType, old.addressType, path('addressType')),
];

const controllers = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'];

/** The controllers' own are known to be well-formed. */
export function endpointSliceWarnings({ metadata, addressType, endpoints = [] }: EndpointSlice, old: EndpointSlice | undefined): string[] {
  const warnings = addressType === 'FQDN' && !old ? ['spec.addressType: FQDN endpoints are deprecated'] : [];
  if (controllers.includes(metadata.labels?.['endpointslice.kubernetes.io/managed-by'] ?? '')) return warnings;
  return [
    ...warnings,
    ...endpoints.flatMap(({ addresses = [] }, index) =>
      addresses.flatMap((address, position) => warningsForIp(`endpoints[${index}].addresses[${position}]`, address)),
    ),
  ];
}
