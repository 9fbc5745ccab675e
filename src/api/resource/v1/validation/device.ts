/** One device of a slice. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { fieldNotFound, invalidValue, required, tooLong } from '../../../../apimachinery/fieldpath.ts';
import { canonicalQuantity, quantitySign } from '../../../../apimachinery/quantity.ts';
import { validateDnsLabelField, validateDnsSubdomainField } from '../../../../apimachinery/validation/common.ts';
import { validateNodeSelector } from '../../../core/v1/podtemplate/validation/affinity.ts';
import { isNativeResource } from '../../../core/v1/resourcenames.ts';
import type { Counter, Device, DeviceAttribute, DeviceCounterConsumption } from '../types.gen.ts';
import { validateCapacity } from './capacity.ts';
import { validateList, validateMap, validateSet } from './collections.ts';
import { validateBinding, validateTaint } from './common.ts';
import { maxQualifiedName, validateQualifiedName } from './names.ts';

const maxDescribed = 32;
const maxAttributeValues = 48;
const maxAttributeValue = 64;
const maxTaints = 16;
const maxConsumptions = 2;
const maxCounters = 32;

const numeric = '(0|[1-9]\\d*)';
const preRelease = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const build = '[0-9a-zA-Z-]+';
const semver = new RegExp(`^${numeric}\\.${numeric}\\.${numeric}(-${preRelease}(\\.${preRelease})*)?(\\+${build}(\\.${build})*)?$`);

const validateText = (text: string, at: FieldPath): FieldError[] => (Buffer.byteLength(text) > maxAttributeValue ? [tooLong(at, maxAttributeValue)] : []);

const validateVersion = (text: string, at: FieldPath): FieldError[] => [
  ...(semver.test(text) ? [] : [invalidValue(at, text, 'must be a string compatible with semver.org spec 2.0.0')]),
  ...validateText(text, at),
];

const lists = ['bools', 'ints', 'strings', 'versions'] as const;

/** As upstream prints it. */
function attributeValue({ int, bool, string, version, ints, bools, strings, versions }: DeviceAttribute): unknown {
  const shown = {
    IntValue: int,
    BoolValue: bool,
    StringValue: string,
    VersionValue: version,
    IntValues: ints,
    BoolValues: bools,
    StringValues: strings,
    VersionValues: versions,
  };
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, value ?? null]));
}

function validateAttribute(attribute: DeviceAttribute, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (attribute.string !== undefined) errors.push(...validateText(attribute.string, at.child('string')));
  if (attribute.version !== undefined) errors.push(...validateVersion(attribute.version, at.child('version')));
  for (const name of lists) {
    if (attribute[name]?.length === 0) errors.push(invalidValue(at.child(name), [], 'must not be empty if specified'));
  }
  errors.push(...(attribute.strings ?? []).flatMap((text, index) => validateText(text, at.child('strings').index(index))));
  errors.push(...(attribute.versions ?? []).flatMap((text, index) => validateVersion(text, at.child('versions').index(index))));
  const set = Object.values(attribute).filter((one) => one !== undefined).length;
  if (set !== 1) errors.push(invalidValue(at, set === 0 ? '' : attributeValue(attribute), 'exactly one value must be specified'));
  return errors;
}

const valuesIn = (attribute: DeviceAttribute): number => lists.reduce((count, name) => count + (attribute[name]?.length ?? 0), 0) || 1;

function validateSizes({ attributes = {}, capacity = {} }: Device, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const described = Object.keys(attributes).length + Object.keys(capacity).length;
  if (described > maxDescribed) errors.push(invalidValue(at, described, `the total number of attributes and capacities must not exceed ${maxDescribed}`));
  const values = Object.values(attributes).reduce((count, attribute) => count + valuesIn(attribute), 0);
  if (values > maxAttributeValues) errors.push(invalidValue(at, values, `the total number of attribute values must not exceed ${maxAttributeValues}`));
  return errors;
}

