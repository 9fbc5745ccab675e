/** What was allocated for a claim, who uses it, and how the devices are. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, path, required, tooLong, tooMany } from '../../../../apimachinery/fieldpath.ts';
import { formatIp, parseCidr, parseIp } from '../../../../apimachinery/ip.ts';
import { validateConditions, validateDnsLabelField, validateEnum, validateImmutable } from '../../../../apimachinery/validation/common.ts';
import { validateNodeSelector } from '../../../core/v1/podtemplate/validation/affinity.ts';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimConsumerReference,
} from '../types.gen.ts';
import { maxConfigurations, maxRequests, validateClaimConfiguration } from './claim.ts';
import { itself, validateList, validateSet } from './collections.ts';
import { validateBinding, validateRaw } from './common.ts';
import { type RequestNames, requestNames, validateDriverName, validatePoolName, validateRequestReference, validateUid } from './names.ts';

const maxConsumers = 256;
const maxConditions = 8;
const maxData = 10 * 1024;
const maxAddresses = 16;
const maxInterfaceName = 256;
const maxHardwareAddress = 128;
const unlimited = Number.POSITIVE_INFINITY;

type Named = Pick<AllocatedDeviceStatus, 'driver' | 'pool' | 'device' | 'shareID'>;

/** `driver/pool/device`, and the share where several claims have one device. */
export const deviceId = ({ driver, pool, device, shareID }: Named): string => [driver, pool, device, ...(shareID ? [shareID] : [])].join('/');

export const allocatedDevices = (allocation: AllocationResult | undefined): Set<string> => new Set(allocation?.devices?.results?.map(deviceId));

const validateConsumer = (consumer: ResourceClaimConsumerReference, at: FieldPath): FieldError[] =>
  (['resource', 'name', 'uid'] as const).flatMap((field) => (consumer[field] ? [] : [required(at.child(field))]));

const validateDeviceName = (named: Named, at: FieldPath): FieldError[] => [
  ...validateDriverName(named.driver, at.child('driver')),
  ...validatePoolName(named.pool, at.child('pool')),
  ...validateDnsLabelField(named.device ?? '', at.child('device')),
  ...validateUid(named.shareID, at.child('shareID')),
];

function validateInterfaceAddress(text: string, at: FieldPath): FieldError[] {
  const [address = '', length = ''] = text.split('/');
  const ip = parseIp(address);
  if (!ip || !parseCidr(text)) return [invalidValue(at, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')];
  const canonical = `${formatIp(ip)}/${Number(length)}`;
  return text === canonical ? [] : [invalidValue(at, text, `must be in canonical form ("${canonical}")`)];
}

function validateNetworkData({ interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(interfaceName) > maxInterfaceName) errors.push(tooLong(at.child('interfaceName'), maxInterfaceName));
  if (Buffer.byteLength(hardwareAddress) > maxHardwareAddress) errors.push(tooLong(at.child('hardwareAddress'), maxHardwareAddress));
  return [...errors, ...validateSet(ips, maxAddresses, validateInterfaceAddress, itself, at.child('ips'))];
}

function validateDeviceStatus(status: AllocatedDeviceStatus, allocated: ReadonlySet<string>, at: FieldPath): FieldError[] {
  const errors = validateDeviceName(status, at);
  const id = deviceId(status);
  if (!allocated.has(id)) errors.push(invalidValue(at, id, 'must be an allocated device in the claim'));
  const { conditions = [], data, networkData } = status;
  const conditionsAt = at.child('conditions');
  if (conditions.length > maxConditions) errors.push(tooMany(conditionsAt, conditions.length, maxConditions));
  errors.push(...validateConditions(conditions, conditionsAt));
  if (data) errors.push(...validateRaw(data, maxData, at.child('data')));
  if (networkData) errors.push(...validateNetworkData(networkData, at.child('networkData')));
  return errors;
}

const validateResult = (result: DeviceRequestAllocationResult, names: RequestNames, at: FieldPath): FieldError[] => [
  ...validateRequestReference(names)(result.request ?? '', at.child('request')),
  ...validateDeviceName(result, at),
  ...validateBinding(result, at),
];

const validateAllocationConfiguration = (config: DeviceAllocationConfiguration, names: RequestNames, at: FieldPath): FieldError[] => [
  ...validateEnum(config.source, ['FromClaim', 'FromClass'], at.child('source')),
  ...validateClaimConfiguration(config, names, at),
];

function validateAllocation({ devices = {}, nodeSelector }: AllocationResult, names: RequestNames, at: FieldPath): FieldError[] {
  const devicesAt = at.child('devices');
  return [
    ...validateList(devices.results, maxRequests, (one, oneAt) => validateResult(one, names, oneAt), devicesAt.child('results')),
    // Both the class and the claim may bring as many as a claim may.
    ...validateList(devices.config, 2 * maxConfigurations, (one, oneAt) => validateAllocationConfiguration(one, names, oneAt), devicesAt.child('config')),
    ...(nodeSelector ? validateNodeSelector(nodeSelector, at.child('nodeSelector')) : []),
  ];
}

const addedWhileDeleted = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';

/** The change of a claim's status. What was allocated stays until it is taken back as a whole. */
export function validateClaimStatus(claim: ResourceClaim, old: ResourceClaim): FieldError[] {
  const { allocation, devices, reservedFor = [] } = claim.status ?? {};
  const before = old.status ?? {};
  const at = path('status');
  const allocated = allocatedDevices(allocation);
  const errors = [
    ...validateSet(reservedFor, maxConsumers, validateConsumer, ({ uid }) => uid, at.child('reservedFor')),
    ...validateSet(devices, unlimited, (one, oneAt) => validateDeviceStatus(one, allocated, oneAt), deviceId, at.child('devices')),
  ];
  if (reservedFor.length > 0 && !allocation) {
    errors.push(forbiddenField(at.child('reservedFor'), 'may not be specified when `allocated` is not set'));
  } else if (claim.metadata.deletionTimestamp) {
    const known = new Set(before.reservedFor?.map(({ uid }) => uid));
    if (reservedFor.some(({ uid }) => !known.has(uid))) errors.push(forbiddenField(at.child('reservedFor'), addedWhileDeleted));
  }
  const allocationAt = at.child('allocation');
  if (allocation && before.allocation) errors.push(...validateImmutable(allocation, before.allocation, allocationAt));
  else if (allocation) errors.push(...validateAllocation(allocation, requestNames(claim.spec.devices ?? {}), allocationAt));
  return errors;
}
