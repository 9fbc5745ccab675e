/** Which plugins take part where: the default set, what a profile changes of it, and what that comes to point by point. */
import { type ExtensionPoint, extensionPoints, type PluginEntry, type PluginSet, type Plugins } from './types.ts';

/** In the order in which they are asked. */
export const defaultPlugins: readonly PluginEntry[] = [
  { name: 'SchedulingGates' },
  { name: 'PrioritySort' },
  { name: 'NodeUnschedulable' },
  { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts' },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'VolumeRestrictions' },
  { name: 'NodeVolumeLimits' },
  { name: 'VolumeBinding' },
  { name: 'VolumeZone' },
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  { name: 'DynamicResources', weight: 2 },
  { name: 'DefaultPreemption' },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  { name: 'DefaultBinder' },
  { name: 'NodeDeclaredFeatures' },
];

type GivenSet = Partial<PluginSet> | undefined;
export type GivenPlugins = Partial<Record<ExtensionPoint | 'multiPoint', GivenSet>> | undefined;

/** What is disabled goes, what is named again is replaced in its place, the rest is added behind. */
function merge(defaults: readonly PluginEntry[], custom: GivenSet): PluginSet {
  const { enabled = [], disabled = [] } = custom ?? {};
  const off = new Set(disabled.map(({ name }) => name));
  const replaced = new Set<PluginEntry>();
  const kept = off.has('*')
    ? []
    : defaults.flatMap((entry) => {
        if (off.has(entry.name)) return [];
        const own = enabled.findLast(({ name }) => name === entry.name);
        if (own) replaced.add(own);
        return [own ?? entry];
      });
  return { enabled: [...kept, ...enabled.filter((entry) => !replaced.has(entry))], disabled: disabled.map(({ name }) => ({ name })) };
}

export function mergePlugins(custom: GivenPlugins): Plugins {
  const merged = { multiPoint: merge(defaultPlugins, custom?.multiPoint) } as Plugins;
  for (const point of extensionPoints) merged[point] = merge([], custom?.[point]);
  return merged;
}

/**
 * The plugins of one point, in order: those of `multiPoint` that are named here again come first, then the others of `multiPoint`,
 * then those that are named here alone. `extend` tells whether a plugin has anything to do at that point.
 */
export function pluginsAt(plugins: Plugins, point: ExtensionPoint, typeName: string, extend: (name: string) => boolean | undefined): PluginEntry[] {
  const { enabled, disabled } = plugins[point];
  const seen = new Set<string>();
  for (const { name } of enabled) {
    const extending = extend(name);
    if (extending === undefined) throw new Error(`${typeName} "${name}" does not exist`);
    if (!extending) throw new Error(`plugin "${name}" does not extend ${typeName} plugin`);
    if (seen.has(name)) throw new Error(`plugin "${name}" already registered as "${typeName}"`);
    seen.add(name);
  }
  const off = new Set(disabled.map(({ name }) => name));
  if (off.has('*')) return [...enabled];
  const overridden = new Set<string>();
  const general: PluginEntry[] = [];
  for (const entry of plugins.multiPoint.enabled) {
    const extending = extend(entry.name);
    if (extending === undefined) throw new Error(`${typeName} "${entry.name}" does not exist`);
    if (!extending || off.has(entry.name)) continue;
    if (seen.has(entry.name)) overridden.add(entry.name);
    else if (general.some(({ name }) => name === entry.name)) throw new Error(`plugin "${entry.name}" already registered as "${typeName}"`);
    else general.push(entry);
  }
  return [...enabled.filter(({ name }) => overridden.has(name)), ...general, ...enabled.filter(({ name }) => !overridden.has(name))];
}

/** Go's names of the plugin types, which errors mention. */
export const typeNames: Readonly<Record<ExtensionPoint, string>> = {
  preEnqueue: 'PreEnqueuePlugin',
  queueSort: 'QueueSortPlugin',
  preFilter: 'PreFilterPlugin',
  filter: 'FilterPlugin',
  postFilter: 'PostFilterPlugin',
  preScore: 'PreScorePlugin',
  score: 'ScorePlugin',
  reserve: 'ReservePlugin',
  permit: 'PermitPlugin',
  preBind: 'PreBindPlugin',
  bind: 'BindPlugin',
  postBind: 'PostBindPlugin',
};
