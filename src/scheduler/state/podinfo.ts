/** A pod with what plugins ask of it again and again, read once. */
import { isDeepStrictEqual } from 'node:util';
import { podPriority } from '../../api/core/v1/pod/helpers.ts';
import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '../../api/core/v1/types.gen.ts';
import { claimNameOf } from '../../api/core/v1/volumes.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { type LabelMatcher, type Labels, labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import { type PodRequests, requestsOf } from './resources.ts';

/** A term of pod affinity or anti-affinity, ready to match. */
export interface AffinityTerm {
  /** Stands for everything about the term but its weight. */
  id: string;
  topologyKey: string;
  weight: number;
  /** Whom it matches does not depend on the labels of namespaces. */
  plain: boolean;
  /** `namespaceLabels` are those of the namespace of the pod that is looked at. */
  matches(pod: PodInfo, namespaceLabels: Labels): boolean;
}

export interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

export interface PodInfo extends PodRequests {
  readonly pod: Pod;
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly priority: number;
  readonly terminating: boolean;
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly preferredAntiAffinity: readonly AffinityTerm[];
  readonly hostPorts: readonly HostPort[];
  /** Keys of the claims that its volumes use. */
  readonly claims: readonly string[];
}

const none: readonly never[] = [];
const noLabels: Labels = {};

function compileTerm(term: PodAffinityTerm, ownNamespace: string, weight: number): AffinityTerm {
  const explicit = term.namespaces ?? [];
  const namespaces = new Set(explicit.length === 0 && !term.namespaceSelector ? [ownNamespace] : explicit);
  const namespaceSelector: LabelMatcher = labelSelectorMatcher(term.namespaceSelector);
  const selector = labelSelectorMatcher(term.labelSelector);
  const plain = namespaceSelector.empty || namespaceSelector.matchesNothing;
  const text = (matcher: LabelMatcher): string => (matcher.matchesNothing ? '-' : matcher.toString());
  return {
    id: `${term.topologyKey} ${[...namespaces].sort().join()} ${text(namespaceSelector)} ${text(selector)}`,
    topologyKey: term.topologyKey,
    weight,
    plain,
    matches: (pod, namespaceLabels) => (namespaces.has(pod.namespace) || namespaceSelector.matches(namespaceLabels)) && selector.matches(pod.labels),
  };
}

const requiredTerms = (terms: readonly PodAffinityTerm[] | undefined, namespace: string): readonly AffinityTerm[] =>
  terms?.length ? terms.map((term) => compileTerm(term, namespace, 1)) : none;

const preferredTerms = (terms: readonly WeightedPodAffinityTerm[] | undefined, namespace: string): readonly AffinityTerm[] =>
  terms?.length ? terms.map(({ podAffinityTerm, weight }) => compileTerm(podAffinityTerm, namespace, weight)) : none;

function hostPortsOf(pod: Pod): readonly HostPort[] {
  const sidecars = (pod.spec.initContainers ?? []).filter((one) => one.restartPolicy === 'Always');
  const ports = [...pod.spec.containers, ...sidecars].flatMap((container) => container.ports ?? []);
  const used = ports.filter((port) => (port.hostPort ?? 0) > 0);
  return used.length === 0 ? none : used.map((port) => ({ ip: port.hostIP || '0.0.0.0', protocol: port.protocol || 'TCP', port: port.hostPort! }));
}

/** Throws when an affinity term's selector can't be read. */
export function createPodInfo(pod: Pod): PodInfo {
  const namespace = pod.metadata.namespace ?? '';
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  return {
    ...requestsOf(pod),
    pod,
    key: keyOf(pod),
    uid: pod.metadata.uid ?? '',
    namespace,
    labels: pod.metadata.labels ?? noLabels,
    priority: podPriority(pod),
    terminating: pod.metadata.deletionTimestamp !== undefined,
    requiredAffinity: requiredTerms(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution, namespace),
    requiredAntiAffinity: requiredTerms(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution, namespace),
    preferredAffinity: preferredTerms(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, namespace),
    preferredAntiAffinity: preferredTerms(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, namespace),
    hostPorts: hostPortsOf(pod),
    claims: (pod.spec.volumes ?? []).flatMap((volume) => {
      const name = claimNameOf(pod, volume);
      return name === undefined ? [] : [`${namespace}/${name}`];
    }),
  };
}

const resourcesOfStatus = ({ status }: Pod): unknown => [
  status?.resources,
  [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map(({ name, resources, allocatedResources }) => [
    name,
    resources,
    allocatedResources,
  ]),
  status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason,
];

/** Nothing changed of what the pod takes from its node. A generation stands for the whole spec. */
export function sameResources(a: Pod, b: Pod): boolean {
  const { generation } = a.metadata;
  const sameSpec = generation !== undefined ? generation === b.metadata.generation : isDeepStrictEqual(a.spec, b.spec);
  return sameSpec && isDeepStrictEqual(resourcesOfStatus(a), resourcesOfStatus(b));
}

const infos = new WeakMap<Pod, PodInfo>();

/** The same, read once per object: for the many questions that one event raises. */
export function podInfoOf(pod: Pod): PodInfo {
  let info = infos.get(pod);
  if (!info) {
    info = createPodInfo(pod);
    infos.set(pod, info);
  }
  return info;
}

/** Only its status moved on, in ways that don't matter to decisions. */
export const sameToScheduler = (a: Pod, b: Pod): boolean =>
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp && isDeepStrictEqual(a.metadata.labels, b.metadata.labels) && sameResources(a, b);

/** When the kubelet took the pod on; a pod that has not started counts as starting now. */
export const startTimeOf = (pod: Pod, now: number): number => (pod.status?.startTime ? Date.parse(pod.status.startTime) : now);
