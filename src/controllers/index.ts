/** Every controller of the controller manager, by upstream's name. */
import { tokenCleanerController } from './bootstrap/cleaner.ts';
import { bootstrapSignerController } from './bootstrap/signer.ts';
import { csrApprovingController } from './certificates/approving.ts';
import { csrCleanerController } from './certificates/cleaner.ts';
import { csrSigningController } from './certificates/signing.ts';
import { clusterRoleAggregationController } from './clusterroleaggregation.ts';
import type { ControllerDefinition } from './controller.ts';
import { cronJobController } from './cronjob/cronjob.ts';
import { daemonSetController } from './daemonset/daemonset.ts';
import { deploymentController } from './deployment/deployment.ts';
import { deviceTaintEvictionController } from './devicetainteviction.ts';
import { disruptionController } from './disruption/disruption.ts';
import { endpointsController } from './endpoint/endpoint.ts';
import { endpointSliceController } from './endpointslice/endpointslice.ts';
import { endpointSliceMirroringController } from './endpointslice/mirroring.ts';
import { garbageCollectorController } from './garbagecollector/garbagecollector.ts';
import { jobController } from './job/job.ts';
import { namespaceController } from './namespace/namespace.ts';
import { nodeIpamController } from './nodeipam/nodeipam.ts';
import { nodeLifecycleController } from './nodelifecycle/nodelifecycle.ts';
import { horizontalPodAutoscalerController } from './podautoscaler/podautoscaler.ts';
import { podGarbageCollectorController } from './podgc.ts';
import { replicaSetController } from './replicaset/replicaset.ts';
import { replicationController } from './replicaset/replicationcontroller.ts';
import { resourceClaimController } from './resourceclaim/resourceclaim.ts';
import { resourceQuotaController } from './resourcequota/resourcequota.ts';
import { rootCaPublisherController } from './rootcapublisher.ts';
import { legacyTokenCleanerController } from './serviceaccount/legacytokencleaner.ts';
import { serviceAccountController } from './serviceaccount/serviceaccount.ts';
import { serviceAccountTokenController } from './serviceaccount/token.ts';
import { serviceCidrController } from './servicecidrs.ts';
import { statefulSetController } from './statefulset/statefulset.ts';
import { storageVersionMigratorController } from './storageversionmigrator.ts';
import { taintEvictionController } from './tainteviction.ts';
import { ttlController } from './ttl.ts';
import { ttlAfterFinishedController } from './ttlafterfinished.ts';
import { validatingAdmissionPolicyStatusController } from './validatingadmissionpolicystatus/status.ts';
import { attachDetachController } from './volume/attachdetach.ts';
import { volumeAttributesClassProtectionController } from './volume/attributesclassprotection.ts';
import { persistentVolumeBinderController } from './volume/binder.ts';
import { ephemeralVolumeController } from './volume/ephemeral.ts';
import { persistentVolumeExpanderController } from './volume/expander.ts';
import { persistentVolumeClaimProtectionController, persistentVolumeProtectionController } from './volume/protection.ts';

export const controllers: readonly ControllerDefinition[] = [
  deploymentController,
  garbageCollectorController,
  namespaceController,
  replicaSetController,
  replicationController,
  endpointSliceController,
  endpointsController,
  serviceAccountController,
  rootCaPublisherController,
  nodeLifecycleController,
  taintEvictionController,
  nodeIpamController,
  persistentVolumeBinderController,
  persistentVolumeClaimProtectionController,
  persistentVolumeProtectionController,
  ephemeralVolumeController,
  csrApprovingController,
  csrSigningController,
  csrCleanerController,
  clusterRoleAggregationController,
  serviceAccountTokenController,
  legacyTokenCleanerController,
  bootstrapSignerController,
  tokenCleanerController,
  ttlController,
  endpointSliceMirroringController,
  persistentVolumeExpanderController,
  attachDetachController,
  volumeAttributesClassProtectionController,
  serviceCidrController,
  daemonSetController,
  jobController,
  ttlAfterFinishedController,
  resourceQuotaController,
  podGarbageCollectorController,
  disruptionController,
  horizontalPodAutoscalerController,
  cronJobController,
  statefulSetController,
  resourceClaimController,
  validatingAdmissionPolicyStatusController,
  deviceTaintEvictionController,
  storageVersionMigratorController,
];
