/** Small clusters for tests of decisions: objects from a few words, and a snapshot of them. */
import type { Node, Pod } from '../../api/core/v1/types.gen.ts';
import { type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { Client } from '../../client/client.ts';
import { defaultConfiguration } from '../config/load.ts';
import type { SchedulerConfiguration } from '../config/types.ts';
import { type Decision, decide } from '../framework/decide.ts';
import { describe } from '../framework/diagnosis.ts';
import type { Listers, Reader, Snapshot } from '../framework/plugin.ts';
import type { Profile } from '../framework/profile.ts';
import { createProfiles } from '../profiles.ts';
import { Cluster } from '../state/cluster.ts';
import { createNominator, type Nominator } from '../state/nominator.ts';
import { createPodInfo } from '../state/podinfo.ts';

let uids = 0;

export interface NodeWords {
  cpu?: string;
  memory?: string;
  pods?: number;
  labels?: Record<string, string>;
  spec?: Node['spec'];
  status?: Node['status'];
}

export const makeNode = (name: string, { cpu = '4', memory = '8Gi', pods = 110, labels = {}, spec = {}, status = {} }: NodeWords = {}): Node => ({
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  spec,
  status: { ...status, allocatable: { cpu, memory, pods, ...status.allocatable } },
});

export interface PodWords {
  node?: string;
  namespace?: string;
  cpu?: string;
  memory?: string;
  labels?: Record<string, string>;
  priority?: number;
  spec?: Partial<Pod['spec']>;
  status?: Pod['status'];
  metadata?: Partial<Pod['metadata']>;
}

export const makePod = (name: string, { node, namespace = 'default', cpu, memory, labels, priority, spec, status, metadata }: PodWords = {}): Pod => ({
  metadata: { name, namespace, uid: `uid-${name}-${++uids}`, labels, ...metadata },
  spec: {
    schedulerName: 'default-scheduler',
    priority,
    ...(node ? { nodeName: node } : {}),
    containers: [{ name: 'main', image: 'app:1', resources: { requests: { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) } } }],
    ...spec,
  },
  status,
});

function readerOf<T extends KubeObject>(objects: readonly T[]): Reader<T> {
  const byKey = new Map(objects.map((object) => [keyOf(object), object]));
  return {
    get: (namespace, name) => byKey.get(namespace === '' ? name : `${namespace}/${name}`),
    list: (namespace) => objects.filter((object) => !namespace || object.metadata.namespace === namespace),
  };
}

export type ClusterWords = { nodes: Node[]; pods?: Pod[]; configuration?: SchedulerConfiguration } & {
  [K in keyof Listers]?: Listers[K] extends Reader<infer T> ? T[] : never;
};

export interface TestCluster {
  snapshot: Snapshot;
  cluster: Cluster;
  nominator: Nominator;
  profile: Profile;
  decide(pod: Pod): Decision;
  /** The node, or what is said of a pod that fits nowhere. */
  place(pod: Pod): string;
}

/** Plugins are made with a client; those of the tree only write through binders. */
const noClient: Client = {
  resource: () => {
    throw new Error('there is no API server in this test');
  },
  raw: () => Promise.reject(new Error('there is no API server in this test')),
  close: () => Promise.resolve(),
};

export function makeCluster({ nodes, pods = [], configuration, ...words }: ClusterWords): TestCluster {
  const cluster = new Cluster();
  for (const node of nodes) cluster.setNode(node);
  for (const pod of pods) cluster.setPod(pod);
  const listers: Listers = {
    namespaces: readerOf(words.namespaces ?? []),
    claims: readerOf(words.claims ?? []),
    volumes: readerOf(words.volumes ?? []),
    storageClasses: readerOf(words.storageClasses ?? []),
    csiNodes: readerOf(words.csiNodes ?? []),
    csiDrivers: readerOf(words.csiDrivers ?? []),
    storageCapacities: readerOf(words.storageCapacities ?? []),
    volumeAttachments: readerOf(words.volumeAttachments ?? []),
    services: readerOf(words.services ?? []),
    replicationControllers: readerOf(words.replicationControllers ?? []),
    replicaSets: readerOf(words.replicaSets ?? []),
    statefulSets: readerOf(words.statefulSets ?? []),
    disruptionBudgets: readerOf(words.disruptionBudgets ?? []),
    resourceClaims: readerOf(words.resourceClaims ?? []),
    resourceSlices: readerOf(words.resourceSlices ?? []),
    deviceClasses: readerOf(words.deviceClasses ?? []),
  };
  const snapshot: Snapshot = Object.assign(cluster, { listers });
  const nominator = createNominator();
  const binder = { reserve: () => undefined, deallocate: () => Promise.resolve(), remove: () => Promise.resolve() };
  const configured = createProfiles({
    configuration: configuration ?? defaultConfiguration(),
    binders: { volumes: () => binder, devices: () => binder, managedElsewhere: [] },
    client: noClient,
  });
  const [profile] = [...configured.values()] as [Profile];
  const make = (pod: Pod): Decision => decide({ pod: createPodInfo(pod), snapshot, nominator, profile, startAt: 0, random: () => 0.99 });
  return {
    snapshot,
    cluster,
    nominator,
    profile,
    decide: make,
    place(pod) {
      const decision = make(pod);
      if (decision.outcome === 'node') return decision.node.name;
      if (decision.outcome === 'none') return describe(decision.diagnosis);
      return decision.outcome === 'error' ? `${decision.plugin}: ${decision.message}` : 'no nodes available to schedule pods';
    },
  };
}
