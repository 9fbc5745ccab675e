/** NodeResourcesFit: the node must have room for what the pod requests; how full it is decides the score. */
import type { PluginArgs } from '../config/types.ts';
import { isDelegated } from '../devices/extended.ts';
import type { Rejection, SchedulerPlugin, WakeRule } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import { type PodInfo, podInfoOf } from '../state/podinfo.ts';
import { type Resources, requestsOf, resourcesOf } from '../state/resources.ts';
import { createScoringStrategy } from './scoringstrategies.ts';

const name = 'NodeResourcesFit';

interface Shortage {
  resource: string;
  /** Not even an empty node of this kind would do. */
  hopeless: boolean;
}

function shortagesOf({ requests }: PodInfo, node: NodeInfo, isIgnored: (resource: string, node: NodeInfo) => boolean): Shortage[] | undefined {
  const { allocatable, requested, pods, maxPods } = node;
  let found: Shortage[] | undefined;
  const check = (resource: string, wanted: number, used: number, total: number): void => {
    if (wanted > 0 && wanted > total - used) found = [...(found ?? []), { resource: `Insufficient ${resource}`, hopeless: wanted > total }];
  };
  if (pods.size + 1 > maxPods) found = [{ resource: 'Too many pods', hopeless: false }];
  check('cpu', requests.milliCpu, requested.milliCpu, allocatable.milliCpu);
  check('memory', requests.memory, requested.memory, allocatable.memory);
  check('ephemeral-storage', requests.ephemeralStorage, requested.ephemeralStorage, allocatable.ephemeralStorage);
  for (const [scalar, wanted] of requests.scalars) {
    if (!isIgnored(scalar, node)) check(scalar, wanted, requested.scalars.get(scalar) ?? 0, allocatable.scalars.get(scalar) ?? 0);
  }
  return found;
}

/** The same few sets of reasons come again for node after node. */
const rejections = new Map<string, Rejection>();

function rejectionOf(shortages: readonly Shortage[]): Rejection {
  const code = shortages.some(({ hopeless }) => hopeless) ? 'unresolvable' : 'unschedulable';
  const reasons = shortages.map(({ resource }) => resource);
  const id = `${code} ${reasons.join()}`;
  let rejection = rejections.get(id);
  if (!rejection) {
    if (rejections.size >= 1024) rejections.clear();
    rejection = { plugin: name, code, reasons };
    rejections.set(id, rejection);
  }
  return rejection;
}

/** Of a pod that asks for nothing out of the ordinary: a bit for each thing that is short, and one for each that is hopeless. */
function quickShortages({ requests }: PodInfo, { allocatable, requested, pods, maxPods }: NodeInfo): number {
  let bits = pods.size + 1 > maxPods ? 1 : 0;
  if (requests.milliCpu > 0 && requests.milliCpu > allocatable.milliCpu - requested.milliCpu) bits |= requests.milliCpu > allocatable.milliCpu ? 18 : 2;
  if (requests.memory > 0 && requests.memory > allocatable.memory - requested.memory) bits |= requests.memory > allocatable.memory ? 36 : 4;
  const { ephemeralStorage: wanted } = requests;
  if (wanted > 0 && wanted > allocatable.ephemeralStorage - requested.ephemeralStorage) bits |= wanted > allocatable.ephemeralStorage ? 72 : 8;
  return bits;
}

/** By those bits. */
const quickRejections: readonly (Rejection | undefined)[] = Array.from({ length: 128 }, (_, bits) => {
  const names = ['Too many pods', 'Insufficient cpu', 'Insufficient memory', 'Insufficient ephemeral-storage'];
  const reasons = names.filter((_name, bit) => bits & (1 << bit));
  return bits === 0 ? undefined : { plugin: name, code: bits > 15 ? 'unresolvable' : 'unschedulable', reasons };
});

/** Whether more is free in `after` than in `before` of anything that is wanted. */
function moreOf(wanted: Resources, before: Resources, after: Resources): boolean {
  if (wanted.milliCpu > 0 && after.milliCpu > before.milliCpu) return true;
  if (wanted.memory > 0 && after.memory > before.memory) return true;
  if (wanted.ephemeralStorage > 0 && after.ephemeralStorage > before.ephemeralStorage) return true;
  return [...wanted.scalars].some(([scalar, amount]) => amount > 0 && (after.scalars.get(scalar) ?? 0) > (before.scalars.get(scalar) ?? 0));
}

const wakes: readonly WakeRule[] = [
  { on: 'pod/delete' },
  {
    on: 'pod/scaledown',
    helps: (pod, event) =>
      event.resource === 'pod' &&
      !!event.old &&
      !!event.object &&
      moreOf(podInfoOf(pod).requests, requestsOf(event.object).requests, requestsOf(event.old).requests),
  },
  { on: 'self/scaledown' },
  {
    on: 'node/add',
    helps(pod, event) {
      if (event.resource !== 'node' || !event.object) return true;
      const allocatable = resourcesOf(event.object.status?.allocatable);
      const { requests } = podInfoOf(pod);
      const enough =
        requests.milliCpu <= allocatable.milliCpu && requests.memory <= allocatable.memory && requests.ephemeralStorage <= allocatable.ephemeralStorage;
      return enough && [...requests.scalars].every(([scalar, amount]) => amount <= (allocatable.scalars.get(scalar) ?? 0));
    },
  },
  { on: 'node/allocatable' },
];

/** Extended resources that somebody else looks after, such as an extender. */
export function createNodeResourcesFit(
  { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy }: PluginArgs['NodeResourcesFit'],
  managedElsewhere: readonly string[],
): SchedulerPlugin {
  const ignored = new Set([...ignoredResources, ...managedElsewhere]);
  const groups = new Set(ignoredResourceGroups);
  const isIgnored = (resource: string): boolean => ignored.has(resource) || groups.has(resource.split('/')[0]!);
  return {
    filter(pod, { listers }) {
      // What the node does not have may be there as devices, which are looked at elsewhere.
      const elsewhere = (resource: string, node: NodeInfo): boolean => isIgnored(resource) || isDelegated(listers.deviceClasses, resource, node);
      return {
        filter(node) {
          if (pod.requests.scalars.size === 0) return quickRejections[quickShortages(pod, node)];
          const shortages = shortagesOf(pod, node, elsewhere);
          return shortages && rejectionOf(shortages);
        },
      };
    },
    score: createScoringStrategy(scoringStrategy),
    wakes,
  };
}
