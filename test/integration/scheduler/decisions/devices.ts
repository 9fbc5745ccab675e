/** Devices, device classes and claims of a generated cluster, and pods that use them. */
import type { Pod } from '../../../../src/api/core/v1/types.gen.ts';
import type { Device, DeviceRequest, DeviceSubRequest, ExactDeviceRequest, ResourceClaim, ResourceSlice } from '../../../../src/api/resource/v1/types.gen.ts';
import type { GeneratedCluster } from './generate.ts';
import type { Random } from './random.ts';
import { zone } from './words.ts';

export interface DeviceMaker {
  use(pod: Pod, placed: boolean): void;
}

const driver = 'gpu.example.com';

function makeDevice(random: Random, name: string): Device {
  return {
    name,
    attributes: {
      model: { string: random.pick(['a', 'b']) },
      index: { int: random.int(0, 3) },
      ...(random.chance(0.8) ? { numa: { int: random.int(0, 1) } } : {}),
    },
    capacity: { memory: { value: random.pick(['16Gi', '40Gi']) } },
    ...(random.chance(0.15)
      ? { taints: [{ key: 'example.com/broken', value: 'x', effect: random.pick(['NoSchedule', 'NoExecute']), timeAdded: '2026-01-01T00:00:00Z' }] }
      : {}),
  };
}

/** Devices cut from one set of counters. */
function makePartitions(random: Random, slice: ResourceSlice, counters: ResourceSlice): void {
  counters.spec.sharedCounters = [{ name: 'whole', counters: { slices: { value: '4' }, memory: { value: '40Gi' } } }];
  for (const device of slice.spec.devices ?? []) {
    if (random.chance(0.3)) continue;
    // Upstream takes a partition's counters before it looks at taints and constraints, and forgets to give them back within the attempt.
    delete device.taints;
    device.consumesCounters = [
      { counterSet: 'whole', counters: { slices: { value: String(random.int(1, 3)) }, memory: { value: random.pick(['10Gi', '20Gi']) } } },
    ];
  }
}

/** Devices that several claims may share, each taking a part of their memory. */
function makeShared(random: Random, slice: ResourceSlice): void {
  for (const device of slice.spec.devices ?? []) {
    if (random.chance(0.4)) continue;
    device.allowMultipleAllocations = true;
    const policy = random.pick([
      undefined,
      { default: '4Gi', validValues: ['4Gi', '10Gi'] },
      { default: '2Gi', validRange: { min: '2Gi', max: '12Gi', step: '2Gi' } },
    ]);
    device.capacity = { memory: { value: '16Gi', ...(policy ? { requestPolicy: policy } : {}) } };
  }
}

function exactly(random: Random, className: string): ExactDeviceRequest {
  const expression = random.pick([
    undefined,
    `device.attributes["${driver}"].model == "a"`,
    `device.attributes["${driver}"].index > 0`,
    `device.capacity["${driver}"].memory.compareTo(quantity("20Gi")) >= 0`,
    `has(device.attributes["${driver}"].numa) && device.attributes["${driver}"].numa == 1`,
  ]);
  return {
    deviceClassName: className,
    ...(random.chance(0.2) ? { allocationMode: 'All' } : { allocationMode: 'ExactCount', count: random.int(1, 2) }),
    ...(expression ? { selectors: [{ cel: { expression } }] } : {}),
    ...(random.chance(0.2) ? { tolerations: [{ key: 'example.com/broken', operator: 'Exists' }] } : {}),
    ...(random.chance(0.25) ? { capacity: { requests: { memory: random.pick(['3Gi', '8Gi', '14Gi']) } } } : {}),
  };
}

function makeRequest(random: Random, name: string, classes: readonly string[]): DeviceRequest {
  if (random.chance(0.25)) {
    const firstAvailable = ['first', 'second'].map((one): DeviceSubRequest => ({ name: one, ...exactly(random, random.pick(classes)) }));
    return { name, firstAvailable };
  }
  const exact = exactly(random, random.pick(classes));
  return { name, exactly: random.chance(0.1) ? { ...exact, adminAccess: true } : exact };
}

