/** What services take from pods: which pods, at which addresses and ports. Shared by the two forms in which that is published. */
import { isDeepStrictEqual } from 'node:util';
import { isPodReady, isPodTerminal, isPodTerminating } from '../../api/core/v1/pod/helpers.ts';
import type { Pod, Service, ServicePort } from '../../api/core/v1/types.gen.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { type LabelMatcher, labelSetMatcher, nothing } from '../../apimachinery/selectors.ts';
import type { Informer } from '../../client/informer.ts';
import type { Enqueue } from '../controller.ts';

export const headlessLabel = 'service.kubernetes.io/headless';

/** The addresses of the pod; there are none until it runs. */
export const addressesOf = ({ status }: Pod): string[] => {
  const all = (status?.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  return all.length > 0 ? all : status?.podIP ? [status.podIP] : [];
};

/** Whether the pod is there for others to talk to, ready or not. */
export const hasEndpoint = (pod: Pod, includeTerminating: boolean): boolean =>
  !isPodTerminal(pod) && addressesOf(pod).length > 0 && (includeTerminating || !isPodTerminating(pod));

/** The port of the pod that a port of a service leads to; undefined when no container names it. */
export function targetPortOf(pod: Pod, { targetPort, port, protocol = 'TCP' }: ServicePort): number | undefined {
  if (typeof targetPort !== 'string') return targetPort || port;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...pod.spec.containers, ...sidecars]
    .flatMap(({ ports }) => ports ?? [])
    .find((one) => one.name === targetPort && (one.protocol ?? 'TCP') === protocol)?.containerPort;
}

/** A pod has a name of its own in DNS when its subdomain is the service. */
export const hostnameFor = ({ spec, metadata }: Pod, service: Service): string | undefined =>
  spec.hostname && spec.subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace ? spec.hostname : undefined;

export const isHeadless = ({ spec }: Service): boolean => !spec.clusterIP || spec.clusterIP === 'None';

const matchers = new WeakMap<object, LabelMatcher>();

/** Read once per state of the service: every change of a pod asks all services of its namespace. */
function selectorOf({ spec }: Service): LabelMatcher {
  if (!spec.selector) return nothing;
  let matcher = matchers.get(spec.selector);
  if (!matcher) {
    matcher = labelSetMatcher(spec.selector);
    matchers.set(spec.selector, matcher);
  }
  return matcher;
}

export const podsOf = (service: Service, pods: Informer<Pod>): Pod[] => {
  const selector = selectorOf(service);
  return pods.list(service.metadata.namespace).filter((pod) => selector.matches(pod.metadata.labels));
};

function endpointChanged(pod: Pod, old: Pod): boolean {
  if (isPodReady(pod) !== isPodReady(old) || isPodTerminating(pod) !== isPodTerminating(old) || isPodTerminal(pod) !== isPodTerminal(old)) return true;
  if (pod.spec.nodeName !== old.spec.nodeName || pod.spec.hostname !== old.spec.hostname || pod.spec.subdomain !== old.spec.subdomain) return true;
  return !isDeepStrictEqual(addressesOf(pod), addressesOf(old));
}

/** Enqueues the services that select a pod, or selected it, when something of it changes that they publish. */
export function enqueueServicesOfPods(pods: Informer<Pod>, services: Informer<Service>, enqueue: Enqueue): void {
  const enqueueFor = (...states: Pod[]): void => {
    for (const service of services.list(states[0]!.metadata.namespace)) {
      const selector = selectorOf(service);
      if (states.some(({ metadata }) => selector.matches(metadata.labels))) enqueue(keyOf(service));
    }
  };
  pods.addHandlers({
    added: (pod) => enqueueFor(pod),
    updated(pod, old) {
      if (!isDeepStrictEqual(pod.metadata.labels, old.metadata.labels)) enqueueFor(pod, old);
      else if (endpointChanged(pod, old)) enqueueFor(pod);
    },
    deleted: (pod) => enqueueFor(pod),
  });
}
