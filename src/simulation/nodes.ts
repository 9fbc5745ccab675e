/** What simulated nodes look like. */
import { release } from 'node:os';
import { simulatedLabel } from '../api/core/v1/node.ts';
import type { Node, NodeCondition, NodeStatus } from '../api/core/v1/types.gen.ts';
import { formatIp, ipAt, parseCidr } from '../apimachinery/ip.ts';
import { type KubeObject, timeOf } from '../apimachinery/meta.ts';

/** On a Node, with the value `true`: its machine is dead. No heartbeat comes any more, and nothing happens to its pods. */
const downAnnotation = 'knarr.dev/down';

export const isDown = ({ metadata }: KubeObject): boolean => metadata.annotations?.[downAnnotation] === 'true';

/**
 * Addresses that lead nowhere: nodes in the range that RFC 2544 keeps for benchmarks, pods in the one that RFC 6598 keeps for carriers.
 * They are no part of the cluster's ranges, so that these need not be large enough for thousands of nodes.
 */
const nodeRange = parseCidr('198.18.0.0/15')!;
const podRange = parseCidr('100.64.0.0/10')!;
const addressesPerNode = 256n;
/** The last two /16 of the pod range are for nodes that others made without a range. */
export const maxSimulatedNodes = 15_872;
export const strayPodRange = '100.126.0.0/15';

export interface NodeShape {
  /** Quantities by resource name. */
  resources: Readonly<Record<string, string>>;
  /** Keeps pods away that do not tolerate it. */
  taint: boolean;
}

export const defaultResources: Readonly<Record<string, string>> = { cpu: '32', memory: '256Gi', 'ephemeral-storage': '1Ti', pods: '110' };
const zones = 3;

/** Counted from 1. */
const nodeName = (index: number): string => `fake-${index}`;

const version = 'v1.36.2';

export function simulatedNode(index: number, { resources, taint }: NodeShape, now: Date): Node {
  const name = nodeName(index);
  const podCIDR = `${formatIp(ipAt(podRange, BigInt(index - 1) * addressesPerNode))}/24`;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        [simulatedLabel]: 'true',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/region': 'simulated',
        'topology.kubernetes.io/zone': `zone-${((index - 1) % zones) + 1}`,
      },
    },
    spec: {
      podCIDR,
      podCIDRs: [podCIDR],
      ...(taint ? { taints: [{ key: simulatedLabel, value: 'true', effect: 'NoSchedule' }] } : {}),
    },
    status: statusOf({ metadata: { name }, spec: {} }, formatIp(ipAt(nodeRange, BigInt(index))), now, resources),
  };
}

/** What the node should report: its own resources and addresses where it has any, and that all is well. */
export function statusOf(node: Pick<Node, 'metadata' | 'spec' | 'status'>, address: string, now: Date, resources = defaultResources): NodeStatus {
  const { status = {} } = node;
  const capacity = Object.keys(status.capacity ?? {}).length > 0 ? status.capacity : { ...resources };
  return {
    capacity,
    allocatable: Object.keys(status.allocatable ?? {}).length > 0 ? status.allocatable : capacity,
    addresses: status.addresses?.length
      ? status.addresses
      : [
          { type: 'InternalIP', address },
          { type: 'Hostname', address: node.metadata.name },
        ],
    conditions: conditionsOf(status.conditions ?? [], now),
    nodeInfo: {
      machineID: node.metadata.name,
      systemUUID: node.metadata.name,
      bootID: node.metadata.name,
      kernelVersion: release(),
      osImage: 'simulated by knarr',
      containerRuntimeVersion: 'simulated://1.0.0',
      kubeletVersion: version,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  };
}

const verdicts: readonly Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>[] = [
  { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available' },
  { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
  { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' },
  { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
];

function conditionsOf(previous: readonly NodeCondition[], now: Date): NodeCondition[] {
  const time = timeOf(now);
  return verdicts.map((verdict) => {
    const old = previous.find(({ type }) => type === verdict.type);
    return { ...verdict, lastHeartbeatTime: time, lastTransitionTime: old?.status === verdict.status ? (old.lastTransitionTime ?? time) : time };
  });
}

/** Whether it says of itself what a node in good health says, resources included. */
export const isWell = ({ status }: Node): boolean =>
  Object.keys(status?.allocatable ?? {}).length > 0 &&
  (status?.addresses ?? []).length > 0 &&
  verdicts.every((verdict) => status?.conditions?.some(({ type, status: value }) => type === verdict.type && value === verdict.status));

export const internalIp = ({ status }: Node): string | undefined => status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
