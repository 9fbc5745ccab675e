/** A profile: the plugins that decide about pods of one scheduler name, point by point. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { pluginsAt, typeNames } from '../config/plugins.ts';
import type { ExtensionPoint, PluginArgs, ProfileConfiguration } from '../config/types.ts';
import { builtIn } from '../plugins/index.ts';
import type { FilterPlugin, SchedulerPlugin, ScorePlugin, WakeRule } from './plugin.ts';

export interface WeightedScore extends ScorePlugin {
  readonly weight: number;
}

type Of<K extends keyof SchedulerPlugin> = { readonly name: string; readonly run: NonNullable<SchedulerPlugin[K]> };

export interface Profile {
  readonly name: string;
  readonly filters: readonly FilterPlugin[];
  readonly scores: readonly WeightedScore[];
  readonly postFilters: readonly (Of<'postFilter'> | { readonly name: string; readonly preemption: PluginArgs['DefaultPreemption'] })[];
  readonly permits: readonly Of<'permit'>[];
  /** Absent `run`: the API server is asked. */
  readonly binders: readonly (Of<'bind'> | { readonly name: string; readonly run?: undefined })[];
  readonly postBinders: readonly Of<'postBind'>[];
  /** 0: as few as the cluster's size allows. */
  readonly percentageOfNodesToScore: number;
  /** Why the pod must not be tried yet, and which plugin says so. */
  gateOf(pod: Pod): { plugin: string; reason: string } | undefined;
}

const any: readonly WakeRule[] = [{ on: '*' }];
const usedBy: Readonly<Record<ExtensionPoint, keyof SchedulerPlugin | undefined>> = {
  preEnqueue: 'preEnqueue',
  queueSort: undefined,
  preFilter: 'filter',
  filter: 'filter',
  postFilter: 'postFilter',
  preScore: 'score',
  score: 'score',
  reserve: 'filter',
  permit: 'permit',
  preBind: 'filter',
  bind: 'bind',
  postBind: 'postBind',
};

/** Undefined: there is no such plugin. */
function extendsPoint(instances: ReadonlyMap<string, SchedulerPlugin>, point: ExtensionPoint, name: string): boolean | undefined {
  const plugin = instances.get(name);
  if (!plugin) return undefined;
  const used = usedBy[point];
  return (used !== undefined && plugin[used] !== undefined) || (point in builtIn && builtIn[point as keyof typeof builtIn] === name);
}

/** Names of all plugins that a profile mentions. */
export const pluginNames = ({ plugins }: ProfileConfiguration): Set<string> =>
  new Set(Object.values(plugins).flatMap(({ enabled }) => enabled.map(({ name }) => name)));

/** Puts the plugins of a profile where its configuration wants them. Throws with upstream's message when that is impossible. */
export function createProfile(configuration: ProfileConfiguration, instances: ReadonlyMap<string, SchedulerPlugin>, percentageOfNodesToScore: number): Profile {
  const { schedulerName, plugins, pluginConfig } = configuration;
  try {
    const at = (point: ExtensionPoint) => pluginsAt(plugins, point, typeNames[point], (name) => extendsPoint(instances, point, name));
    const ofPoint = <K extends keyof SchedulerPlugin>(point: ExtensionPoint, key: K): Of<K>[] =>
      at(point).flatMap(({ name }) => {
        const run = instances.get(name)?.[key];
        return run ? [{ name, run: run as NonNullable<SchedulerPlugin[K]> }] : [];
      });
    const sorters = at('queueSort');
    if (sorters.length !== 1)
      throw new Error(`only one queue sort plugin required for profile with scheduler name "${schedulerName}", but got ${sorters.length}`);
    const binders = at('bind').map(({ name }) => ({ name, ...(instances.get(name)?.bind ? { run: instances.get(name)!.bind! } : {}) }));
    if (binders.length === 0) throw new Error(`at least one bind plugin is needed for profile with scheduler name "${schedulerName}"`);
    const prepared = new Set(at('preFilter').map(({ name }) => name));
    const reserving = new Set(at('reserve').map(({ name }) => name));
    const gates = ofPoint('preEnqueue', 'preEnqueue');
    return {
      name: schedulerName,
      filters: ofPoint('filter', 'filter').flatMap(({ name, run }): FilterPlugin[] => {
        if (!prepared.has(name)) return [];
        const wakes = instances.get(name)!.wakes ?? any;
        return [{ name, prepare: reserving.has(name) ? run : withoutReserve(run), wakes }];
      }),
      scores: at('score').flatMap(({ name, weight }) => {
        const prepare = instances.get(name)?.score;
        return prepare ? [{ name, prepare, weight: weight || 1 }] : [];
      }),
      postFilters: at('postFilter').flatMap(({ name }): Profile['postFilters'][number][] => {
        if (name === builtIn.postFilter)
          return [{ name, preemption: pluginConfig.find((entry) => entry.name === name)!.args as PluginArgs['DefaultPreemption'] }];
        const run = instances.get(name)?.postFilter;
        return run ? [{ name, run }] : [];
      }),
      permits: ofPoint('permit', 'permit'),
      binders,
      postBinders: ofPoint('postBind', 'postBind'),
      percentageOfNodesToScore: configuration.percentageOfNodesToScore ?? percentageOfNodesToScore,
      gateOf(pod) {
        for (const { name, run } of gates) {
          const reason = run(pod);
          if (reason !== undefined) return { plugin: name, reason };
        }
        return undefined;
      },
    };
  } catch (error) {
    throw new Error(`creating profile for scheduler name ${schedulerName}: ${(error as Error).message}`, { cause: error });
  }
}

const withoutReserve =
  (prepare: FilterPlugin['prepare']): FilterPlugin['prepare'] =>
  (pod, snapshot) => {
    const check = prepare(pod, snapshot);
    return check && 'filter' in check && check.reserve ? { ...check, filter: (node) => check.filter(node), reserve: () => undefined } : check;
  };
