/** What a pod as a whole has been granted, as its status shows it. */
import type { Pod, PodStatus, ResourceRequirements } from '../../api/core/v1/types.gen.ts';
import { formatQuantity, milliQuantity, quantityOf } from '../../apimachinery/quantity.ts';
import { podLimits } from '../cgroups/pods.ts';
import { bytesOf, milliCpu, podTotals } from '../containers/resources.ts';

type ResourceList = Record<string, string | number>;

/** Of all containers together, as the scheduler counts; what the pod itself asks for wins. */
function totals(pod: Pod, which: 'requests' | 'limits'): ResourceList {
  const parts: { resources?: ResourceRequirements }[] = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const names = new Set(parts.flatMap(({ resources }) => Object.keys(resources?.[which] ?? {})));
  const list: ResourceList = {};
  for (const name of names) {
    const amount = podTotals(pod, which, name === 'cpu' ? milliCpu : (of) => bytesOf(of, name));
    list[name] = formatQuantity(name === 'cpu' ? milliQuantity(amount) : quantityOf(amount, 'BinarySI'));
  }
  return { ...list, ...pod.spec.resources?.[which] };
}

/** `pod` is as granted. */
export function grantedResources(pod: Pod, actuated: ResourceRequirements | undefined): Pick<PodStatus, 'allocatedResources' | 'resources'> {
  const requests = totals(pod, 'requests');
  if (pod.spec.resources) return { allocatedResources: requests, resources: actuated ?? pod.spec.resources };
  const { cpuQuota, memory } = podLimits(pod, -1);
  const all = totals(pod, 'limits');
  const limits: ResourceList = {
    ...(cpuQuota && all['cpu'] !== undefined ? { cpu: all['cpu'] } : {}),
    ...(memory && all['memory'] !== undefined ? { memory: all['memory'] } : {}),
  };
  if (Object.keys(requests).length === 0) return {};
  return { allocatedResources: requests, resources: { requests, ...(Object.keys(limits).length ? { limits } : {}) } };
}
