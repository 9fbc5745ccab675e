/** Defaults of a pod, beyond those of any pod spec. */
import { formatQuantity } from '../../../../apimachinery/quantity.ts';
import { setHostPortDefaults, setPodSpecDefaults } from '../podtemplate/defaults.ts';
import type { Pod } from '../types.gen.ts';
import { isSupportedPodLevelResource, podLimits, podRequests } from './resources.ts';

const containersOnly = { skipPodLevelResources: true, excludeOverhead: true };

/** A container that is limited but asks for nothing asks for its limits. */
function setRequestsFromLimits(pod: Pod): void {
  for (const containers of [pod.spec.containers, pod.spec.initContainers]) {
    for (const { resources } of containers ?? []) {
      if (resources?.limits && Object.keys(resources.limits).length > 0) resources.requests = { ...resources.limits, ...resources.requests };
    }
  }
}

/** Huge pages cannot be overcommitted: the pod's limit is what its containers' limits add up to. */
function setPodLevelHugePageLimits(pod: Pod): void {
  const { resources } = pod.spec;
  if (!resources || Object.keys({ ...resources.limits, ...resources.requests }).length === 0) return;
  const total = podLimits(pod, containersOnly);
  for (const name in total) {
    if (!name.startsWith('hugepages-') || resources.requests?.[name] !== undefined) continue;
    resources.limits ??= {};
    resources.limits[name] ??= formatQuantity(total[name]!);
  }
}

/** A pod that is limited as a whole asks for what its containers ask for, or else for its limits. */
function setPodLevelRequests(pod: Pod): void {
  const { resources } = pod.spec;
  if (!resources?.limits || Object.keys(resources.limits).length === 0) return;
  const requests = { ...resources.requests };
  const total = podRequests(pod, containersOnly);
  for (const name in total) if (name === 'cpu' || name === 'memory') requests[name] ??= formatQuantity(total[name]!);
  for (const name in resources.limits) if (isSupportedPodLevelResource(name)) requests[name] ??= resources.limits[name]!;
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** `podIP` is the first of `podIPs`. Older kubelets know it alone, so it counts where they differ. */
function setPodIps({ status }: Pod): void {
  if (!status) return;
  if (status.podIP && status.podIP !== status.podIPs?.[0]?.ip) status.podIPs = [{ ip: status.podIP }];
  else if (status.podIPs?.[0]?.ip) status.podIP = status.podIPs[0].ip;
}

export function setPodDefaults(pod: Pod): void {
  pod.spec ??= { containers: [] };
  setRequestsFromLimits(pod);
  setPodLevelHugePageLimits(pod);
  setPodLevelRequests(pod);
  setPodIps(pod);
  pod.spec.enableServiceLinks ??= true;
  setHostPortDefaults(pod.spec);
  setPodSpecDefaults(pod.spec);
  if ((pod.spec.terminationGracePeriodSeconds ?? 0) < 0) pod.spec.terminationGracePeriodSeconds = 1;
}
