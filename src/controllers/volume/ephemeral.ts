/** `ephemeral-volume-controller`: makes the claims of generic ephemeral volumes; they go with their pod. */
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { claimNameOf, isEphemeralClaimOf } from '../../api/core/v1/volumes.ts';
import { isAlreadyExists } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { isNamespaceTerminating, NotYet } from '../common/errors.ts';
import { controllerReference } from '../common/ownership.ts';
import { defineController } from '../controller.ts';
import { podsByClaim } from './state.ts';

const hasEphemeral = ({ spec }: Pod): boolean => (spec.volumes ?? []).some((volume) => volume.ephemeral?.volumeClaimTemplate);

export const ephemeralVolumeController = defineController({
  name: 'ephemeral-volume-controller',
  eventSource: 'ephemeral_volume',
  setup({ client, informers, events }, enqueue) {
    const pods = informers.informer(podKind);
    const claims = informers.informer(persistentvolumeclaims);
    const resource = client.resource(persistentvolumeclaims);
    const users = podsByClaim(pods);
    pods.addHandlers({
      added(pod) {
        if (!pod.metadata.deletionTimestamp && hasEphemeral(pod)) enqueue(keyOf(pod));
      },
    });
    claims.addHandlers({
      deleted(claim) {
        for (const pod of users(keyOf(claim))) if (hasEphemeral(pod)) enqueue(keyOf(pod));
      },
    });
    function refuse(pod: Pod, volume: string, why: string): never {
      const message = `ephemeral volume ${volume}: ${why}`;
      events.event({ apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata }, 'Warning', 'FailedBinding', message);
      throw new NotYet(`pod ${keyOf(pod)}, ${message}`);
    }

    return {
      async reconcile(key) {
        const pod = pods.getByKey(key);
        if (!pod || pod.metadata.deletionTimestamp) return;
        for (const volume of pod.spec.volumes ?? []) {
          const template = volume.ephemeral?.volumeClaimTemplate;
          const name = claimNameOf(pod, volume);
          if (!template || name === undefined) continue;
          const namespace = pod.metadata.namespace ?? '';
          const current = claims.get(namespace, name);
          if (current && !isEphemeralClaimOf(pod, current)) {
            refuse(pod, volume.name, `PVC ${namespace}/${name} was not created for pod ${key} (pod is not owner)`);
          }
          if (current) continue;
          try {
            await resource.create({
              apiVersion: 'v1',
              kind: 'PersistentVolumeClaim',
              metadata: {
                name,
                namespace,
                labels: template.metadata?.labels,
                annotations: template.metadata?.annotations,
                ownerReferences: [controllerReference(pod, podKind)],
              },
              spec: template.spec,
            });
          } catch (error) {
            if (isNamespaceTerminating(error)) continue;
            // The cache will show soon whose it is.
            if (isAlreadyExists(error)) throw error;
            refuse(pod, volume.name, `create PVC ${name}: ${(error as Error).message}`);
          }
        }
      },
    };
  },
});
