/** `persistentvolume-binder-controller`: binds claims to volumes, has volumes made for claims, and gives back what is no longer claimed. */
import { isDeepStrictEqual } from 'node:util';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { PersistentVolume } from '../../api/core/v1/types.gen.ts';
import { bindCompleted, claimNameOf } from '../../api/core/v1/volumes.ts';
import { isConflict } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { defineController } from '../controller.ts';
import { syncClaim } from './claim.ts';
import { syncVolume } from './persistentvolume.ts';
import { createState } from './state.ts';

const claimPrefix = 'claim/';
const volumePrefix = 'volume/';

export const persistentVolumeBinderController = defineController({
  name: 'persistentvolume-binder-controller',
  identity: 'persistent-volume-binder',
  eventSource: 'persistentvolume-controller',
  // A volume must not be given to two claims at once.
  concurrency: 1,
  setup(context, enqueue) {
    const state = createState(context);
    const { claims, volumes, classes } = state;
    const enqueueClaim = (key: string): void => enqueue(claimPrefix + key);
    const enqueueUnbound = (): void => {
      for (const claim of claims.informer.list()) if (claim.metadata.annotations?.[bindCompleted] === undefined) enqueueClaim(keyOf(claim));
    };
    const enqueueVolumesOf = (claim: { metadata: { uid?: string; namespace?: string; name: string } }): void => {
      for (const { spec, metadata } of volumes.informer.list()) {
        if (spec.claimRef?.name === claim.metadata.name && spec.claimRef.namespace === claim.metadata.namespace) enqueue(volumePrefix + metadata.name);
      }
    };
    claims.informer.addHandlers({
      added(claim) {
        enqueueClaim(keyOf(claim));
        enqueueVolumesOf(claim);
      },
      updated: (claim) => enqueueClaim(keyOf(claim)),
      deleted: enqueueVolumesOf,
    });
    const onVolume = ({ spec, status, metadata }: PersistentVolume): void => {
      enqueue(volumePrefix + metadata.name);
      if (spec.claimRef?.name) enqueueClaim(`${spec.claimRef.namespace}/${spec.claimRef.name}`);
      else if (status?.phase === 'Available') enqueueUnbound();
    };
    volumes.informer.addHandlers({
      added: onVolume,
      updated: onVolume,
      deleted({ spec }) {
        if (spec.claimRef?.name) enqueueClaim(`${spec.claimRef.namespace}/${spec.claimRef.name}`);
      },
    });
    classes.addHandlers({
      added: enqueueUnbound,
      updated: (current, old) => void (isDeepStrictEqual(current.metadata.annotations, old.metadata.annotations) || enqueueUnbound()),
    });
    context.informers.informer(podKind).addHandlers({
      added(pod) {
        if (pod.spec.nodeName) return;
        for (const volume of pod.spec.volumes ?? []) {
          const name = claimNameOf(pod, volume);
          const claim = name === undefined ? undefined : claims.informer.get(pod.metadata.namespace ?? '', name);
          if (claim && claim.metadata.annotations?.[bindCompleted] === undefined) enqueueClaim(keyOf(claim));
        }
      },
    });

    return {
      async reconcile(key) {
        try {
          if (key.startsWith(claimPrefix)) {
            const claim = claims.get(key.slice(claimPrefix.length));
            if (claim) await syncClaim(state, claim);
          } else {
            const volume = volumes.get(key.slice(volumePrefix.length));
            if (volume) await syncVolume(state, volume, enqueueClaim);
          }
        } catch (error) {
          // Somebody else (the scheduler, a user) changed it: what they wrote is on its way to us.
          if (isConflict(error)) return { requeueAfterMs: 100 };
          throw error;
        }
      },
    };
  },
});
