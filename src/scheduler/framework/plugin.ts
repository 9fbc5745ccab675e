/**
 * The contract of plugins: filters say where a pod can run, scores where it should. Both are pure functions of a snapshot.
 * Plugins from outside see the same contract; the package exports it.
 */

import type { ReplicaSet, StatefulSet } from '../../api/apps/v1/types.gen.ts';
import type { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, Service } from '../../api/core/v1/types.gen.ts';
import type { PodDisruptionBudget } from '../../api/policy/v1/types.gen.ts';
import type { DeviceClass, ResourceClaim, ResourceSlice } from '../../api/resource/v1/types.gen.ts';
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment } from '../../api/storage/v1/types.gen.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { Client } from '../../client/client.ts';
import type { Lister } from '../../client/informer.ts';
import type { ClusterView } from '../state/cluster.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { PodInfo } from '../state/podinfo.ts';

export type Reader<T extends KubeObject> = Pick<Lister<T>, 'get' | 'list'>;

/** What a decision may look at besides nodes and the pods on them. */
export interface Listers {
  namespaces: Reader<Namespace>;
  /** With what is assumed of them on top. */
  claims: Reader<PersistentVolumeClaim>;
  volumes: Reader<PersistentVolume>;
  storageClasses: Reader<StorageClass>;
  csiNodes: Reader<CSINode>;
  csiDrivers: Reader<CSIDriver>;
  storageCapacities: Reader<CSIStorageCapacity>;
  volumeAttachments: Reader<VolumeAttachment>;
  services: Reader<Service>;
  replicationControllers: Reader<ReplicationController>;
  replicaSets: Reader<ReplicaSet>;
  statefulSets: Reader<StatefulSet>;
  disruptionBudgets: Reader<PodDisruptionBudget>;
  /** With what is assumed of them on top. */
  resourceClaims: Reader<ResourceClaim>;
  resourceSlices: Reader<ResourceSlice>;
  deviceClasses: Reader<DeviceClass>;
}

export interface Snapshot extends ClusterView {
  readonly listers: Listers;
}

/**
 * Why a pod can't go to a node. `unschedulable` may change when pods leave the node, so preemption can help;
 * `unresolvable` does not change by that. `error` is no statement about the node at all.
 */
export interface Rejection {
  readonly plugin: string;
  readonly code: 'unschedulable' | 'unresolvable' | 'error';
  readonly reasons: readonly string[];
}

export const unschedulable = (plugin: string, ...reasons: string[]): Rejection => ({ plugin, code: 'unschedulable', reasons });
export const unresolvable = (plugin: string, ...reasons: string[]): Rejection => ({ plugin, code: 'unresolvable', reasons });

/** A filter, made ready for one pod. */
export interface NodeCheck {
  filter(node: NodeInfo): Rejection | undefined;
  /** Only nodes of these names can pass. */
  nodeNames?: ReadonlySet<string>;
  /** What if `other` were (not) on the node: adjusts what was counted beforehand. Only on a clone. */
  addPod?(other: PodInfo, node: NodeInfo): void;
  removePod?(other: PodInfo, node: NodeInfo): void;
  /** Needed with `addPod` and `removePod`. */
  clone?(): NodeCheck;
  /** Called for the node that was chosen: takes what the pod needs there, to be made real before it is bound. */
  reserve?(node: NodeInfo): Reservation | undefined;
}

export interface Reservation {
  plugin: string;
  /** Resolves when the pod can be bound. A rejection ends this attempt, as does the signal. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Gives back what was taken and has not become real. */
  release(): void;
}

export interface FilterPlugin {
  readonly name: string;
  /** Undefined: nothing to check for this pod. A rejection holds for all nodes. */
  prepare(pod: PodInfo, snapshot: Snapshot): NodeCheck | Rejection | undefined;
  wakes: readonly WakeRule[];
}

export const isRejection = (result: NodeCheck | Rejection | undefined): result is Rejection => result !== undefined && 'reasons' in result;

export const maxNodeScore = 100;

/** A score, made ready for one pod and the nodes that it can run on. */
export interface NodeScore {
  score(node: NodeInfo): number;
  /** Brings scores into 0…100, in place; without it they must be there already. */
  normalize?(scores: number[], nodes: readonly NodeInfo[]): void;
}

