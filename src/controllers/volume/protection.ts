/** `persistentvolumeclaim-protection-controller` and `persistentvolume-protection-controller`: what is in use is not deleted under its users. */

import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/core/v1/types.gen.ts';
import { claimNameOf, isEphemeralClaimOf } from '../../api/core/v1/volumes.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { ResourceClient } from '../../client/client.ts';
import { defineController, enqueueSelf } from '../controller.ts';
import { podsByClaim } from './state.ts';

const claimFinalizer = 'kubernetes.io/pvc-protection';
const volumeFinalizer = 'kubernetes.io/pv-protection';

async function writeFinalizers<T extends KubeObject>(resource: ResourceClient<T>, object: T, finalizers: string[]): Promise<void> {
  try {
    await resource.update({ ...object, metadata: { ...object.metadata, finalizers } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Takes the finalizer off what may go, and gives it to what has none yet. */
async function protect<T extends KubeObject>(
  resource: ResourceClient<T>,
  object: T,
  finalizer: string,
  inUse: () => boolean | Promise<boolean>,
): Promise<void> {
  const finalizers = object.metadata.finalizers ?? [];
  const has = finalizers.includes(finalizer);
  if (!object.metadata.deletionTimestamp) {
    if (!has) await writeFinalizers(resource, object, [...finalizers, finalizer]);
  } else if (has && !(await inUse())) {
    await writeFinalizers(
      resource,
      object,
      finalizers.filter((one) => one !== finalizer),
    );
  }
}

/** Only a pod that has a node counts: the kubelet starts none whose claim is being deleted. */
function uses(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if (!pod.spec.nodeName || pod.metadata.namespace !== claim.metadata.namespace) return false;
  // Its kubelet is done with it, or it was deleted by force: else its finalizers and the claim could wait for each other.
  const gone = pod.metadata.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 0;
  return (pod.spec.volumes ?? []).some(
    (volume) =>
      volume.persistentVolumeClaim?.claimName === claim.metadata.name ||
      (!gone && volume.ephemeral !== undefined && claimNameOf(pod, volume) === claim.metadata.name && isEphemeralClaimOf(pod, claim)),
  );
}

export const persistentVolumeClaimProtectionController = defineController({
  name: 'persistentvolumeclaim-protection-controller',
  identity: 'pvc-protection-controller',
  setup({ client, informers }, enqueue) {
    const claims = informers.informer(persistentvolumeclaims);
    const pods = informers.informer(podKind);
    const resource = client.resource(persistentvolumeclaims);
    const podResource = client.resource(podKind);
    const users = podsByClaim(pods);
    enqueueSelf(claims, enqueue, keyOf);
    const release = (pod: Pod): void => {
      for (const volume of pod.spec.volumes ?? []) {
        const name = claimNameOf(pod, volume);
        if (name !== undefined && claims.get(pod.metadata.namespace ?? '', name)?.metadata.deletionTimestamp) enqueue(`${pod.metadata.namespace}/${name}`);
      }
    };
    pods.addHandlers({
      updated(pod, old) {
        release(pod);
        if (old.metadata.uid !== pod.metadata.uid) release(old);
      },
      deleted: release,
    });
    return {
      async reconcile(key) {
        const claim = claims.getByKey(key);
        if (!claim) return;
        await protect(resource, claim, claimFinalizer, async () => {
          if (users(key).some((pod) => uses(pod, claim))) return true;
          // A pod that came a moment ago may not be in the cache.
          return (await podResource.list(claim.metadata.namespace ?? '')).items.some((pod) => uses(pod, claim));
        });
      },
    };
  },
});

export const persistentVolumeProtectionController = defineController({
  name: 'persistentvolume-protection-controller',
  identity: 'pv-protection-controller',
  setup({ client, informers }, enqueue) {
    const volumes = informers.informer(persistentvolumes);
    const resource = client.resource(persistentvolumes);
    enqueueSelf(volumes, enqueue, keyOf);
    return {
      async reconcile(key) {
        const volume = volumes.getByKey(key);
        if (volume) await protect(resource, volume, volumeFinalizer, () => volume.status?.phase === 'Bound');
      },
    };
  },
});
