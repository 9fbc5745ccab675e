/**
 * The feature gates that upstream 1.36's API server knows, by stage and by what they are when nothing is said of them.
 * From `kubernetes_feature_enabled` and `kube-apiserver --help`.
 */

export type FeatureStage = 'ALPHA' | 'BETA' | '' | 'DEPRECATED';

export interface FeatureGate {
  /** As `kubernetes_feature_enabled` has it: empty once it is generally available. */
  stage: FeatureStage;
  enabled: boolean;
  /** It can't be set to anything else. */
  locked: boolean;
}

const listed: readonly (FeatureGate & { names: string })[] = [
  {
    stage: 'ALPHA',
    enabled: false,
    locked: false,
    names: `
      APIServingWithRoutine AllowUnsafeMalformedObjectDeletion CBORServingAndStorage CPUManagerPolicyAlphaOptions CRIListStreaming CSIVolumeHealth
      ClientsAllowCBOR ClientsPreferCBOR CloudControllerManagerWatchBasedRoutesReconciliation CloudControllerManagerWebhook ContainerStopSignals
      ControllerManagerReleaseLeaderElectionLockOnExit CrossNamespaceVolumeDataSource DRAListTypeAttributes DRANodeAllocatableResources
      DRAResourcePoolStatus DRAWorkloadResourceClaims EventedPLEG GangScheduling GenericWorkload HPAScaleToZero ImageVolumeWithDigest
      InPlacePodVerticalScalingExclusiveCPUs InPlacePodVerticalScalingExclusiveMemory KubeletInUserNamespace LoggingAlphaOptions
      ManifestBasedAdmissionControlConfig MemoryQoS MutablePVNodeAffinity NativeHistograms PersistentVolumeClaimUnusedSinceTime
      PodAndContainerStatsFromCRI PodLevelResourceManagers PodLogsQuerySplitStreams PodsAPI QOSReserved ReduceDefaultCrashLoopBackOffDecay
      RuntimeClassInImageCriApi ShardedListAndWatch StorageCapacityScoring StorageVersionAPI TaintTolerationComparisonOperators
      TopologyAwareWorkloadScheduling TopologyManagerPolicyAlphaOptions UserNamespacesHostNetworkSupport VolumeLimitScaling
      WindowsCPUAndMemoryAffinity WorkloadAwarePreemption WorkloadWithJob`,
  },
  {
    stage: 'BETA',
    enabled: true,
    locked: false,
    names: `
      APIResponseCompression APIServerIdentity AllowParsingUserUIDFromCertAuth AtomicFIFO AuthorizePodWebsocketUpgradeCreatePermission
      CPUManagerPolicyBetaOptions CRDObservedGenerationTracking ClearingNominatedNodeNameAfterBinding ClientsAllowCARotation ClientsAllowTLSCacheGC
      ComponentFlagz ComponentStatusz ConstrainedImpersonation ContainerCheckpoint ContainerRestartRules ContextualLogging DRAConsumableCapacity
      DRADeviceBindingConditions DRADeviceTaints DRAExtendedResource DRAPartitionableDevices DRAResourceClaimDeviceStatus
      DRAResourceClaimGranularStatusAuthorization DRASchedulerFilterTimeout DeclarativeValidationBeta DeploymentReplicaSetTerminatingReplicas
      DetectCacheInconsistency EnvFiles ExtendWebSocketsToKubelet GracefulNodeShutdown GracefulNodeShutdownBasedOnPodPriority HPAConfigurableTolerance
      HostnameOverride InOrderInformersBatchProcess InPlacePodLevelResourcesVerticalScaling InPlacePodVerticalScalingInitContainers
      KubeletCrashLoopBackOffMax KubeletEnsureSecretPulledImages KubeletSeparateDiskGC KubeletServiceAccountTokenForCredentialProviders
      ListFromCacheSnapshot LoggingBetaOptions MatchLabelKeysInPodTopologySpread MatchLabelKeysInPodTopologySpreadSelectorMerge
      MutablePodResourcesForSuspendedJobs MutableSchedulingDirectivesForSuspendedJobs NodeDeclaredFeatures NominatedNodeNameForExpectation
      OpenAPIEnums OpportunisticBatching PLEGOnDemandRelist PodDeletionCost PodLevelResources PodReadyToStartContainersCondition
      PodTopologyLabelsAdmission PortForwardWebsockets PreventStaticPodAPIReferences RelaxedServiceNameValidation ReloadKubeletClientCAFile
      ReloadKubeletServerCertificateFile RemoteRequestHeaderUID ResourceHealthStatus ResourceHealthStatusMessage RestartAllContainersOnContainerExits
      RotateKubeletServerCertificate SchedulerAsyncPreemption SchedulerPopFromBackoffQ ServiceAccountNodeAudienceRestriction SizeBasedListCostEstimate
      StaleControllerConsistencyDaemonSet StaleControllerConsistencyJob StaleControllerConsistencyReplicaSet StaleControllerConsistencyStatefulSet
      StatefulSetSemanticRevisionComparison StorageVersionHash StrictIPCIDRValidation StructuredAuthenticationConfigurationEgressSelector
      StructuredAuthenticationConfigurationJWKSMetrics TokenRequestServiceAccountUIDValidation TopologyManagerPolicyBetaOptions
      TranslateStreamCloseWebsocketRequests UnauthenticatedHTTP2DOSMitigation UnknownVersionInteroperabilityProxy UnlockWhileProcessingFIFO
      WatchCacheInitializationPostStartHook WatchList WatchListClient WindowsGracefulNodeShutdown`,
  },
  {
    stage: 'BETA',
    enabled: false,
    locked: false,
    names: `
      ClusterTrustBundle ClusterTrustBundleProjection ConcurrentWatchObjectDecode CoordinatedLeaderElection DRADeviceTaintRules
      LocalStorageCapacityIsolationFSQuotaMonitoring MaxUnavailableStatefulSet PodCertificateRequest SELinuxMount SchedulerAsyncAPICalls
      StorageVersionMigrator`,
  },
  {
    stage: '',
    enabled: true,
    locked: false,
    names: `
      AllowServiceExternalIPs CRDValidationRatcheting CustomCPUCFSQuotaPeriod CustomResourceFieldSelectors DRAPrioritizedList InformerResourceVersion
      MutatingAdmissionPolicy RetryGenerateName SidecarContainers`,
  },
  {
    stage: '',
    enabled: true,
    locked: true,
    names: `
      APIServerTracing AnonymousAuthConfigurableEndpoints AnyVolumeDataSource AuthorizeNodeWithSelectors AuthorizeWithSelectors BtreeWatchCache
      CPUManagerPolicyOptions CSIServiceAccountTokenSecrets ConsistentListFromCache DRAAdminAccess DeclarativeValidation DisableAllocatorDualWrite
      DynamicResourceAllocation ExecProbeTimeout ExternalServiceAccountTokenSigner ImageMaximumGCAge ImageVolume InOrderInformers
      InPlacePodVerticalScaling JobBackoffLimitPerIndex JobManagedBy JobPodReplacementPolicy JobSuccessPolicy KubeletCgroupDriverFromCRI
      KubeletFineGrainedAuthz KubeletPSI KubeletPodResourcesDynamicResources KubeletPodResourcesGet KubeletTracing LogarithmicScaleDown
      MatchLabelKeysInPodAffinity MultiCIDRServiceAllocator MutableCSINodeAllocatableCount NFTablesProxyMode NodeInclusionPolicyInPodTopologySpread
      NodeLogQuery NodeSwap OrderedNamespaceDeletion PodLifecycleSleepAction PodLifecycleSleepActionAllowZero PodObservedGenerationTracking
      PodSchedulingReadiness PreferSameTrafficDistribution ProcMountType RecoverVolumeExpansionFailure RecursiveReadOnlyMounts
      RelaxedDNSSearchValidation RelaxedEnvironmentVariableValidation ResilientWatchCacheInitialization SELinuxChangePolicy
      SELinuxMountReadWriteOncePod SchedulerQueueingHints SeparateTaintEvictionController ServiceAccountTokenJTI ServiceAccountTokenNodeBinding
      ServiceAccountTokenNodeBindingValidation ServiceAccountTokenPodNodeInfo StreamingCollectionEncodingToJSON StreamingCollectionEncodingToProtobuf
      StructuredAuthenticationConfiguration SupplementalGroupsPolicy SystemdWatchdog TopologyManagerPolicyOptions UserNamespacesSupport
      VolumeAttributesClass WinDSR WinOverlay`,
  },
  {
    stage: 'DEPRECATED',
    enabled: true,
    locked: false,
    names: `
      DisableCPUQuotaWithExclusiveCPUs KubeletPodResourcesListUseActivePods SeparateCacheWatchRPC ServiceCIDRStatusFieldWiping StorageNamespaceIndex`,
  },
  {
    stage: 'DEPRECATED',
    enabled: true,
    locked: true,
    names: `
      AggregatedDiscoveryRemoveBetaType DisableNodeKubeProxyVersion`,
  },
  {
    stage: 'DEPRECATED',
    enabled: false,
    locked: false,
    names: `
      AllowDNSOnlyNodeCSR AllowInsecureKubeletCertificateSigningRequests ChangeContainerStatusOnKubeletRestart DeclarativeValidationTakeover KMSv1
      KubeletRegistrationGetOnExistsOnly WindowsHostNetwork`,
  },
  {
    stage: 'DEPRECATED',
    enabled: false,
    locked: true,
    names: `
      AllowOverwriteTerminationGracePeriodSeconds GitRepoVolumeDriver`,
  },
];

