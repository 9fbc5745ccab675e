/**
 * `persistentvolume-expander-controller`: makes volumes larger where a claim asks for more. Volumes of CSI drivers are left to their
 * external resizer, which is told by an event; a directory has no size, so it has grown as soon as it is said.
 */

import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import type { PersistentVolumeClaim } from '../../api/core/v1/types.gen.ts';
import { provisionedBy } from '../../api/core/v1/volumes.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { compareQuantities } from '../../apimachinery/quantity.ts';
import { defineController } from '../controller.ts';
import { isBuiltIn } from './provision.ts';

const wantsMore = ({ spec, status }: PersistentVolumeClaim): boolean =>
  status?.phase === 'Bound' && compareQuantities(spec.resources?.requests?.storage ?? '0', status.capacity?.storage ?? '0') > 0;

export const persistentVolumeExpanderController = defineController({
  name: 'persistentvolume-expander-controller',
  identity: 'expand-controller',
  eventSource: 'volume_expand',
  setup({ client, informers, events }, enqueue) {
    const claims = informers.informer(persistentvolumeclaims);
    const volumes = informers.informer(persistentvolumes);
    const claimClient = client.resource(persistentvolumeclaims);
    const volumeClient = client.resource(persistentvolumes);
    const consider = (claim: PersistentVolumeClaim): void => void (wantsMore(claim) && enqueue(keyOf(claim)));
    claims.addHandlers({ added: consider, updated: consider });
    return {
      async reconcile(key) {
        const claim = claims.getByKey(key);
        if (!claim || !wantsMore(claim) || claim.metadata.deletionTimestamp) return;
        const volume = volumes.get('', claim.spec.volumeName ?? '');
        if (!volume || volume.spec.claimRef?.uid !== claim.metadata.uid) return;
        const about = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: claim.metadata };
        if (!isBuiltIn(volume.metadata.annotations?.[provisionedBy] ?? '')) {
          events.event(about, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC');
          return;
        }
        const storage = claim.spec.resources?.requests?.storage ?? '0';
        if (compareQuantities(storage, volume.spec.capacity?.storage ?? '0') > 0) {
          const patch = { metadata: { uid: volume.metadata.uid }, spec: { capacity: { storage } } };
          await volumeClient.patch('', volume.metadata.name, 'merge', patch);
        }
        await claimClient.patch(
          claim.metadata.namespace ?? '',
          claim.metadata.name,
          'merge',
          { metadata: { uid: claim.metadata.uid }, status: { capacity: { storage } } },
          { subresource: 'status' },
        );
      },
    };
  },
});
