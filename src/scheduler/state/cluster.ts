/**
 * What the scheduler knows of nodes and of pods that are on one: what the informers said, and on top of it the pods that were
 * given a node a moment ago ("assumed"), of which the informers know nothing yet.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Node, Pod } from '../../api/core/v1/types.gen.ts';
import { type LabelValues, labelValues } from './labelvalues.ts';
import { NodeInfo } from './nodeinfo.ts';
import type { PodCounts } from './podcounts.ts';
import { PodIndex, type TermGroup, type TermKind } from './podindex.ts';
import { createPodInfo, type PodInfo } from './podinfo.ts';

const zoneLabel = 'topology.kubernetes.io/zone';
const regionLabel = 'topology.kubernetes.io/region';

/** What plugins may look at of nodes and running pods. */
export interface ClusterView {
  /** Nodes that exist, zones taking turns. */
  readonly nodes: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** Pods that match, counted; `id` stands for the question, whose answer must depend on nothing but the pod. */
  countPods(id: string, matches: (pod: PodInfo) => boolean): PodCounts;
  /** Affinity terms of pods that are there. */
  terms(kind: TermKind): Iterable<TermGroup>;
  labelValues(key: string): LabelValues;
  /** Whether a node keeps pods away: filters that look at this have nothing to do in most clusters. */
  readonly anyCordoned: boolean;
  readonly anyTainted: boolean;
  /** On how many nodes the image is. */
  nodesWithImage(name: string): number;
  isClaimUsed(key: string): boolean;
}

interface Placed {
  info: PodInfo;
  node: string;
  assumed: boolean;
}

export class Cluster implements ClusterView {
  readonly #byName = new Map<string, NodeInfo>();
  readonly #placed = new Map<string, Placed>();
  readonly #claims = new Map<string, number>();
  readonly #images = new Map<string, number>();
  readonly #index = new PodIndex();
  readonly #labelValues = new Map<string, LabelValues>();
  #list: NodeInfo[] | undefined;
  #cordoned = 0;
  #tainted = 0;

  get nodes(): readonly NodeInfo[] {
    this.#list ??= interleaveZones([...this.#byName.values()].filter((one) => one.present));
    return this.#list;
  }

  get anyCordoned(): boolean {
    return this.#cordoned > 0;
  }

  get anyTainted(): boolean {
    return this.#tainted > 0;
  }

  node(name: string): NodeInfo | undefined {
    const node = this.#byName.get(name);
    return node?.present ? node : undefined;
  }

  nodesWithImage(name: string): number {
    return this.#images.get(name) ?? 0;
  }

  isClaimUsed(key: string): boolean {
    return this.#claims.has(key);
  }

  countPods(id: string, matches: (pod: PodInfo) => boolean): PodCounts {
    return this.#index.counts(id, matches, this.#byName.values());
  }

  terms(kind: TermKind): Iterable<TermGroup> {
    return this.#index.groups(kind);
  }

  labelValues(key: string): LabelValues {
    let values = this.#labelValues.get(key);
    if (!values) {
      values = labelValues(this.nodes, key);
      this.#labelValues.set(key, values);
    }
    return values;
  }

  setNode(node: Node): void {
    const info = this.#ensure(node.metadata.name);
    const before = info.present ? zoneOf(info) : undefined;
    const labels = info.present ? info.labels : undefined;
    this.#count(info, -1);
    info.setNode(node);
    this.#count(info, 1);
    if (before !== zoneOf(info)) this.#list = undefined;
    if (!labels || !isDeepStrictEqual(labels, info.labels)) this.#forgetDomains();
  }

  removeNode(name: string): void {
    const info = this.#byName.get(name);
    if (!info) return;
    this.#count(info, -1);
    info.removeNode();
    if (info.pods.size === 0) this.#byName.delete(name);
    this.#list = undefined;
    this.#forgetDomains();
  }

  /** A pod that is on a node, as an informer shows it; replaces what was assumed or known of it. */
  setPod(pod: Pod): void {
    this.#place(createPodInfo(pod), pod.spec.nodeName!, false);
  }

  /** The status of a pod moved on; false when the pod is not known to be there. */
  refreshPod(pod: Pod): boolean {
    const placed = this.#placed.get(pod.metadata.uid ?? '');
    if (!placed || placed.assumed || placed.node !== pod.spec.nodeName) return false;
    placed.info = { ...placed.info, pod };
    this.#ensure(placed.node).replacePod(placed.info);
    return true;
  }

  /** Counts the pod on the node from now on. Throws when it is on one already. */
  assume(pod: PodInfo, node: string): void {
    if (this.#placed.has(pod.uid)) throw new Error(`pod ${pod.uid}(${pod.key}) is in the cache, so can't be assumed`);
    this.#place(pod, node, true);
  }

  /** The binding did not come about. */
  forget(uid: string): void {
    if (this.#placed.get(uid)?.assumed) this.removePod(uid);
  }

  isAssumed(uid: string): boolean {
    return this.#placed.get(uid)?.assumed === true;
  }

  isPlaced(uid: string): boolean {
    return this.#placed.has(uid);
  }

  removePod(uid: string): void {
    const placed = this.#placed.get(uid);
    if (!placed) return;
    this.#placed.delete(uid);
    const node = this.#ensure(placed.node);
    node.removePod(uid);
    this.#index.add(placed.info, node, -1);
    for (const claim of placed.info.claims) {
      const count = (this.#claims.get(claim) ?? 1) - 1;
      if (count === 0) this.#claims.delete(claim);
      else this.#claims.set(claim, count);
    }
    if (!node.present && node.pods.size === 0) this.#byName.delete(placed.node);
  }

  #place(info: PodInfo, nodeName: string, assumed: boolean): void {
    this.removePod(info.uid);
    const node = this.#ensure(nodeName);
    node.addPod(info);
    this.#index.add(info, node, 1);
    this.#placed.set(info.uid, { info, node: nodeName, assumed });
    for (const claim of info.claims) this.#claims.set(claim, (this.#claims.get(claim) ?? 0) + 1);
  }

  #ensure(name: string): NodeInfo {
    let node = this.#byName.get(name);
    if (!node) {
      node = new NodeInfo(name);
      this.#byName.set(name, node);
    }
    return node;
  }

  #forgetDomains(): void {
    this.#index.forgetDomains();
    this.#labelValues.clear();
  }

  #count(node: NodeInfo, change: 1 | -1): void {
    const { unschedulable, taints = [] } = node.node.spec;
    if (unschedulable) this.#cordoned += change;
    if (taints.length > 0) this.#tainted += change;
    for (const name of node.images.keys()) {
      const count = (this.#images.get(name) ?? 0) + change;
      if (count === 0) this.#images.delete(name);
      else this.#images.set(name, count);
    }
  }
}

const zoneOf = ({ labels }: NodeInfo): string => `${labels[regionLabel] ?? ''}:${labels[zoneLabel] ?? ''}`;

/** One node of each zone in turn, so that a search that stops early has seen all zones. */
function interleaveZones(nodes: readonly NodeInfo[]): NodeInfo[] {
  const zones = [...Map.groupBy(nodes, zoneOf).values()];
  const list: NodeInfo[] = [];
  for (let row = 0; list.length < nodes.length; row++) {
    for (const zone of zones) if (row < zone.length) list.push(zone[row]!);
  }
  return list;
}
