/**
 * Clusters made by chance from a seed, with pods that wait for a decision: small, but crowded with whatever rules can be about.
 * Objects are valid as the API server takes them; priority classes `p-<n>` and `p-<n>-never` and the namespaces of `namespaces` must be there.
 */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../../../src/api/core/v1/types.gen.ts';
import type { PodDisruptionBudget } from '../../../../src/api/policy/v1/types.gen.ts';
import type { DeviceClass, ResourceClaim, ResourceSlice } from '../../../../src/api/resource/v1/types.gen.ts';
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass } from '../../../../src/api/storage/v1/types.gen.ts';
import { addDevices } from './devices.ts';
import { makePod, type PodMaker } from './pods.ts';
import { createRandom, type Random } from './random.ts';
import { addStorage } from './storage.ts';
import { hostname, namespaces, region, zone } from './words.ts';

export interface GeneratedCluster {
  nodes: Node[];
  /** On a node. */
  placed: Pod[];
  /** Promised a node by an earlier preemption, and gated, so that they stay where they are. */
  nominated: Pod[];
  /** To be decided on, each as if it were alone. */
  waiting: Pod[];
  disruptionBudgets: PodDisruptionBudget[];
  storageClasses: StorageClass[];
  csiDrivers: CSIDriver[];
  csiNodes: CSINode[];
  storageCapacities: CSIStorageCapacity[];
  volumes: PersistentVolume[];
  claims: PersistentVolumeClaim[];
  deviceClasses: DeviceClass[];
  resourceSlices: ResourceSlice[];
  resourceClaims: ResourceClaim[];
}

function makeNode(random: Random, name: string): Node {
  const zoned = random.chance(0.9);
  const labels: Record<string, string> = {
    [hostname]: name,
    ...(zoned ? { [zone]: `z${random.int(1, 3)}` } : {}),
    ...(zoned && random.chance(0.8) ? { [region]: `r${random.int(1, 2)}` } : {}),
    ...(random.chance(0.6) ? { disk: random.pick(['ssd', 'hdd']) } : {}),
    ...(random.chance(0.4) ? { size: String(random.int(1, 9)) } : {}),
  };
  const taints = [
    ...(random.chance(0.12) ? [{ key: 'dedicated', value: random.pick(['x', 'y']), effect: random.pick(['NoSchedule', 'NoExecute']) }] : []),
    ...(random.chance(0.1) ? [{ key: 'soft', effect: 'PreferNoSchedule' }] : []),
    ...(random.chance(0.07) ? [{ key: 'example.com/maintenance', effect: 'NoSchedule' }] : []),
  ];
  const allocatable = {
    cpu: random.pick(['2', '3900m', '8', '16']),
    memory: random.pick(['4Gi', '7900Mi', '32Gi']),
    pods: String(random.pick([3, 5, 110, 110, 110])),
    'ephemeral-storage': random.pick(['10Gi', '100Gi']),
    ...(random.chance(0.4) ? { 'example.com/gpu': String(random.int(1, 4)) } : {}),
    ...(random.chance(0.2) ? { 'hugepages-2Mi': '64Mi' } : {}),
  };
  const declaredFeatures = random.chance(0.5) ? ['RestartAllContainersOnContainerExits'] : [];
  return {
    metadata: { name, labels },
    spec: { ...(taints.length > 0 ? { taints } : {}), ...(random.chance(0.06) ? { unschedulable: true } : {}) },
    status: { allocatable, capacity: allocatable, ...(declaredFeatures.length > 0 ? { declaredFeatures } : {}) },
  };
}

function makeBudget(random: Random, index: number): PodDisruptionBudget {
  return {
    metadata: { name: `budget-${index}`, namespace: random.pick(namespaces).metadata.name },
    spec: { minAvailable: 1, selector: { matchLabels: { app: random.pick(['web', 'db', 'cache']) } } },
    status: { disruptionsAllowed: random.int(0, 1), currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, observedGeneration: 1 },
  };
}

/** The same cluster for the same seed. */
export function generateCluster(seed: number): GeneratedCluster {
  const random = createRandom(seed);
  const cluster: GeneratedCluster = {
    nodes: Array.from({ length: random.int(3, 10) }, (_, index) => makeNode(random, `n${index}-${seed}`)),
    placed: [],
    nominated: [],
    waiting: [],
    disruptionBudgets: Array.from({ length: random.int(0, 3) }, (_, index) => makeBudget(random, index)),
    storageClasses: [],
    csiDrivers: [],
    csiNodes: [],
    storageCapacities: [],
    volumes: [],
    claims: [],
    deviceClasses: [],
    resourceSlices: [],
    resourceClaims: [],
  };
  const withStorage = seed % 3 === 1;
  const withDevices = seed % 3 === 2;
  const storage = withStorage ? addStorage(random, cluster, seed) : undefined;
  const devices = withDevices ? addDevices(random, cluster, seed) : undefined;
  const maker: PodMaker = { random, nodes: cluster.nodes, seed, ...(storage ? { storage } : {}), ...(devices ? { devices } : {}) };
  const crowd = random.int(0, 20);
  for (let index = 0; index < crowd; index++) cluster.placed.push(makePod(maker, `placed-${index}`, { placed: true, index }));
  if (random.chance(0.15)) cluster.nominated.push(makePod(maker, 'nominated', { nominated: true }));
  const wanted = random.int(3, 5);
  for (let index = 0; index < wanted; index++) cluster.waiting.push(makePod(maker, `waiting-${index}`, {}));
  return cluster;
}
