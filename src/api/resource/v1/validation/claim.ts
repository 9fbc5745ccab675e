/** What a claim asks for. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDnsLabelField } from '../../../../apimachinery/validation/common.ts';
import type { DeviceClaim, DeviceClaimConfiguration, DeviceConstraint, DeviceRequest, DeviceSubRequest, ExactDeviceRequest } from '../types.gen.ts';
import { itself, validateList, validateSet } from './collections.ts';
import { validateConfiguration, validateSelectors, validateToleration } from './common.ts';
import { type RequestNames, requestNames, validateClassName, validateFullyQualifiedName, validateRequestReference } from './names.ts';

export const maxRequests = 32;
export const maxConfigurations = 32;
const maxConstraints = 32;
const maxAlternatives = 8;
const maxTolerations = 16;

const modes = ['All', 'ExactCount'];

function validateAmount({ allocationMode: mode = '', count = 0 }: ExactDeviceRequest, at: FieldPath): FieldError[] {
  if (!modes.includes(mode)) return [notSupported(at.child('allocationMode'), mode, modes)];
  const countAt = at.child('count');
  if (mode === 'All') return count === 0 ? [] : [invalidValue(countAt, count, "must not be specified when allocationMode is 'All'")];
  return count > 0 ? [] : [invalidValue(countAt, count, 'must be greater than zero')];
}

const validateExact = (request: ExactDeviceRequest, at: FieldPath): FieldError[] => [
  ...validateClassName(request.deviceClassName, at.child('deviceClassName')),
  ...validateSelectors(request.selectors, at.child('selectors')),
  ...validateAmount(request, at),
  ...validateList(request.tolerations, maxTolerations, validateToleration, at.child('tolerations')),
];

const validateAlternative = (request: DeviceSubRequest, at: FieldPath): FieldError[] => [
  ...validateDnsLabelField(request.name ?? '', at.child('name')),
  ...validateExact(request, at),
];

const oneOfBoth = 'exactly one of `exactly` or `firstAvailable` is required';

function validateRequest({ name = '', exactly, firstAvailable = [] }: DeviceRequest, at: FieldPath): FieldError[] {
  const errors = validateDnsLabelField(name, at.child('name'));
  if (exactly && firstAvailable.length > 0) errors.push(invalidValue(at, null, `${oneOfBoth}, but multiple fields are set`));
  else if (exactly) errors.push(...validateExact(exactly, at.child('exactly')));
  else if (firstAvailable.length === 0) errors.push(required(at, oneOfBoth));
  else errors.push(...validateSet(firstAvailable, maxAlternatives, validateAlternative, (one) => one.name, at.child('firstAvailable')));
  return errors;
}

const validateReferences = (requests: string[] | undefined, names: RequestNames, at: FieldPath): FieldError[] =>
  validateSet(requests, maxRequests, validateRequestReference(names), itself, at.child('requests'));

function validateConstraint(constraint: DeviceConstraint, names: RequestNames, at: FieldPath): FieldError[] {
  const { requests, matchAttribute, distinctAttribute } = constraint;
  const errors = validateReferences(requests, names, at);
  if (matchAttribute !== undefined) errors.push(...validateFullyQualifiedName(matchAttribute, at.child('matchAttribute')));
  else if (distinctAttribute !== undefined) errors.push(...validateFullyQualifiedName(distinctAttribute, at.child('distinctAttribute')));
  else errors.push(required(at, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'));
  return errors;
}

export const validateClaimConfiguration = (config: DeviceClaimConfiguration, names: RequestNames, at: FieldPath): FieldError[] => [
  ...validateReferences(config.requests, names, at),
  ...validateConfiguration(config, at),
];

/** `spec.devices` of a claim or of a claim's template. */
export function validateDeviceClaim(claim: DeviceClaim = {}, at: FieldPath): FieldError[] {
  const names = requestNames(claim);
  return [
    ...validateSet(claim.requests, maxRequests, validateRequest, ({ name }) => name, at.child('requests')),
    ...validateList(claim.constraints, maxConstraints, (one, oneAt) => validateConstraint(one, names, oneAt), at.child('constraints')),
    ...validateList(claim.config, maxConfigurations, (one, oneAt) => validateClaimConfiguration(one, names, oneAt), at.child('config')),
  ];
}
