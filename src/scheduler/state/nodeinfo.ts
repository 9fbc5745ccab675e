/** A node with the sums over its pods, kept up to date pod by pod. */
import type { NodeLike } from '../../api/core/v1/nodeselector.ts';
import type { Node } from '../../api/core/v1/types.gen.ts';
import { value } from '../../apimachinery/quantity.ts';
import type { Labels } from '../../apimachinery/selectors.ts';
import type { PodInfo } from './podinfo.ts';
import { addResources, type Resources, resourcesOf } from './resources.ts';

const noLabels: Labels = Object.create(null);
const noImages: ReadonlyMap<string, number> = new Map();
const emptyNode: Node = { metadata: { name: '' }, spec: {} };

export class NodeInfo implements NodeLike {
  readonly name: string;
  /** Absent for a node of which only pods are known. */
  present = false;
  node: Node = emptyNode;
  labels: Labels = noLabels;
  allocatable: Resources = resourcesOf(undefined);
  maxPods = 0;
  readonly pods = new Map<string, PodInfo>();
  readonly requested: Resources = resourcesOf(undefined);
  readonly nonZeroRequested = { milliCpu: 0, memory: 0 };
  /** `protocol/port` → addresses that use it. */
  readonly usedPorts = new Map<string, string[]>();
  /** Bytes by image name. */
  images: ReadonlyMap<string, number> = noImages;
  constructor(name: string) {
    this.name = name;
  }

  setNode(node: Node): void {
    this.present = true;
    this.node = node;
    // Without what objects inherit: pods may name any key, `constructor` too.
    this.labels = node.metadata.labels ? Object.assign(Object.create(null), node.metadata.labels) : noLabels;
    this.allocatable = resourcesOf(node.status?.allocatable);
    this.maxPods = value(node.status?.allocatable?.pods ?? 0);
    const images = (node.status?.images ?? []).flatMap(({ names, sizeBytes = 0 }) => (names ?? []).map((name) => [name, sizeBytes] as const));
    this.images = images.length > 0 ? new Map(images) : noImages;
  }

  removeNode(): void {
    this.present = false;
    this.node = emptyNode;
    this.labels = noLabels;
    this.images = noImages;
  }

  addPod(pod: PodInfo): void {
    this.pods.set(pod.uid, pod);
    this.#count(pod, 1);
    for (const { ip, protocol, port } of pod.hostPorts) {
      const key = `${protocol}/${port}`;
      this.usedPorts.set(key, [...(this.usedPorts.get(key) ?? []), ip]);
    }
  }

  /** Gives what was there under that uid. */
  removePod(uid: string): PodInfo | undefined {
    const pod = this.pods.get(uid);
    if (!pod) return undefined;
    this.pods.delete(uid);
    this.#count(pod, -1);
    for (const { ip, protocol, port } of pod.hostPorts) {
      const key = `${protocol}/${port}`;
      const rest = [...(this.usedPorts.get(key) ?? [])];
      rest.splice(rest.indexOf(ip), 1);
      if (rest.length > 0) this.usedPorts.set(key, rest);
      else this.usedPorts.delete(key);
    }
    return pod;
  }

  /** The same pod with another status: no sums change. */
  replacePod(pod: PodInfo): void {
    if (this.pods.has(pod.uid)) this.pods.set(pod.uid, pod);
  }

  #count(pod: PodInfo, count: 1 | -1): void {
    addResources(this.requested, pod.requests, count);
    this.nonZeroRequested.milliCpu += pod.nonZero.milliCpu * count;
    this.nonZeroRequested.memory += pod.nonZero.memory * count;
  }

  /** A copy to try things out on. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.present = this.present;
    copy.node = this.node;
    copy.labels = this.labels;
    copy.allocatable = this.allocatable;
    copy.maxPods = this.maxPods;
    copy.images = this.images;
    for (const [uid, pod] of this.pods) copy.pods.set(uid, pod);
    const { scalars, ...sums } = this.requested;
    Object.assign(copy.requested, sums);
    for (const [name, amount] of scalars) copy.requested.scalars.set(name, amount);
    Object.assign(copy.nonZeroRequested, this.nonZeroRequested);
    for (const [port, addresses] of this.usedPorts) copy.usedPorts.set(port, addresses);
    return copy;
  }
}
