/** The devices of one pool that a driver offers. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, path, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDnsLabelField, validateDnsSubdomainField, validateImmutable } from '../../../../apimachinery/validation/common.ts';
import { validateNodeSelector } from '../../../core/v1/podtemplate/validation/affinity.ts';
import type { CounterSet, Device, ResourcePool, ResourceSlice, ResourceSliceSpec } from '../types.gen.ts';
import { validateSet } from './collections.ts';
import { validateCounters, validateDevice } from './device.ts';
import { validateDriverName, validatePoolName } from './names.ts';

const maxDevices = 128;
const maxCostlyDevices = 64;
const maxCounterSets = 8;

/** Costs more to look at when allocating. */
const isCostly = ({ taints, consumesCounters, attributes = {} }: Device): boolean =>
  Boolean(taints?.length || consumesCounters?.length) ||
  Object.values(attributes).some(({ bools, ints, strings, versions }) => bools ?? ints ?? strings ?? versions);

function validatePool({ name, resourceSliceCount: count = 0, generation = 0 }: ResourcePool, at: FieldPath): FieldError[] {
  const errors = validatePoolName(name, at.child('name'));
  if (count <= 0) errors.push(invalidValue(at.child('resourceSliceCount'), count, 'must be greater than zero'));
  if (generation < 0) errors.push(invalidValue(at.child('generation'), generation, 'must be greater than or equal to zero'));
  return errors;
}

const oneNode = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

/** Which nodes can use the devices is said in one way. */
function validateNodes({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (nodeName) errors.push(...validateDnsSubdomainField(nodeName, at.child('nodeName')));
  else if (nodeName === '') errors.push(invalidValue(at.child('nodeName'), nodeName, 'must be either unset or set to a non-empty string'));
  if (nodeSelector) {
    const { nodeSelectorTerms: terms } = nodeSelector;
    errors.push(...validateNodeSelector(nodeSelector, at.child('nodeSelector')));
    if (terms?.length !== 1) errors.push(invalidValue(at.child('nodeSelector', 'nodeSelectorTerms'), terms, 'must have exactly one node selector term'));
  }
  const flags = { allNodes, perDeviceNodeSelection };
  for (const [name, flag] of Object.entries(flags)) {
    if (flag === false) errors.push(invalidValue(at.child(name), flag, 'must be either unset or set to true'));
  }
  const set = Object.entries({ nodeName, nodeSelector, ...flags }).flatMap(([name, is]) => (is ? [`\`${name}\``] : []));
  if (set.length === 0) errors.push(required(at, oneNode));
  else if (set.length > 1) errors.push(invalidValue(at, `{${set.join(', ')}}`, `${oneNode}, but multiple fields are set`));
  return errors;
}

const validateCounterSet = ({ name, counters }: CounterSet, at: FieldPath): FieldError[] => [
  ...(name ? validateDnsLabelField(name, at.child('name')) : [required(at.child('name'))]),
  ...validateCounters(counters, at.child('counters')),
];

function validateSpec(spec: ResourceSliceSpec, old: ResourceSliceSpec | undefined): FieldError[] {
  const at = path('spec');
  const { devices = [], sharedCounters, perDeviceNodeSelection: perDevice = false } = spec;
  const errors = [...validateDriverName(spec.driver, at.child('driver')), ...validatePool(spec.pool ?? {}, at.child('pool'))];
  if (old) {
    errors.push(...validateImmutable(spec.pool?.name, old.pool?.name, at.child('pool', 'name')));
    for (const name of ['driver', 'nodeName'] as const) errors.push(...validateImmutable(spec[name], old[name], at.child(name)));
  }
  errors.push(...validateNodes(spec, at));
  if (sharedCounters && spec.devices) errors.push(invalidValue(at, '', 'only one of `sharedCounters` or `devices` is allowed'));
  const before = new Map(old?.devices?.map((device) => [device.name, device]));
  const limit = devices.some(isCostly) ? maxCostlyDevices : maxDevices;
  const check = (device: Device, deviceAt: FieldPath): FieldError[] => validateDevice(device, before.get(device.name), perDevice, deviceAt);
  return [
    ...errors,
    ...validateSet(devices, limit, check, ({ name }) => name, at.child('devices')),
    ...validateSet(sharedCounters, maxCounterSets, validateCounterSet, ({ name }) => name, at.child('sharedCounters')),
  ];
}

export const validateSlice = ({ spec }: ResourceSlice): FieldError[] => validateSpec(spec, undefined);
export const validateSliceUpdate = ({ spec }: ResourceSlice, old: ResourceSlice): FieldError[] => validateSpec(spec, old.spec);
