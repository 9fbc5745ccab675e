/** `replicaset-controller`: the pods of ReplicaSets. */
import { replicasets } from '../../api/apps/v1/replicaset.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import { defineReplicasController } from './replicas.ts';

export const replicaSetController = defineReplicasController({
  name: 'replicaset-controller',
  ref: replicasets,
  selector: ({ spec }) => labelSelectorMatcher(spec.selector),
  countsTerminating: true,
});
