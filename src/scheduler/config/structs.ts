/** The shape of the configuration file, for strict decoding; fields and Go types as upstream's v1 has them. */
import { structOf } from '../../api/schema.ts';
import type { Field, FieldType, Presence, Struct } from '../../apimachinery/schema.ts';

const packageName = 'io.k8s.kube-scheduler.config.v1';
const string: FieldType = { type: 'string' };
const duration: FieldType = { type: 'string', format: 'duration' };
const boolean: FieldType = { type: 'boolean' };
const int32: FieldType = { type: 'integer', format: 'int32' };
const int64: FieldType = { type: 'integer', format: 'int64' };
const float: FieldType = { type: 'number', format: 'float' };
const listOf = (items: FieldType): FieldType => ({ type: 'array', items, list: 'atomic' });
const of = (struct: Struct): FieldType => ({ type: 'object', struct });

function struct(name: string, types: Record<string, FieldType>): Struct {
  const presence: Presence = 'pointer';
  const fields = new Map(Object.entries(types).map(([field, type]): [string, Field] => [field, { name: field, type, presence }]));
  return { name: `${packageName}.${name}`, fields };
}

const typeMeta = { apiVersion: string, kind: string };
const plugin = struct('Plugin', { name: string, weight: int32 });
const pluginSet = of(struct('PluginSet', { enabled: listOf(of(plugin)), disabled: listOf(of(plugin)) }));
const plugins = struct('Plugins', {
  preEnqueue: pluginSet,
  queueSort: pluginSet,
  preFilter: pluginSet,
  filter: pluginSet,
  postFilter: pluginSet,
  preScore: pluginSet,
  score: pluginSet,
  reserve: pluginSet,
  permit: pluginSet,
  preBind: pluginSet,
  bind: pluginSet,
  postBind: pluginSet,
  multiPoint: pluginSet,
  placementGenerate: pluginSet,
  placementScore: pluginSet,
});
const anything: FieldType = { type: 'any', form: 'raw-extension' };
const profile = struct('KubeSchedulerProfile', {
  schedulerName: string,
  percentageOfNodesToScore: int32,
  plugins: of(plugins),
  pluginConfig: listOf(of(struct('PluginConfig', { name: string, args: anything }))),
});
const extender = struct('Extender', {
  urlPrefix: string,
  filterVerb: string,
  preemptVerb: string,
  prioritizeVerb: string,
  weight: int64,
  bindVerb: string,
  enableHTTPS: boolean,
  tlsConfig: of(
    struct('ExtenderTLSConfig', {
      insecure: boolean,
      serverName: string,
      certFile: string,
      keyFile: string,
      caFile: string,
      certData: string,
      keyData: string,
      caData: string,
    }),
  ),
  httpTimeout: duration,
  nodeCacheCapable: boolean,
  managedResources: listOf(of(struct('ExtenderManagedResource', { name: string, ignoredByScheduler: boolean }))),
  ignorable: boolean,
});

export const configurationStruct = struct('KubeSchedulerConfiguration', {
  ...typeMeta,
  parallelism: int32,
  leaderElection: of(
    struct('LeaderElectionConfiguration', {
      leaderElect: boolean,
      leaseDuration: duration,
      renewDeadline: duration,
      retryPeriod: duration,
      resourceLock: string,
      resourceName: string,
      resourceNamespace: string,
    }),
  ),
  clientConnection: of(
    struct('ClientConnectionConfiguration', { kubeconfig: string, acceptContentTypes: string, contentType: string, qps: float, burst: int32 }),
  ),
  enableProfiling: boolean,
  enableContentionProfiling: boolean,
  percentageOfNodesToScore: int32,
  podInitialBackoffSeconds: int64,
  podMaxBackoffSeconds: int64,
  profiles: listOf(of(profile)),
  extenders: listOf(of(extender)),
  delayCacheUntilActive: boolean,
});

const resources = listOf(of(struct('ResourceSpec', { name: string, weight: int64 })));
const shape = listOf(of(struct('UtilizationShapePoint', { utilization: int32, score: int32 })));

/** By plugin. */
export const argsStructs: Readonly<Record<string, Struct>> = {
  DefaultPreemption: struct('DefaultPreemptionArgs', { ...typeMeta, minCandidateNodesPercentage: int32, minCandidateNodesAbsolute: int32 }),
  InterPodAffinity: struct('InterPodAffinityArgs', { ...typeMeta, hardPodAffinityWeight: int32, ignorePreferredTermsOfExistingPods: boolean }),
  NodeAffinity: struct('NodeAffinityArgs', { ...typeMeta, addedAffinity: of(structOf('io.k8s.api.core.v1.NodeAffinity')) }),
  NodeResourcesBalancedAllocation: struct('NodeResourcesBalancedAllocationArgs', { ...typeMeta, resources }),
  NodeResourcesFit: struct('NodeResourcesFitArgs', {
    ...typeMeta,
    ignoredResources: listOf(string),
    ignoredResourceGroups: listOf(string),
    scoringStrategy: of(
      struct('ScoringStrategy', { type: string, resources, requestedToCapacityRatio: of(struct('RequestedToCapacityRatioParam', { shape })) }),
    ),
  }),
  PodTopologySpread: struct('PodTopologySpreadArgs', {
    ...typeMeta,
    defaultConstraints: listOf(of(structOf('io.k8s.api.core.v1.TopologySpreadConstraint'))),
    defaultingType: string,
  }),
  VolumeBinding: struct('VolumeBindingArgs', { ...typeMeta, bindTimeoutSeconds: int64, shape }),
  DynamicResources: struct('DynamicResourcesArgs', { ...typeMeta, filterTimeout: duration, bindingTimeout: duration }),
};