/** Counters by name; there is one at least. */
export const validateCounters = (counters: Record<string, Counter> | undefined, at: FieldPath): FieldError[] =>
  Object.keys(counters ?? {}).length === 0 ? [required(at)] : validateMap(counters, { limit: maxCounters, keyLength: 63, key: validateDnsLabelField }, at);

const validateConsumption = ({ counterSet, counters }: DeviceCounterConsumption, at: FieldPath): FieldError[] => [
  ...(counterSet ? validateDnsLabelField(counterSet, at.child('counterSet')) : [required(at.child('counterSet'))]),
  ...validateCounters(counters, at.child('counters')),
];

const oneNode = 'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const noNode = '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';

function validateNode({ nodeName, nodeSelector, allNodes }: Device, perDevice: boolean, at: FieldPath): FieldError[] {
  if (!perDevice) {
    const any = nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined;
    return any ? [invalidValue(at, null, noNode)] : [];
  }
  const errors: FieldError[] = [];
  if (nodeName) errors.push(...validateDnsSubdomainField(nodeName, at.child('nodeName')));
  else if (nodeName === '') errors.push(invalidValue(at.child('nodeName'), nodeName, 'must not be empty'));
  if (nodeSelector) errors.push(...validateNodeSelector(nodeSelector, at.child('nodeSelector')));
  if (allNodes === false) errors.push(invalidValue(at.child('allNodes'), allNodes, 'must be either unset or set to true'));
  const set = [nodeName && '`nodeName`', nodeSelector && '`nodeSelector`', allNodes && '`allNodes`'].filter(Boolean);
  if (set.length === 0) errors.push(required(at, oneNode));
  else if (set.length > 1) errors.push(invalidValue(at, `{${set.join(', ')}}`, oneNode));
  return errors;
}

function validateMappings({ nodeAllocatableResourceMappings: mappings = {}, capacity = {} }: Device, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, { allocationMultiplier: multiplier, capacityKey }] of Object.entries(mappings)) {
    const keyAt = at.key(name);
    if (!isNativeResource(name)) errors.push(invalidValue(keyAt, name, 'must be a node allocatable resource name'));
    if (multiplier === undefined && capacityKey === undefined) {
      errors.push(invalidValue(keyAt, '', 'at least one of allocationMultiplier or capacityKey must be set'));
    }
    if (multiplier !== undefined && quantitySign(multiplier) <= 0) {
      errors.push(invalidValue(keyAt.child('allocationMultiplier'), canonicalQuantity(multiplier), 'must be positive'));
    }
    const capacityAt = keyAt.child('capacityKey');
    if (capacityKey === '') errors.push(invalidValue(capacityAt, '', 'capacityKey must not be an empty string'));
    else if (capacityKey !== undefined && !(capacityKey in capacity)) errors.push(fieldNotFound(capacityAt, capacityKey));
  }
  return errors;
}

/** `old` is the device of that name before the change; `perDevice` that each device says for itself where it is. */
export function validateDevice(device: Device, old: Device | undefined, perDevice: boolean, at: FieldPath): FieldError[] {
  const shared = device.allowMultipleAllocations === true;
  const names = { keyLength: maxQualifiedName, key: validateQualifiedName };
  return [
    ...validateDnsLabelField(device.name ?? '', at.child('name')),
    ...validateSizes(device, at),
    ...validateMap(device.attributes, { ...names, item: validateAttribute }, at.child('attributes')),
    ...validateMap(device.capacity, { ...names, item: (one, oneAt) => validateCapacity(one, shared, oneAt) }, at.child('capacity')),
    ...(old && semanticEqual(old.taints, device.taints) ? [] : validateList(device.taints, maxTaints, validateTaint, at.child('taints'))),
    ...validateSet(device.consumesCounters, maxConsumptions, validateConsumption, ({ counterSet }) => counterSet, at.child('consumesCounters')),
    ...validateNode(device, perDevice, at),
    ...validateBinding(device, at),
    ...validateMappings(device, at.child('nodeAllocatableResourceMappings')),
  ];
}