export function addDevices(random: Random, cluster: GeneratedCluster, seed: number): DeviceMaker {
  const classes = [`gpu-${seed}`, `model-a-${seed}`];
  const [plain, modelA] = classes as [string, string];
  const extendedResourceName = 'example.com/card';
  cluster.deviceClasses.push(
    { metadata: { name: plain }, spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] } },
    {
      metadata: { name: modelA },
      spec: { selectors: [{ cel: { expression: `device.driver == "${driver}" && device.attributes["${driver}"].model == "a"` } }], extendedResourceName },
    },
  );
  const addSlice = (name: string, pool: string, where: Partial<ResourceSlice['spec']>, count: number): void => {
    const slice: ResourceSlice = {
      metadata: { name: `${name}-${seed}` },
      spec: { driver, pool: { name: pool, generation: 1, resourceSliceCount: 1 }, devices: [], ...where },
    };
    slice.spec.devices = Array.from({ length: count }, (_, index) => makeDevice(random, `dev-${index}`));
    cluster.resourceSlices.push(slice);
    const published = [slice];
    const kind = random.next();
    if (kind < 0.25) {
      const counters: ResourceSlice = { metadata: { name: `${name}-counters-${seed}` }, spec: { driver, pool: { ...slice.spec.pool }, ...where } };
      makePartitions(random, slice, counters);
      cluster.resourceSlices.push(counters);
      published.push(counters);
    } else if (kind < 0.5) makeShared(random, slice);
    // Half of a pool that is being published is no pool.
    const missing = random.chance(0.07) ? 1 : 0;
    for (const { spec } of published) spec.pool.resourceSliceCount = published.length + missing;
  };
  for (const { metadata } of cluster.nodes) {
    if (random.chance(0.7)) addSlice(`slice-${metadata.name}`, metadata.name, { nodeName: metadata.name }, random.int(1, 3));
  }
  if (random.chance(0.3)) addSlice('everywhere', `everywhere-${seed}`, { allNodes: true }, random.int(1, 2));
  if (random.chance(0.3)) {
    const nodeSelector = { nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: ['z1'] }] }] };
    addSlice('zone', `zone-${seed}`, { nodeSelector }, random.int(1, 2));
  }

  let count = 0;
  const taken = new Set<string>();
  function makeClaim(namespace: string): ResourceClaim {
    const requests = Array.from({ length: random.int(1, 2) }, (_, index) => makeRequest(random, `r${index}`, classes));
    const partitioned = cluster.resourceSlices.some(({ spec }) => spec.sharedCounters);
    const matchAttribute = `${driver}/${random.pick(['model', 'numa'])}`;
    const constraints = random.chance(0.3) ? [random.chance(0.7) ? { matchAttribute } : { distinctAttribute: `${driver}/index` }] : undefined;
    return {
      metadata: { name: `claim-${count++}-${seed}`, namespace },
      spec: { devices: { requests, ...(constraints && !partitioned ? { constraints } : {}) } },
    };
  }

  /** A claim that has one device of the pod's node. */
  function makeAllocated(pod: Pod): ResourceClaim | undefined {
    const slice = cluster.resourceSlices.find(({ spec }) => spec.devices && spec.nodeName === pod.spec.nodeName);
    const device = slice?.spec.devices?.find((one) => !taken.has(`${slice.spec.pool.name}/${one.name}`));
    if (!slice || !device || device.allowMultipleAllocations) return undefined;
    taken.add(`${slice.spec.pool.name}/${device.name}`);
    const { name, namespace = '', uid = '' } = pod.metadata;
    return {
      metadata: { name: `claim-${count++}-${seed}`, namespace },
      spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: plain, allocationMode: 'ExactCount', count: 1 } }] } },
      status: {
        allocation: {
          devices: { results: [{ request: 'r', driver, pool: slice.spec.pool.name, device: device.name }] },
          nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [slice.spec.nodeName!] }] }] },
        },
        reservedFor: [{ resource: 'pods', name, uid }],
      },
    };
  }

  return {
    use(pod, placed) {
      if (!placed && random.chance(0.15)) {
        const amount = String(random.int(1, 2));
        const container = pod.spec.containers[0]!;
        container.resources = {
          requests: { ...container.resources?.requests, [extendedResourceName]: amount },
          limits: { ...container.resources?.limits, [extendedResourceName]: amount },
        };
        return;
      }
      const namespace = pod.metadata.namespace ?? '';
      const existing = cluster.resourceClaims.filter(({ metadata }) => metadata.namespace === namespace);
      const shared = !placed && existing.length > 0 && random.chance(0.25) ? random.pick(existing) : undefined;
      const claim = shared ?? (placed ? makeAllocated(pod) : makeClaim(namespace));
      if (!claim) return;
      if (!shared) cluster.resourceClaims.push(claim);
      pod.spec.resourceClaims = [{ name: 'device', resourceClaimName: claim.metadata.name }];
      pod.spec.containers[0]!.resources = { ...pod.spec.containers[0]!.resources, claims: [{ name: 'device' }] };
    },
  };
}
