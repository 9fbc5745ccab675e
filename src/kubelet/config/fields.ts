/**
 * The fields of `kubelet.config.k8s.io/v1beta1` `KubeletConfiguration`: those that this kubelet obeys, with upstream's
 * defaults, those that the cluster settles by itself, and those that it has no use for, with the reason.
 */
import type { Taint } from '../../api/core/v1/types.gen.ts';
import { defaultHardEviction } from '../eviction/thresholds.ts';
import { bytes, choice, duration, flag, list, objects, strings, text, whole } from './field.ts';

export interface PriorityGrace {
  priority: number;
  shutdownGracePeriodSeconds: number;
}

/** Memory of one NUMA node that pods don't get. */
export interface MemoryReservation {
  numaNode: number;
  limits: Record<string, string>;
}

/** Durations in milliseconds, sizes in bytes. */
export const fields = {
  staticPodPath: text(),
  fileCheckFrequency: duration('20s'),
  syncFrequency: duration('1m'),
  registryPullQPS: whole(5),
  registryBurst: whole(10),
  imagePullCredentialsVerificationPolicy: choice('NeverVerifyPreloadedImages', 'NeverVerify', 'NeverVerifyAllowlistedImages', 'AlwaysVerify'),
  preloadedImagesVerificationAllowlist: list(),
  serializeImagePulls: flag(false),
  /** Upstream pulls one image after the other unless told otherwise; here a few at once, which nobody has had to take back. */
  maxParallelImagePulls: whole(5),
  nodeStatusUpdateFrequency: duration('10s'),
  nodeStatusReportFrequency: duration('5m'),
  nodeLeaseDurationSeconds: whole(40),
  nodeStatusMaxImages: whole(50),
  imageMinimumGCAge: duration('2m'),
  imageMaximumGCAge: duration('0s'),
  imageGCHighThresholdPercent: whole(85),
  imageGCLowThresholdPercent: whole(80),
  maxPods: whole(110),
  podsPerCore: whole(0),
  podPidsLimit: whole(-1),
  cgroupDriver: choice('cgroupfs', 'systemd'),
  evictionHard: strings(defaultHardEviction),
  evictionSoft: strings(),
  evictionSoftGracePeriod: strings(),
  evictionPressureTransitionPeriod: duration('5m'),
  evictionMaxPodGracePeriod: whole(0),
  evictionMinimumReclaim: strings(),
  mergeDefaultEvictionSettings: flag(false),
  containerLogMaxSize: bytes('10Mi'),
  containerLogMaxFiles: whole(5),
  containerLogMonitorInterval: duration('10s'),
  systemReserved: strings(),
  kubeReserved: strings(),
  reservedSystemCPUs: text(),
  enforceNodeAllocatable: list(['pods']),
  cpuManagerPolicy: choice('none', 'static'),
  cpuManagerPolicyOptions: strings(),
  cpuManagerReconcilePeriod: duration('10s'),
  memoryManagerPolicy: choice('None', 'Static'),
  reservedMemory: objects<MemoryReservation>(({ numaNode, limits }) => {
    if (!Number.isInteger(numaNode) || typeof limits !== 'object') throw new Error('a reservation has a numaNode and limits');
  }),
  topologyManagerPolicy: choice('none', 'best-effort', 'restricted', 'single-numa-node'),
  topologyManagerPolicyOptions: strings(),
  topologyManagerScope: choice('container', 'pod'),
  /** Counts with control groups v2 alone. */
  singleProcessOOMKill: flag(false),
  allowedUnsafeSysctls: list(),
  shutdownGracePeriod: duration('0s'),
  shutdownGracePeriodCriticalPods: duration('0s'),
  shutdownGracePeriodByPodPriority: objects<PriorityGrace>(({ priority, shutdownGracePeriodSeconds }) => {
    if (!Number.isInteger(priority) || !Number.isInteger(shutdownGracePeriodSeconds))
      throw new Error('priority and shutdownGracePeriodSeconds are whole numbers');
  }),
  seccompDefault: flag(false),
  /** Instead of the serving certificate that the cluster gives by itself, one that somebody approves. */
  serverTLSBootstrap: flag(false),
  enableDebuggingHandlers: flag(true),
  enableSystemLogHandler: flag(true),
  registerWithTaints: objects<Taint>(({ key, effect }) => {
    if (typeof key !== 'string' || typeof effect !== 'string') throw new Error('a taint has a key and an effect');
  }),
  providerID: text(),
};

