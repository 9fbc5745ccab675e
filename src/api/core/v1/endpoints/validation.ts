/** Validation of Endpoints. Source of the rule: upstream's `core/validation`. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { path, required } from '../../../../apimachinery/fieldpath.ts';
import { warningsForIp } from '../../../../apimachinery/ip.ts';
import {
  validateDnsLabelField,
  validateDnsSubdomainField,
  validateEnum,
  validateLegacyIpField,
  validatePort,
  validateQualifiedNameField,
} from '../../../../apimachinery/validation/common.ts';
import { portProtocols } from '../service/ports.ts';
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from '../types.gen.ts';
import { validateEndpointIp } from './address.ts';

function validateAddress(address: EndpointAddress, at: FieldPath): FieldError[] {
  const errors = validateLegacyIpField(address.ip, at.child('ip'));
  if (address.hostname) errors.push(...validateDnsLabelField(address.hostname, at.child('hostname')));
  if (address.nodeName !== undefined) errors.push(...validateDnsSubdomainField(address.nodeName, at.child('nodeName')));
  return [...errors, ...validateEndpointIp(address.ip, at.child('ip'))];
}

function validateEndpointPort(port: EndpointPort, nameRequired: boolean, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (port.name) errors.push(...validateDnsLabelField(port.name, at.child('name')));
  else if (nameRequired) errors.push(required(at.child('name')));
  errors.push(...validatePort(port.port, at.child('port')));
  errors.push(...validateEnum(port.protocol, portProtocols, at.child('protocol')));
  if (port.appProtocol !== undefined) errors.push(...validateQualifiedNameField(port.appProtocol, at.child('appProtocol')));
  return errors;
}

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0) errors.push(required(at, 'must specify `addresses` or `notReadyAddresses`'));
  errors.push(...addresses.flatMap((address, index) => validateAddress(address, at.child('addresses').index(index))));
  errors.push(...notReadyAddresses.flatMap((address, index) => validateAddress(address, at.child('notReadyAddresses').index(index))));
  errors.push(...ports.flatMap((port, index) => validateEndpointPort(port, ports.length > 1, at.child('ports').index(index))));
  return errors;
}

/** What stood before stays valid. */
export function validateEndpoints({ subsets = [] }: Endpoints, old?: Endpoints): FieldError[] {
  const errors = subsets.flatMap((subset, index) => validateSubset(subset, path('subsets').index(index)));
  return errors.length > 0 && old && semanticEqual(old.subsets, subsets) ? [] : errors;
}

/** The controller's own are known to be well-formed. */
export function endpointsWarnings({ metadata, subsets = [] }: Endpoints): string[] {
  if (metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller') return [];
  return subsets.flatMap((subset, index) =>
    (['addresses', 'notReadyAddresses'] as const).flatMap((list) =>
      (subset[list] ?? []).flatMap(({ ip }, position) => warningsForIp(`subsets[${index}].${list}[${position}].ip`, ip)),
    ),
  );
}
