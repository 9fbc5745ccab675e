/** Pods made by chance: each has some of the features that rules are about. */
import type { Affinity, Container, Node, NodeSelectorTerm, Pod, PodAffinityTerm, Toleration } from '../../../../src/api/core/v1/types.gen.ts';
import type { DeviceMaker } from './devices.ts';
import type { Random } from './random.ts';
import type { StorageMaker } from './storage.ts';
import { hostname, namespaces, priorities, region, zone } from './words.ts';

export interface PodMaker {
  random: Random;
  nodes: readonly Node[];
  seed: number;
  storage?: StorageMaker;
  devices?: DeviceMaker;
}

export interface PodKind {
  placed?: boolean;
  nominated?: boolean;
  index?: number;
}

const apps = ['web', 'db', 'cache'];
const topologies = [hostname, zone, region];
type Spec = Pod['spec'];
type Feature = (maker: PodMaker, spec: Spec, labels: Record<string, string>) => void;

const labelsOf = ({ random }: PodMaker): Record<string, string> =>
  random.chance(0.1) ? {} : { app: random.pick(apps), ...(random.chance(0.4) ? { tier: random.pick(['1', '2']) } : {}) };

function selector({ random }: PodMaker): NonNullable<PodAffinityTerm['labelSelector']> {
  if (random.chance(0.7)) return { matchLabels: { app: random.pick(apps) } };
  return {
    matchExpressions: [
      random.pick([
        { key: 'app', operator: 'In', values: ['web', 'db'] },
        { key: 'app', operator: 'NotIn', values: ['web'] },
        { key: 'tier', operator: 'Exists' },
        { key: 'tier', operator: 'DoesNotExist' },
      ]),
    ],
  };
}

function podTerm(maker: PodMaker): PodAffinityTerm {
  const { random } = maker;
  return {
    topologyKey: random.pick(topologies),
    labelSelector: selector(maker),
    ...(random.chance(0.2) ? { namespaces: [random.pick(namespaces).metadata.name] } : {}),
    ...(random.chance(0.2) ? { namespaceSelector: random.pick([{}, { matchLabels: { team: 'a' } }]) } : {}),
  };
}

function nodeTerm({ random, nodes }: PodMaker): NodeSelectorTerm {
  const expressions = [
    { key: 'disk', operator: 'In', values: ['ssd'] },
    { key: 'disk', operator: 'NotIn', values: ['hdd'] },
    { key: 'size', operator: 'Gt', values: ['4'] },
    { key: 'size', operator: 'Lt', values: ['6'] },
    { key: 'disk', operator: 'Exists' },
    { key: region, operator: 'DoesNotExist' },
    { key: zone, operator: 'In', values: ['z1', 'z2'] },
  ];
  if (random.chance(0.2)) {
    return { matchFields: [{ key: 'metadata.name', operator: random.pick(['In', 'NotIn']), values: [random.pick(nodes).metadata.name] }] };
  }
  return { matchExpressions: [random.pick(expressions), ...(random.chance(0.3) ? [random.pick(expressions)] : [])] };
}

const affinityOf = (spec: Spec): Affinity => {
  spec.affinity ??= {};
  return spec.affinity;
};

const requests = (spec: Spec): Record<string, string | number> => {
  const container = spec.containers[0]!;
  container.resources ??= {};
  container.resources.requests ??= {};
  return container.resources.requests;
};

const limit = ({ containers: [container] }: Spec, name: string, amount: string): void =>
  void (container!.resources = { ...container!.resources, limits: { ...container!.resources?.limits, [name]: amount } });

