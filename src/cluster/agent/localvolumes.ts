/**
 * Removes what volumes of the built-in provisioner held, once their claims are gone. A volume that is to be kept (reclaim policy
 * Retain) is left alone, and so is a directory whose volume nobody knows any more: it may hold what somebody wanted to keep.
 */
import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import type { PersistentVolume } from '../../api/core/v1/types.gen.ts';
import { localProvisioner, provisionedBy } from '../../api/core/v1/volumes.ts';
import type { InformerFactory } from '../../client/informer.ts';

/** Whether the volume is a directory of this node, and nothing will use it again. Pure. */
function isDoomed({ metadata, spec, status }: PersistentVolume, node: string): boolean {
  const here = spec.nodeAffinity?.required?.nodeSelectorTerms.some((term) =>
    term.matchExpressions?.some(({ key, values }) => key === 'kubernetes.io/hostname' && values?.includes(node)),
  );
  return (
    metadata.annotations?.[provisionedBy] === localProvisioner &&
    here === true &&
    spec.local !== undefined &&
    spec.persistentVolumeReclaimPolicy === 'Delete' &&
    (status?.phase === 'Released' || (metadata.deletionTimestamp !== undefined && spec.claimRef === undefined))
  );
}

export function removeReleasedVolumes(node: string, informers: InformerFactory, log: Logger): { stop(): Promise<void> } {
  const underWay = new Set<Promise<void>>();
  const look = (volume: PersistentVolume): void => {
    const path = volume.spec.local?.path;
    if (!path || !isDoomed(volume, node)) return;
    const removal = rm(path, { recursive: true, force: true }).catch((error: unknown) => {
      log.error({ err: error, volume: volume.metadata.name, path }, 'the directory of a released volume could not be removed');
    });
    underWay.add(removal);
    void removal.then(() => underWay.delete(removal));
  };
  informers.informer(persistentvolumes).addHandlers({ added: look, updated: look, deleted: look });
  return {
    async stop() {
      await Promise.all(underWay);
    },
  };
}