/** By name; `AllAlpha` and `AllBeta` stand for those of a stage that nothing is said of. */
export const featureGates: ReadonlyMap<string, FeatureGate> = new Map([
  ['AllAlpha', { stage: 'ALPHA', enabled: false, locked: false }],
  ['AllBeta', { stage: 'BETA', enabled: false, locked: false }],
  ...listed.flatMap(({ names, ...gate }) =>
    names
      .trim()
      .split(/\s+/)
      .map((name): [string, FeatureGate] => [name, gate]),
  ),
]);

/** All of them, with what was set. */
export const featuresOf = (given: ReadonlyMap<string, boolean> | undefined): { name: string; stage: FeatureStage; enabled: boolean }[] =>
  Array.from(featureGates, ([name, { stage, enabled }]) => ({ name, stage, enabled: given?.get(name) ?? enabled }));

/** Gates that knarr has both ways; what else is known is as upstream's default has it. */
const switchable: ReadonlySet<string> = new Set(['APIResponseCompression']);

const parseBool = (text: string): boolean | undefined =>
  ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text) ? true : ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;

/**
 * What `--feature-gates` comes to: pairs `Gate=true`, with `kube:` before them or without.
 * @throws {Error} in upstream's words; and for what knarr has only one way
 */
export function parseFeatureGates(pairs: readonly string[]): ReadonlyMap<string, boolean> {
  const given = new Map<string, boolean>();
  for (const pair of pairs) {
    const [component, rest] = pair.includes(':') ? [pair.slice(0, pair.indexOf(':')).trim(), pair.slice(pair.indexOf(':') + 1)] : ['', pair];
    if (component !== '' && component !== 'kube') throw new Error(`component not registered: ${component}`);
    const equals = rest.indexOf('=');
    const name = (equals < 0 ? rest : rest.slice(0, equals)).trim();
    if (equals < 0) throw new Error(`missing bool value for ${name}`);
    const text = rest.slice(equals + 1).trim();
    const value = parseBool(text);
    if (value === undefined) throw new Error(`invalid value of ${name}=${text}, err: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
    given.set(name, value);
  }
  for (const [name, value] of given) {
    const gate = featureGates.get(name);
    if (!gate) throw new Error(`unrecognized feature gate: ${name}`);
    if (value === gate.enabled || switchable.has(name)) continue;
    if (gate.locked) throw new Error(`cannot set feature gate ${name} to ${value}, feature is locked to ${gate.enabled}`);
    throw new Error(`${name} is always ${gate.enabled ? 'on' : 'off'} in knarr`);
  }
  return given;
}