export interface ScorePlugin {
  readonly name: string;
  prepare(pod: PodInfo, snapshot: Snapshot, nodes: readonly NodeInfo[]): NodeScore | undefined;
}

/** What changed, in the terms in which plugins wait for it. `pod` means one that has a node. */
export type WakeEvent =
  | { resource: 'pod'; action: 'add' | 'delete' | 'labels' | 'scaledown'; old?: Pod; object?: Pod }
  | { resource: 'self'; action: 'labels' | 'scaledown' | 'gates' | 'tolerations' | 'claims'; old?: Pod; object?: Pod }
  | { resource: 'node'; action: 'add' | 'delete' | 'labels' | 'taints' | 'allocatable' | 'unschedulable' | 'features'; old?: Node; object?: Node }
  | {
      resource:
        | 'claim'
        | 'volume'
        | 'storageclass'
        | 'csinode'
        | 'csidriver'
        | 'storagecapacity'
        | 'attachment'
        | 'resourceclaim'
        | 'resourceslice'
        | 'deviceclass';
      action: 'add' | 'update' | 'delete';
      old?: KubeObject;
      object?: KubeObject;
    };

/** An event after which a pod that the plugin rejected may fit, unless `helps` knows better. */
export interface WakeRule {
  /** `resource/action` of a {@link WakeEvent}, or `*`. */
  on: string;
  helps?(pod: Pod, event: WakeEvent): boolean;
}

/** What a plugin found that was asked when no node is feasible. */
export interface PostFilterResult {
  /** Joined into the pod's condition. */
  reasons: readonly string[];
  /** It failed: no other plugin is asked. */
  failed?: boolean;
}

/** Why the pod fits nowhere. */
export interface Refusal {
  /** The pod was rejected before any node was looked at. */
  readonly upfront?: Rejection | undefined;
  of(node: string): Rejection | undefined;
}

/**
 * A plugin, with whatever points it takes part in; each is one of upstream's, or two that belong together.
 * Only those that the profile's configuration enables are called.
 */
export interface SchedulerPlugin {
  /** PreEnqueue: why the pod must not be tried yet. Asked again when the pod changes. */
  preEnqueue?(pod: Pod): string | undefined;
  /** PreFilter, Filter, and for the chosen node Reserve and PreBind. */
  filter?(pod: PodInfo, snapshot: Snapshot): NodeCheck | Rejection | undefined;
  /** PreScore, Score, NormalizeScore. */
  score?(pod: PodInfo, snapshot: Snapshot, nodes: readonly NodeInfo[]): NodeScore | undefined;
  /** PostFilter: no node is feasible. */
  postFilter?(pod: PodInfo, snapshot: Snapshot, refusal: Refusal): PostFilterResult | Promise<PostFilterResult>;
  /** Permit: the pod is bound when this resolves; a rejection of the promise takes the node away from it again. */
  permit?(pod: Pod, node: string, signal: AbortSignal): Promise<void>;
  /** Bind: false leaves it to the next plugin. */
  bind?(pod: Pod, node: string): Promise<boolean>;
  /** PostBind. */
  postBind?(pod: Pod, node: string): void;
  /** Queueing hints: after which events a pod that this plugin rejected is tried again. Absent: after any. */
  wakes?: readonly WakeRule[];
}

/** What a plugin is made with, besides its arguments. */
export interface PluginContext {
  /** As the scheduler; for what plugins write. Reading is what the snapshot is for. */
  client: Client;
  profileName: string;
}

/** Makes a plugin for one profile. `args` is what the profile's `pluginConfig` says. */
export type PluginFactory = (args: Readonly<Record<string, unknown>>, context: PluginContext) => SchedulerPlugin;

/** Scales to 0…100 by the highest; `reverse` makes the highest the worst. */
export function normalizeByHighest(scores: number[], reverse: boolean): void {
  const highest = scores.reduce((most, score) => Math.max(most, score), 0);
  for (const [index, score] of scores.entries()) {
    const scaled = highest === 0 ? 0 : Math.floor((maxNodeScore * score) / highest);
    scores[index] = reverse ? maxNodeScore - scaled : scaled;
  }
}
