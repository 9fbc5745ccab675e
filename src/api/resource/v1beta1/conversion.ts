/** What v1beta1 calls otherwise: a request's fields stand in the request itself, a device's below `basic`. */
import type { KubeObject } from '../../../apimachinery/meta.ts';
import type * as hub from '../v1/types.gen.ts';
import type * as v1beta1 from './types.gen.ts';

function requestToHub({ name, firstAvailable, ...exactly }: v1beta1.DeviceRequest): hub.DeviceRequest {
  const asked = Object.values(exactly).some((value) => value !== undefined && value !== '' && value !== 0);
  return {
    name,
    ...(asked ? { exactly: { deviceClassName: '', ...exactly } } : {}),
    ...(firstAvailable ? { firstAvailable } : {}),
  };
}

const requestFromHub = ({ name, exactly, firstAvailable }: hub.DeviceRequest): v1beta1.DeviceRequest => ({
  name,
  ...exactly,
  ...(firstAvailable ? { firstAvailable } : {}),
});

interface Claim<Request> {
  devices?: { requests?: Request[] };
}

function withRequests<From, To>(spec: Claim<From>, convert: (request: From) => To): Claim<To> {
  const { devices, ...rest } = spec;
  if (!devices) return rest;
  const { requests, ...others } = devices;
  return { ...rest, devices: { ...others, ...(requests ? { requests: requests.map(convert) } : {}) } };
}

export const claimToHub = (claim: v1beta1.ResourceClaim): hub.ResourceClaim => ({
  ...claim,
  spec: withRequests(claim.spec ?? {}, requestToHub) as hub.ResourceClaimSpec,
});

export function claimFromHub(object: KubeObject): v1beta1.ResourceClaim {
  const claim = object as hub.ResourceClaim;
  return { ...claim, spec: withRequests(claim.spec, requestFromHub) };
}

export const templateToHub = (template: v1beta1.ResourceClaimTemplate): hub.ResourceClaimTemplate => ({
  ...template,
  spec: { ...template.spec, spec: withRequests(template.spec?.spec ?? {}, requestToHub) as hub.ResourceClaimSpec },
});

export function templateFromHub(object: KubeObject): v1beta1.ResourceClaimTemplate {
  const template = object as hub.ResourceClaimTemplate;
  return { ...template, spec: { ...template.spec, spec: withRequests(template.spec.spec, requestFromHub) } };
}

export function sliceToHub(slice: v1beta1.ResourceSlice): hub.ResourceSlice {
  const { devices, nodeName, allNodes, ...spec } = slice.spec ?? {};
  return {
    ...slice,
    spec: {
      ...spec,
      ...(nodeName ? { nodeName } : {}),
      ...(allNodes ? { allNodes } : {}),
      ...(devices ? { devices: devices.map(({ name, basic }) => ({ name, ...basic })) } : {}),
    },
  };
}

export function sliceFromHub(object: KubeObject): v1beta1.ResourceSlice {
  const slice = object as hub.ResourceSlice;
  const { devices, ...spec } = slice.spec;
  return { ...slice, spec: { ...spec, ...(devices ? { devices: devices.map(({ name, ...basic }) => ({ name, basic })) } : {}) } };
}
