/** What the package exports: a Kubernetes control plane to test against, and the contract of scheduler plugins. */
export { type Cluster, type StartClusterOptions, startCluster } from './cluster/start.ts';
/** For plugins of the scheduler; see examples/scheduler-plugin. */
export type {
  NodeCheck,
  NodeScore,
  PluginContext,
  PluginFactory,
  PostFilterResult,
  Refusal,
  Rejection,
  Reservation,
  SchedulerPlugin,
  Snapshot,
  WakeEvent,
  WakeRule,
} from './scheduler/framework/plugin.ts';
export type { NodeInfo } from './scheduler/state/nodeinfo.ts';
export type { PodInfo } from './scheduler/state/podinfo.ts';
