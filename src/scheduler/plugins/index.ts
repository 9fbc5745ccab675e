/** knarr's own plugins, by upstream's names: each made with the arguments of a profile. */
import { parseDuration } from '../../apimachinery/duration.ts';
import type { PluginArgs } from '../config/types.ts';
import type { DeviceBinder } from '../devices/reserve.ts';
import type { FilterPlugin, SchedulerPlugin, ScorePlugin } from '../framework/plugin.ts';
import type { VolumeBinder } from '../volumes/binder.ts';
import { createBalancedAllocation } from './balancedallocation.ts';
import { createDynamicResources } from './dynamicresources.ts';
import { imageLocality } from './imagelocality.ts';
import { interPodAffinity } from './interpodaffinity.ts';
import { createInterPodAffinityScore } from './interpodaffinityscore.ts';
import { createNodeAffinity } from './nodeaffinity.ts';
import { nodeDeclaredFeatures } from './nodedeclaredfeatures.ts';
import { nodeName } from './nodename.ts';
import { nodePorts } from './nodeports.ts';
import { createNodeResourcesFit } from './noderesourcesfit.ts';
import { nodeUnschedulable } from './nodeunschedulable.ts';
import { nodeVolumeLimits } from './nodevolumelimits.ts';
import { createPodTopologySpread } from './podtopologyspread.ts';
import { schedulingGates } from './schedulinggates.ts';
import { createDefaultSpread } from './spreadconstraints.ts';
import { taintScore, taintToleration } from './tainttoleration.ts';
import { createVolumeBinding } from './volumebinding.ts';
import { volumeRestrictions } from './volumerestrictions.ts';
import { volumeZone } from './volumezone.ts';

/** What plugins need that do more than look. */
export interface Binders {
  volumes(timeoutMs: number): VolumeBinder;
  devices(timeoutMs: number): DeviceBinder;
  /** Resources that extenders look after. */
  managedElsewhere: readonly string[];
}

type OwnFactory = (args: Readonly<Record<string, unknown>>) => SchedulerPlugin;

const asPlugin = ({ prepare, wakes }: FilterPlugin, score?: ScorePlugin['prepare']): SchedulerPlugin => ({
  filter: prepare,
  wakes,
  ...(score ? { score } : {}),
});
const always =
  (plugin: SchedulerPlugin): OwnFactory =>
  () =>
    plugin;
const withArgs =
  <K extends keyof PluginArgs>(_name: K, make: (args: PluginArgs[K]) => SchedulerPlugin): OwnFactory =>
  (args) =>
    make(args as unknown as PluginArgs[K]);

/** Those of which other parts do the work: the queue, the binding, preemption. */
export const builtIn = { queueSort: 'PrioritySort', bind: 'DefaultBinder', postFilter: 'DefaultPreemption' } as const;

export const createOwnPlugins = ({ volumes, devices, managedElsewhere }: Binders): ReadonlyMap<string, OwnFactory> =>
  new Map<string, OwnFactory>([
    ['SchedulingGates', always(schedulingGates)],
    [builtIn.queueSort, always({})],
    ['NodeUnschedulable', always(asPlugin(nodeUnschedulable))],
    ['NodeName', always(asPlugin(nodeName))],
    ['TaintToleration', always(asPlugin(taintToleration, taintScore.prepare))],
    ['NodeAffinity', withArgs('NodeAffinity', createNodeAffinity)],
    ['NodePorts', always(asPlugin(nodePorts))],
    ['NodeResourcesFit', withArgs('NodeResourcesFit', (args) => createNodeResourcesFit(args, managedElsewhere))],
    ['VolumeRestrictions', always(asPlugin(volumeRestrictions))],
    ['NodeVolumeLimits', always(asPlugin(nodeVolumeLimits))],
    ['VolumeBinding', withArgs('VolumeBinding', ({ bindTimeoutSeconds }) => asPlugin(createVolumeBinding(volumes(bindTimeoutSeconds * 1_000))))],
    ['VolumeZone', always(asPlugin(volumeZone))],
    ['PodTopologySpread', withArgs('PodTopologySpread', (args) => createPodTopologySpread(createDefaultSpread(args)))],
    ['InterPodAffinity', withArgs('InterPodAffinity', (args) => asPlugin(interPodAffinity, createInterPodAffinityScore(args)))],
    [
      'DynamicResources',
      withArgs('DynamicResources', ({ filterTimeout, bindingTimeout }) => {
        const binding = parseDuration(bindingTimeout);
        return createDynamicResources(devices(binding), { filter: parseDuration(filterTimeout), binding });
      }),
    ],
    [builtIn.postFilter, always({})],
    ['NodeResourcesBalancedAllocation', withArgs('NodeResourcesBalancedAllocation', createBalancedAllocation)],
    ['ImageLocality', always({ score: imageLocality.prepare })],
    [builtIn.bind, always({})],
    ['NodeDeclaredFeatures', always(nodeDeclaredFeatures)],
  ]);