/** By name; each changes the pod. */
export const features: Readonly<Record<string, Feature>> = {
  cpu: ({ random }, spec) => void (requests(spec)['cpu'] = random.pick(['100m', '100m', '500m', '1', '1500m', '3'])),
  memory: ({ random }, spec) => void (requests(spec)['memory'] = random.pick(['64Mi', '1Gi', '2Gi', '3500Mi'])),
  scratch: ({ random }, spec) => void (requests(spec)['ephemeral-storage'] = random.pick(['5Gi', '20Gi'])),
  gpu({ random }, spec) {
    const amount = String(random.int(1, 3));
    requests(spec)['example.com/gpu'] = amount;
    limit(spec, 'example.com/gpu', amount);
  },
  hugepages(_maker, spec) {
    Object.assign(requests(spec), { 'hugepages-2Mi': '32Mi', memory: '64Mi' });
    limit(spec, 'hugepages-2Mi', '32Mi');
  },
  init({ random }, spec) {
    const init: Container = { name: 'init', image: 'i', resources: { requests: { cpu: random.pick(['1', '2', '4']) } } };
    spec.initContainers = [random.chance(0.5) ? { ...init, restartPolicy: 'Always' } : init];
  },
  overhead: (_maker, spec) => void (spec.containers = [...spec.containers, { name: 'second', image: 'i', resources: { requests: { cpu: '250m' } } }]),
  nodeSelector: ({ random }, spec) =>
    void (spec.nodeSelector = random.pick<Record<string, string>>([{ disk: 'ssd' }, { [zone]: 'z1' }, { disk: 'hdd', [zone]: 'z2' }])),
  nodeAffinity(maker, spec) {
    const nodeSelectorTerms = [nodeTerm(maker), ...(maker.random.chance(0.4) ? [nodeTerm(maker)] : [])];
    affinityOf(spec).nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  },
  tolerations({ random }, spec) {
    const all: Toleration[] = [
      { key: 'dedicated', operator: 'Equal', value: 'x', effect: 'NoSchedule' },
      { key: 'dedicated', operator: 'Exists' },
      { operator: 'Exists', effect: 'NoSchedule' },
      { key: 'example.com/maintenance', operator: 'Exists', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
    ];
    spec.tolerations = random.some(all);
  },
  ports({ random }, spec) {
    const hostPort = random.int(8080, 8082);
    const hostIP = random.pick([undefined, undefined, '127.0.0.1', '10.0.0.1']);
    spec.containers[0]!.ports = [{ containerPort: hostPort, hostPort, protocol: random.pick(['TCP', 'TCP', 'UDP']), ...(hostIP ? { hostIP } : {}) }];
  },
  podAffinity: (maker, spec) => {
    const terms = [podTerm(maker), ...(maker.random.chance(0.3) ? [podTerm(maker)] : [])];
    affinityOf(spec).podAffinity = { requiredDuringSchedulingIgnoredDuringExecution: terms };
  },
  podAntiAffinity: (maker, spec) => {
    const terms = [podTerm(maker), ...(maker.random.chance(0.3) ? [podTerm(maker)] : [])];
    affinityOf(spec).podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: terms };
  },
  spread(maker, spec, labels) {
    const { random } = maker;
    const keys = random.some(topologies);
    spec.topologySpreadConstraints = keys.map((topologyKey) => ({
      topologyKey,
      maxSkew: random.int(1, 2),
      whenUnsatisfiable: random.chance(0.85) ? 'DoNotSchedule' : 'ScheduleAnyway',
      labelSelector: selector(maker),
      ...(random.chance(0.3) ? { nodeAffinityPolicy: random.pick(['Honor', 'Ignore']) } : {}),
      ...(random.chance(0.4) ? { nodeTaintsPolicy: random.pick(['Honor', 'Ignore']) } : {}),
    }));
    for (const constraint of spec.topologySpreadConstraints) {
      if (constraint.whenUnsatisfiable === 'DoNotSchedule' && random.chance(0.3)) constraint.minDomains = random.int(1, 4);
      if (labels['tier'] && !constraint.labelSelector?.matchExpressions && random.chance(0.3)) constraint.matchLabelKeys = ['tier'];
    }
  },
  disk({ random, seed }, spec) {
    const readOnly = random.chance(0.5);
    spec.volumes = [
      random.pick([
        { name: 'disk', gcePersistentDisk: { pdName: `disk-${seed}`, readOnly } },
        { name: 'disk', awsElasticBlockStore: { volumeID: `vol-${seed}`, readOnly } },
        { name: 'disk', iscsi: { targetPortal: '10.0.0.9:3260', iqn: 'iqn.2026-01.com.example:a', lun: random.int(0, 1), readOnly } },
        { name: 'disk', rbd: { monitors: ['a', random.pick(['b', 'c'])], image: 'image', pool: random.pick(['rbd', 'other']), readOnly } },
      ]),
    ];
  },
  declared(_maker, spec) {
    const restartPolicyRules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [1] } }];
    Object.assign(spec.containers[0]!, { restartPolicy: 'Never', restartPolicyRules });
  },
};

const names = Object.keys(features);
// Most nodes lack what these need.
const scarce = ['declared', 'hugepages', 'nodeSelector', 'scratch'];

export function makePod(maker: PodMaker, name: string, { placed = false, nominated = false, index = 0 }: PodKind): Pod {
  const { random, nodes, seed, storage, devices } = maker;
  const labels = labelsOf(maker);
  const priority = random.pick(placed ? [0, 0, 10, 100] : priorities);
  const spec: Spec = { containers: [{ name: 'main', image: 'i' }], priority, priorityClassName: `p-${priority}`, terminationGracePeriodSeconds: 30 };
  const wanted = Array.from({ length: random.int(1, placed ? 2 : 3) }, () => random.pick(names)).filter((one) => !scarce.includes(one) || random.chance(0.4));
  for (const one of new Set(['cpu', ...wanted])) features[one]!(maker, spec, labels);
  if (!placed && random.chance(0.1)) Object.assign(spec, { priorityClassName: `p-${priority}-never`, preemptionPolicy: 'Never' });
  const namespace = random.pick(namespaces).metadata.name;
  const pod: Pod = { metadata: { name: `${name}-${seed}`, namespace, uid: `${name}-${seed}`, ...(Object.keys(labels).length > 0 ? { labels } : {}) }, spec };
  if (placed) {
    spec.nodeName = random.pick(nodes).metadata.name;
    pod.status = { phase: 'Running', startTime: `2026-01-01T00:${String(10 + index).padStart(2, '0')}:00Z` };
    if (random.chance(0.08)) pod.metadata.deletionTimestamp = '2026-01-02T00:00:00Z';
  }
  if (storage && random.chance(0.6)) storage.use(pod, placed);
  if (devices && random.chance(placed ? 0.3 : 0.8)) devices.use(pod, placed);
  if (nominated) {
    spec.schedulingGates = [{ name: 'example.com/stay' }];
    pod.status = { nominatedNodeName: random.pick(nodes).metadata.name };
  }
  return pod;
}
