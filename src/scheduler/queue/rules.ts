/** From plugins to the events that they wait for, and from changes of objects to those events. */
import { isDeepStrictEqual } from 'node:util';
import type { Node, Pod } from '../../api/core/v1/types.gen.ts';
import type { FilterPlugin, WakeEvent, WakeRule } from '../framework/plugin.ts';
import { sameResources } from '../state/podinfo.ts';
import { requestsOf } from '../state/resources.ts';

/** Rejects pods while there is no node at all. */
export const noNodesPlugin = 'NoNodes';

/** Stands for all extenders: they tell nothing of what they wait for. */
export const extenderPlugin = 'Extender';

/** By plugin. Profiles share the queue: what wakes a plugin's pods in one of them wakes them in all. */
export function rulesOf(profiles: Iterable<{ filters: readonly FilterPlugin[] }>): ReadonlyMap<string, readonly WakeRule[]> {
  const rules = new Map<string, readonly WakeRule[]>([
    [noNodesPlugin, [{ on: 'node/add' }]],
    [extenderPlugin, [{ on: '*' }]],
  ]);
  for (const { filters } of profiles) {
    for (const { name, wakes } of filters) rules.set(name, [...new Set([...(rules.get(name) ?? []), ...wakes])]);
  }
  return rules;
}

/** What a change of a node can mean for pods that wait; nothing for a heartbeat. */
export function nodeEvents(object: Node, old: Node): WakeEvent[] {
  const events: WakeEvent[] = [];
  const add = (action: 'labels' | 'taints' | 'allocatable' | 'unschedulable' | 'features'): void => void events.push({ resource: 'node', action, object, old });
  if (!isDeepStrictEqual(object.metadata.labels, old.metadata.labels)) add('labels');
  if (!isDeepStrictEqual(object.spec.taints, old.spec.taints)) add('taints');
  if (!isDeepStrictEqual(object.status?.allocatable, old.status?.allocatable)) add('allocatable');
  if (!isDeepStrictEqual(object.status?.declaredFeatures, old.status?.declaredFeatures)) add('features');
  if (old.spec.unschedulable && !object.spec.unschedulable) add('unschedulable');
  return events;
}

function scaledDown(object: Pod, old: Pod): boolean {
  if (sameResources(object, old)) return false;
  const after = requestsOf(object).requests;
  const before = requestsOf(old).requests;
  if (after.milliCpu < before.milliCpu || after.memory < before.memory || after.ephemeralStorage < before.ephemeralStorage) return true;
  return [...before.scalars].some(([name, amount]) => (after.scalars.get(name) ?? 0) < amount);
}

/** What a change of a pod that has a node can mean for others. */
export function podEvents(object: Pod, old: Pod): WakeEvent[] {
  const events: WakeEvent[] = [];
  if (!isDeepStrictEqual(object.metadata.labels, old.metadata.labels)) events.push({ resource: 'pod', action: 'labels', object, old });
  if (scaledDown(object, old)) events.push({ resource: 'pod', action: 'scaledown', object, old });
  return events;
}

/** What a change of a waiting pod can mean for itself. */
export function selfEvents(object: Pod, old: Pod): WakeEvent[] {
  const events: WakeEvent[] = [];
  const add = (action: 'labels' | 'scaledown' | 'gates' | 'tolerations' | 'claims'): void => void events.push({ resource: 'self', action, object, old });
  if (!isDeepStrictEqual(object.metadata.labels, old.metadata.labels)) add('labels');
  if (scaledDown(object, old)) add('scaledown');
  if ((old.spec.schedulingGates?.length ?? 0) > 0 && (object.spec.schedulingGates?.length ?? 0) === 0) add('gates');
  if (!isDeepStrictEqual(object.spec.tolerations, old.spec.tolerations)) add('tolerations');
  if (!isDeepStrictEqual(object.status?.resourceClaimStatuses, old.status?.resourceClaimStatuses)) add('claims');
  return events;
}
