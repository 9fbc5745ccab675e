import type { Container, LimitRange, Pod } from '../../../api/core/v1/types.gen.ts';
import { own } from '../../../apimachinery/own.ts';

type Amounts = Record<string, string | number>;
const annotation = 'kubernetes.io/limit-ranger';

function defaultsOf({ spec }: LimitRange): { requests: Amounts; limits: Amounts } {
  const ofContainers = (spec?.limits ?? []).filter(({ type }) => type === 'Container');
  return {
    requests: Object.assign({}, ...ofContainers.map(({ defaultRequest }) => defaultRequest)),
    limits: Object.assign({}, ...ofContainers.map((limit) => limit.default)),
  };
}

/** Sets what is missing and gives the names of what was set, sorted. */
function fill(amounts: Amounts, defaults: Amounts): string[] {
  const missing = Object.keys(defaults)
    .filter((name) => own(amounts, name) === undefined)
    .sort();
  for (const name of missing) amounts[name] = defaults[name] ?? 0;
  return missing;
}

function fillContainer(container: Container, defaults: { requests: Amounts; limits: Amounts }, title: string): string[] {
  const resources = { ...container.resources };
  const requests = { ...resources.requests };
  const limits = { ...resources.limits };
  const setLimits = fill(limits, defaults.limits);
  const setRequests = fill(requests, defaults.requests);
  if (setLimits.length > 0) resources.limits = limits;
  if (setRequests.length > 0) resources.requests = requests;
  if (setLimits.length > 0 || setRequests.length > 0) container.resources = resources;
  return [
    ...(setRequests.length > 0 ? [`${setRequests.join(', ')} request for ${title} ${container.name}`] : []),
    ...(setLimits.length > 0 ? [`${setLimits.join(', ')} limit for ${title} ${container.name}`] : []),
  ];
}

/** Gives containers the default requests and limits of the range, and says so in an annotation of the pod. */
export function applyDefaults(range: LimitRange, pod: Pod): void {
  const defaults = defaultsOf(range);
  const done = [
    ...pod.spec.containers.flatMap((container) => fillContainer(container, defaults, 'container')),
    ...(pod.spec.initContainers ?? []).flatMap((container) => fillContainer(container, defaults, 'init container')),
  ];
  if (done.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${done.join('; ')}` };
}
