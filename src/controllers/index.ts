/** Every controller of the controller manager, by upstream's name. */
import type { ControllerDefinition } from './controller.ts';
import { deploymentController } from './deployment/deployment.ts';
import { replicaSetController } from './replicaset/replicaset.ts';
import { replicationController } from './replicaset/replicationcontroller.ts';

export const controllers: readonly ControllerDefinition[] = [deploymentController, replicaSetController, replicationController];
