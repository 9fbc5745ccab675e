/** `KubeSchedulerConfiguration` (kubescheduler.config.k8s.io/v1) with its defaults filled in. */
import type { NodeAffinity, TopologySpreadConstraint } from '../../api/core/v1/types.gen.ts';

export interface PluginEntry {
  name: string;
  weight?: number;
}

export interface PluginSet {
  enabled: PluginEntry[];
  disabled: PluginEntry[];
}

/** Points at which plugins take part, as upstream names them. */
export const extensionPoints = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof extensionPoints)[number];

export type Plugins = Record<ExtensionPoint | 'multiPoint', PluginSet>;

export interface ProfileConfiguration {
  schedulerName: string;
  percentageOfNodesToScore?: number;
  plugins: Plugins;
  /** By plugin: its arguments, completed where the plugin is knarr's own. */
  pluginConfig: { name: string; args: Record<string, unknown> }[];
}

export interface ExtenderConfiguration {
  urlPrefix: string;
  filterVerb?: string;
  preemptVerb?: string;
  prioritizeVerb?: string;
  bindVerb?: string;
  weight?: number;
  enableHTTPS?: boolean;
  tlsConfig?: {
    insecure?: boolean;
    serverName?: string;
    certFile?: string;
    keyFile?: string;
    caFile?: string;
    /** Base64. */
    certData?: string;
    keyData?: string;
    caData?: string;
  };
  /** A Go duration. */
  httpTimeout?: string;
  nodeCacheCapable?: boolean;
  managedResources?: { name: string; ignoredByScheduler?: boolean }[];
  ignorable?: boolean;
}

export interface SchedulerConfiguration {
  parallelism: number;
  percentageOfNodesToScore: number;
  podInitialBackoffSeconds: number;
  podMaxBackoffSeconds: number;
  profiles: ProfileConfiguration[];
  extenders: ExtenderConfiguration[];
  /** Names of plugins from outside → URL or absolute path of the module that exports their factory. */
  modules: Readonly<Record<string, string>>;
}

export interface ResourceSpec {
  name: string;
  weight: number;
}

export interface ShapePoint {
  utilization: number;
  score: number;
}

/** Arguments of knarr's own plugins, by plugin. */
export interface PluginArgs {
  DefaultPreemption: { minCandidateNodesPercentage: number; minCandidateNodesAbsolute: number };
  InterPodAffinity: { hardPodAffinityWeight: number; ignorePreferredTermsOfExistingPods: boolean };
  NodeAffinity: { addedAffinity?: NodeAffinity };
  NodeResourcesBalancedAllocation: { resources: ResourceSpec[] };
  NodeResourcesFit: {
    ignoredResources?: string[];
    ignoredResourceGroups?: string[];
    scoringStrategy: { type: string; resources: ResourceSpec[]; requestedToCapacityRatio?: { shape: ShapePoint[] } };
  };
  PodTopologySpread: { defaultConstraints?: TopologySpreadConstraint[]; defaultingType: string };
  VolumeBinding: { bindTimeoutSeconds: number };
  /** Go durations. */
  DynamicResources: { filterTimeout: string; bindingTimeout: string };
}
