/** Which node has to do with which object, kept from pods, volumes, attachments, slices and certificate requests. */
import { podcertificaterequests } from '../../../api/certificates/v1beta1/podcertificaterequest.ts';
import { persistentvolumes } from '../../../api/core/v1/persistentvolume.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { PersistentVolume, Pod } from '../../../api/core/v1/types.gen.ts';
import { resourceslices } from '../../../api/resource/v1/resourceslice.ts';
import { volumeattachments } from '../../../api/storage/v1/volumeattachment.ts';
import { keyOf } from '../../../apimachinery/meta.ts';
import type { ObjectReader } from '../../contracts.ts';
import { mirror } from '../mirror.ts';
import { podReferences, referenceKey, volumeSecretReferences } from './references.ts';

export type NodeObjectType =
  | 'secret'
  | 'configmap'
  | 'pvc'
  | 'pv'
  | 'resourceclaim'
  | 'serviceaccount'
  | 'pod'
  | 'volumeattachment'
  | 'resourceslice'
  | 'podcertificaterequest';

export interface NodeGraph {
  /** Whether the node may read that object, by way of a pod bound to it or because it is the node's own. */
  relates(node: string, type: NodeObjectType, namespace: string, name: string): boolean;
  ready: Promise<void>;
}

/** Follows the kinds from now on. Memory is one entry per reference of a bound pod. */
export function createNodeGraph(reader: ObjectReader): NodeGraph {
  const podsByKey = new Map<string, { node: string; references: string[] }>();
  /** Reference → node → number of its pods that have it. */
  const holders = new Map<string, Map<string, number>>();
  const volumes = new Map<string, { claim: string; secrets: string[] }>();
  const volumesBySecret = new Map<string, Set<string>>();
  /** `type|namespace/name` → the node that owns it. */
  const owners = new Map<string, string>();

  function count(reference: string, node: string, change: 1 | -1): void {
    const nodes = holders.get(reference) ?? new Map<string, number>();
    const number = (nodes.get(node) ?? 0) + change;
    if (number > 0) nodes.set(node, number);
    else nodes.delete(node);
    if (nodes.size > 0) holders.set(reference, nodes);
    else holders.delete(reference);
  }

  function forgetPod(pod: Pod): void {
    const known = podsByKey.get(keyOf(pod));
    if (!known) return;
    podsByKey.delete(keyOf(pod));
    for (const reference of known.references) count(reference, known.node, -1);
  }

  function putPod(pod: Pod): void {
    const node = pod.spec?.nodeName ?? '';
    if (node === '') return;
    const references = podReferences(pod);
    const known = podsByKey.get(keyOf(pod));
    if (known?.node === node && known.references.length === references.length && known.references.every((one, index) => one === references[index])) return;
    forgetPod(pod);
    podsByKey.set(keyOf(pod), { node, references });
    for (const reference of references) count(reference, node, 1);
  }

  function forgetVolume({ metadata: { name } }: PersistentVolume): void {
    for (const secret of volumes.get(name)?.secrets ?? []) {
      const users = volumesBySecret.get(secret);
      users?.delete(name);
      if (users?.size === 0) volumesBySecret.delete(secret);
    }
    volumes.delete(name);
  }

  function putVolume(volume: PersistentVolume): void {
    forgetVolume(volume);
    const claim = volume.spec?.claimRef;
    if (!claim) return;
    const secrets = volumeSecretReferences(volume);
    volumes.set(volume.metadata.name, { claim: referenceKey('pvc', claim.namespace ?? '', claim.name ?? ''), secrets });
    for (const secret of secrets) {
      const users = volumesBySecret.get(secret) ?? new Set<string>();
      volumesBySecret.set(secret, users.add(volume.metadata.name));
    }
  }

  const own = (key: string, node: string | undefined): void => {
    if (node) owners.set(key, node);
    else owners.delete(key);
  };
  const ready = Promise.all([
    // Others have nothing that a node could ask for.
    mirror(reader, pods, { put: putPod, delete: forgetPod }, '"nodeName":"'),
    mirror(reader, persistentvolumes, { put: putVolume, delete: forgetVolume }),
    mirror(reader, volumeattachments, {
      put: (one) => own(referenceKey('volumeattachment', '', one.metadata.name), one.spec.nodeName),
      delete: (one) => own(referenceKey('volumeattachment', '', one.metadata.name), undefined),
    }),
    mirror(reader, resourceslices, {
      put: (one) => own(referenceKey('resourceslice', '', one.metadata.name), one.spec.nodeName),
      delete: (one) => own(referenceKey('resourceslice', '', one.metadata.name), undefined),
    }),
    mirror(reader, podcertificaterequests, {
      put: (one) => own(referenceKey('podcertificaterequest', one.metadata.namespace ?? '', one.metadata.name), one.spec.nodeName),
      delete: (one) => own(referenceKey('podcertificaterequest', one.metadata.namespace ?? '', one.metadata.name), undefined),
    }),
  ]).then(() => undefined);

  const holds = (node: string, reference: string): boolean => holders.get(reference)?.has(node) ?? false;
  const holdsVolume = (node: string, name: string): boolean => {
    const volume = volumes.get(name);
    return volume !== undefined && holds(node, volume.claim);
  };

  return {
    ready,
    relates(node, type, namespace, name) {
      const key = referenceKey(type, namespace, name);
      switch (type) {
        case 'pod':
          return podsByKey.get(`${namespace}/${name}`)?.node === node;
        case 'pv':
          return holdsVolume(node, name);
        case 'secret':
          return holds(node, key) || [...(volumesBySecret.get(key) ?? [])].some((volume) => holdsVolume(node, volume));
        case 'volumeattachment':
        case 'resourceslice':
        case 'podcertificaterequest':
          return owners.get(key) === node;
        default:
          return holds(node, key);
      }
    },
  };
}
