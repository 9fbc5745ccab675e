/** An extender: a program that is asked over HTTP about filtering, scoring, preempting and binding. Wire types are upstream's. */
import type { Node, Pod } from '../../api/core/v1/types.gen.ts';
import type { ExtenderConfiguration } from '../config/types.ts';
import { maxNodeScore } from '../framework/plugin.ts';
import type { Victims } from '../preemption/victims.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { PodInfo } from '../state/podinfo.ts';
import { createSender } from './http.ts';

export interface ExtenderFiltered {
  nodes: NodeInfo[];
  failed: Readonly<Record<string, string>>;
  failedAndUnresolvable: Readonly<Record<string, string>>;
}

export interface Extender {
  readonly name: string;
  /** The decision goes on without it when it fails. */
  readonly ignorable: boolean;
  /** It looks after all pods, or after a resource that this one wants. */
  isInterested(pod: Pod): boolean;
  filter?(pod: Pod, nodes: readonly NodeInfo[]): Promise<ExtenderFiltered>;
  /** By node, weighted, on the scale of all scores. */
  prioritize?(pod: Pod, nodes: readonly NodeInfo[]): Promise<ReadonlyMap<string, number>>;
  preempt?(pod: Pod, candidates: readonly Victims[]): Promise<Victims[]>;
  bind?(pod: Pod, node: string): Promise<void>;
  close(): void;
}

interface FilterResult {
  Nodes?: { items?: Node[] } | null;
  NodeNames?: string[] | null;
  FailedNodes?: Record<string, string> | null;
  FailedAndUnresolvableNodes?: Record<string, string> | null;
  Error?: string;
}
type MetaVictims = { Pods?: { UID: string }[] | null; NumPDBViolations?: number } | null;

/** Scores of extenders go up to 10. */
const scale = maxNodeScore / 10;

export function createExtender(configuration: ExtenderConfiguration): Extender {
  const { urlPrefix: name, filterVerb, prioritizeVerb, preemptVerb, bindVerb, nodeCacheCapable = false, weight = 0 } = configuration;
  const { send, close } = createSender(configuration);
  const managed = new Set((configuration.managedResources ?? []).map((resource) => resource.name));

  /** One that knows the nodes is told names, others get the nodes. */
  const argsOf = (pod: Pod, nodes: readonly NodeInfo[]): unknown =>
    nodeCacheCapable
      ? { Pod: pod, Nodes: null, NodeNames: nodes.map((node) => node.name) }
      : { Pod: pod, Nodes: { metadata: {}, items: nodes.map(({ node }) => node) }, NodeNames: null };

  async function filter(pod: Pod, nodes: readonly NodeInfo[]): Promise<ExtenderFiltered> {
    const result = await send<FilterResult>(filterVerb!, argsOf(pod, nodes));
    if (result.Error) throw new Error(result.Error);
    const names = nodeCacheCapable && result.NodeNames ? result.NodeNames : (result.Nodes?.items ?? []).map(({ metadata }) => metadata.name);
    const byName = new Map(nodes.map((node) => [node.name, node]));
    return {
      nodes: names.map((one) => {
        const node = byName.get(one);
        if (!node) throw new Error(`extender "${name}" claims a filtered node "${one}" which is not found in the input node list`);
        return node;
      }),
      failed: result.FailedNodes ?? {},
      failedAndUnresolvable: result.FailedAndUnresolvableNodes ?? {},
    };
  }

  async function prioritize(pod: Pod, nodes: readonly NodeInfo[]): Promise<ReadonlyMap<string, number>> {
    const list = await send<{ Host: string; Score: number }[]>(prioritizeVerb!, argsOf(pod, nodes));
    return new Map(list.map(({ Host, Score }) => [Host, Score * weight * scale]));
  }

  async function preempt(pod: Pod, candidates: readonly Victims[]): Promise<Victims[]> {
    const of = (describe: (other: PodInfo) => unknown): Record<string, unknown> =>
      Object.fromEntries(candidates.map(({ node, pods, violations }) => [node.name, { Pods: pods.map(describe), NumPDBViolations: violations }]));
    const body = nodeCacheCapable
      ? { Pod: pod, NodeNameToVictims: null, NodeNameToMetaVictims: of(({ uid }) => ({ UID: uid })) }
      : { Pod: pod, NodeNameToVictims: of((other) => other.pod), NodeNameToMetaVictims: null };
    const { NodeNameToMetaVictims: kept } = await send<{ NodeNameToMetaVictims?: Record<string, MetaVictims> | null }>(preemptVerb!, body);
    const chosen: Victims[] = [];
    for (const [nodeName, victims] of Object.entries(kept ?? {})) {
      const candidate = candidates.find(({ node }) => node.name === nodeName);
      if (!candidate) throw new Error(`nodeinfo not found for node name "${nodeName}"`);
      const pods = (victims?.Pods ?? []).map(({ UID }) => {
        const other = candidate.node.pods.get(UID);
        if (other) return other;
        throw new Error(`extender: ${name} claims to preempt pod (UID: ${UID}) on node: ${nodeName}, but the pod is not found on that node`);
      });
      if (pods.length > 0) chosen.push({ node: candidate.node, pods, violations: victims?.NumPDBViolations ?? 0 });
      else if (!configuration.ignorable) throw new Error(`expected at least one victim pod on node "${nodeName}"`);
    }
    return chosen;
  }

  async function bind({ metadata }: Pod, node: string): Promise<void> {
    const body = { PodName: metadata.name, PodNamespace: metadata.namespace, PodUID: metadata.uid, Node: node };
    const { Error: problem } = await send<{ Error?: string }>(bindVerb!, body);
    if (problem) throw new Error(problem);
  }

  return {
    name,
    ignorable: configuration.ignorable ?? false,
    isInterested({ spec }) {
      if (managed.size === 0) return true;
      const asked = [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) => [
        ...Object.keys(resources?.requests ?? {}),
        ...Object.keys(resources?.limits ?? {}),
      ]);
      return asked.some((resource) => managed.has(resource));
    },
    ...(filterVerb ? { filter } : {}),
    ...(prioritizeVerb ? { prioritize } : {}),
    ...(preemptVerb ? { preempt } : {}),
    ...(bindVerb ? { bind } : {}),
    close,
  };
}