export type KubeletConfiguration = { readonly [Name in keyof typeof fields]: (typeof fields)[Name]['fallback'] };

const byCluster = 'the cluster settles it by itself';
const noSuchPart = 'this kubelet has no such part';

/** Known names that can't be set, and why; a value that says what holds anyway is let through. */
export const unsupported: Readonly<Record<string, { why: string; holds?: readonly unknown[] }>> = {
  ...Object.fromEntries(
    [
      'address',
      'port',
      'containerRuntimeEndpoint',
      'imageServiceEndpoint',
      'clusterDomain',
      'clusterDNS',
      'cgroupRoot',
      'podLogsDir',
      'podCIDR',
      'resolvConf',
      'tlsCertFile',
      'tlsPrivateKeyFile',
      'authentication',
      'authorization',
      'volumePluginDir',
      'kubeletCgroups',
      'systemCgroups',
      'healthzBindAddress',
    ].map((name) => [name, { why: byCluster }]),
  ),
  ...Object.fromEntries(
    [
      'httpCheckFrequency',
      'staticPodURL',
      'staticPodURLHeader',
      'tlsCipherSuites',
      'tlsCurvePreferences',
      'tlsMinVersion',
      'eventRecordQPS',
      'eventBurst',
      'enableContentionProfiling',
      'oomScoreAdj',
      'streamingConnectionIdleTimeout',
      'volumeStatsAggPeriod',
      'qosReserved',
      'runtimeRequestTimeout',
      'hairpinMode',
      'cpuCFSQuotaPeriod',
      'maxOpenFiles',
      'contentType',
      'kubeAPIQPS',
      'kubeAPIBurst',
      'iptablesMasqueradeBit',
      'iptablesDropBit',
      'makeIPTablesUtilChains',
      'containerLogMaxWorkers',
      'showHiddenMetricsForVersion',
      'systemReservedCgroup',
      'kubeReservedCgroup',
      'kernelMemcgNotification',
      'logging',
      'crashLoopBackOff',
      'memoryThrottlingFactor',
      'tracing',
      'userNamespaces',
      'enableProfilingHandler',
      'enableDebugFlagsHandler',
      'enableSystemLogQuery',
    ].map((name) => [name, { why: noSuchPart }]),
  ),
  enableServer: { why: 'the server is always on', holds: [true] },
  readOnlyPort: { why: 'there is no port without authentication', holds: [0] },
  healthzPort: { why: '/healthz is on the main port', holds: [0] },
  rotateCertificates: { why: 'certificates are always renewed', holds: [true] },
  cgroupsPerQOS: { why: noSuchPart, holds: [true] },
  cpuCFSQuota: { why: noSuchPart, holds: [true] },
  runOnce: { why: noSuchPart, holds: [false] },
  enableControllerAttachDetach: { why: noSuchPart, holds: [true] },
  protectKernelDefaults: { why: noSuchPart, holds: [false] },
  failSwapOn: { why: 'swap is neither used nor forbidden', holds: [false] },
  memorySwap: { why: 'pods never get swap' },
  configMapAndSecretChangeDetectionStrategy: { why: noSuchPart, holds: ['Watch'] },
  localStorageCapacityIsolation: { why: noSuchPart, holds: [true] },
  registerNode: { why: 'the node always registers itself', holds: [true] },
  failCgroupV1: { why: 'both versions of control groups work', holds: [false] },
  memoryReservationPolicy: { why: noSuchPart, holds: ['None'] },
  featureGates: { why: 'features are as in Kubernetes 1.36 by default' },
};
