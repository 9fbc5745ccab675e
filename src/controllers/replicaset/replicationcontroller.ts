/** `replicationcontroller-controller`: the pods of ReplicationControllers, the older form of a ReplicaSet. */
import { replicationcontrollers } from '../../api/core/v1/replicationcontroller.ts';
import { labelSetMatcher, nothing } from '../../apimachinery/selectors.ts';
import { defineReplicasController } from './replicas.ts';

export const replicationController = defineReplicasController({
  name: 'replicationcontroller-controller',
  identity: 'replication-controller',
  eventSource: 'replication-controller',
  ref: replicationcontrollers,
  // An empty selector never reaches the store; were it there, it would adopt everything.
  selector({ spec }) {
    const matcher = labelSetMatcher(spec?.selector);
    return matcher.empty ? nothing : matcher;
  },
  countsTerminating: false,
});
