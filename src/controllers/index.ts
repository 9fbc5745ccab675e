/** Every controller of the controller manager, by upstream's name. */
import type { ControllerDefinition } from './controller.ts';
import { deploymentController } from './deployment/deployment.ts';
import { endpointsController } from './endpoint/endpoint.ts';
import { endpointSliceController } from './endpointslice/endpointslice.ts';
import { garbageCollectorController } from './garbagecollector/garbagecollector.ts';
import { namespaceController } from './namespace/namespace.ts';
import { nodeIpamController } from './nodeipam/nodeipam.ts';
import { nodeLifecycleController } from './nodelifecycle/nodelifecycle.ts';
import { replicaSetController } from './replicaset/replicaset.ts';
import { replicationController } from './replicaset/replicationcontroller.ts';
import { rootCaPublisherController } from './rootcapublisher.ts';
import { serviceAccountController } from './serviceaccount/serviceaccount.ts';
import { taintEvictionController } from './tainteviction.ts';
import { persistentVolumeBinderController } from './volume/binder.ts';
import { ephemeralVolumeController } from './volume/ephemeral.ts';
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
];
