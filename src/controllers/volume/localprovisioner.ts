/**
 * `knarr.dev/local`: a volume is a directory on the node where the first pod that uses it runs. The kubelet makes the directory,
 * and the node's agent removes it when the volume is released (with the reclaim policy Delete); nothing limits what is written to it.
 */
import { posix } from 'node:path';
import { localProvisioner as localProvisionerName } from '../../api/core/v1/volumes.ts';
import type { Provisioner } from './provision.ts';

/** A node whose volumes stand elsewhere says so in this annotation. */
export const directoryAnnotation = 'knarr.dev/local-volume-dir';
const defaultDirectory = '/var/lib/knarr/local-volumes';
const hostname = 'kubernetes.io/hostname';

export const localProvisioner: Provisioner = {
  name: localProvisionerName,
  provision({ claim, storageClass, node, volumeName, localVolumeDir = defaultDirectory }) {
    if (!node) throw new Error('no node was specified: the StorageClass needs volumeBindingMode WaitForFirstConsumer');
    if (claim.spec.volumeMode === 'Block') throw new Error('volumeMode Block is not supported');
    if (claim.spec.selector) throw new Error('claim Selector is not supported');
    if (storageClass.mountOptions?.length) throw new Error('mount options are not supported');
    const directory = node.metadata.annotations?.[directoryAnnotation] ?? localVolumeDir;
    return {
      spec: {
        accessModes: claim.spec.accessModes,
        capacity: { storage: claim.spec.resources?.requests?.storage ?? '0' },
        volumeMode: 'Filesystem',
        local: { path: posix.join(directory, volumeName) },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: hostname, operator: 'In', values: [node.metadata.labels?.[hostname] ?? node.metadata.name] }] }],
          },
        },
      },
    };
  },
};
