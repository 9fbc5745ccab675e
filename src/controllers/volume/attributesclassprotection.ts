/** `volumeattributesclass-protection-controller`: a class stays as long as a claim or a volume refers to it. */

import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import { volumeattributesclasses } from '../../api/storage/v1/volumeattributesclass.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { defineController, enqueueSelf } from '../controller.ts';

const finalizer = 'kubernetes.io/vac-protection';

export const volumeAttributesClassProtectionController = defineController({
  name: 'volumeattributesclass-protection-controller',
  setup({ client, informers }, enqueue) {
    const classes = informers.informer(volumeattributesclasses);
    const claims = informers.informer(persistentvolumeclaims);
    const volumes = informers.informer(persistentvolumes);
    const resource = client.resource(volumeattributesclasses);
    enqueueSelf(classes, enqueue, keyOf);
    const enqueueDeleted = (name: string | undefined): void => void (name && classes.get('', name)?.metadata.deletionTimestamp && enqueue(name));
    claims.addHandlers({
      updated(_claim, { spec, status }) {
        enqueueDeleted(spec.volumeAttributesClassName);
        enqueueDeleted(status?.currentVolumeAttributesClassName);
      },
      deleted({ spec, status }) {
        enqueueDeleted(spec.volumeAttributesClassName);
        enqueueDeleted(status?.currentVolumeAttributesClassName);
      },
    });
    volumes.addHandlers({
      updated: (_volume, { spec }) => enqueueDeleted(spec.volumeAttributesClassName),
      deleted: ({ spec }) => enqueueDeleted(spec.volumeAttributesClassName),
    });
    const isUsed = (name: string): boolean =>
      claims
        .list()
        .some(({ spec, status }) =>
          [spec.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName].includes(
            name,
          ),
        ) || volumes.list().some(({ spec }) => spec.volumeAttributesClassName === name);
    return {
      async reconcile(name) {
        const found = classes.get('', name);
        if (!found) return;
        const finalizers = found.metadata.finalizers ?? [];
        const has = finalizers.includes(finalizer);
        const leaving = found.metadata.deletionTimestamp !== undefined;
        if (leaving ? !has || isUsed(name) : has) return;
        const next = leaving ? finalizers.filter((one) => one !== finalizer) : [...finalizers, finalizer];
        await resource.update({ ...found, metadata: { ...found.metadata, finalizers: next } }).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      },
    };
  },
});
