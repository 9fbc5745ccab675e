/**
 * `persistentvolume-attach-detach-controller`: keeps a VolumeAttachment for every CSI volume that a pod on a node uses and whose driver
 * attaches; the driver's external attacher does the attaching. Publishes on the node what is attached, which the kubelet waits for.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { nodes as nodeKind } from '../../api/core/v1/node.ts';
import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import { isPodTerminal } from '../../api/core/v1/pod/helpers.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { PersistentVolume, Pod } from '../../api/core/v1/types.gen.ts';
import { claimNameOf, isFullyBound } from '../../api/core/v1/volumes.ts';
import { csidrivers } from '../../api/storage/v1/csidriver.ts';
import type { VolumeAttachment } from '../../api/storage/v1/types.gen.ts';
import { volumeattachments } from '../../api/storage/v1/volumeattachment.ts';
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts';
import { sharedIndex } from '../common/ownership.ts';
import { podsOnNodes } from '../common/podsonnodes.ts';
import { defineController } from '../controller.ts';

/** As the kubelet computes it: both sides must find the same object. */
export const attachmentName = (volumeHandle: string, driver: string, nodeName: string): string =>
  `csi-${createHash('sha256').update(`${volumeHandle}${driver}${nodeName}`).digest('hex')}`;

/** Attachments of any other name are somebody else's. */
const isOurs = ({ metadata }: VolumeAttachment): boolean => /^csi-[0-9a-f]{64}$/.test(metadata.name);

const uniqueName = (driver: string, handle: string): string => `kubernetes.io/csi/${driver}^${handle}`;
/** How long a volume that the kubelet still has in use is left attached after its last pod, in milliseconds. */
const patienceMs = 6 * 60_000;
const recheckMs = 1_000;
const byNode = 'node';
const byVolume = 'volume';

export const attachDetachController = defineController({
  name: 'persistentvolume-attach-detach-controller',
  identity: 'attachdetach-controller',
  eventSource: 'attachdetach-controller',
  setup({ client, informers, events }, enqueue) {
    const pods = informers.informer(podKind);
    const nodes = informers.informer(nodeKind);
    const claims = informers.informer(persistentvolumeclaims);
    const volumes = informers.informer(persistentvolumes);
    const drivers = informers.informer(csidrivers);
    const attachments = informers.informer(volumeattachments);
    const resource = client.resource(volumeattachments);
    const nodeClient = client.resource(nodeKind);
    const onNode = podsOnNodes(pods);
    const unusedSince = new Map<string, number>();
    sharedIndex(attachments, byNode, ({ spec }) => [spec.nodeName]);
    sharedIndex(attachments, byVolume, ({ spec }) => [spec.source.persistentVolumeName ?? '']);

    const enqueueNode = (pod: Pod): void => {
      const { nodeName, volumes: wanted = [] } = pod.spec;
      if (nodeName && wanted.some((volume) => claimNameOf(pod, volume) !== undefined)) enqueue(nodeName);
    };
    pods.addHandlers({ added: enqueueNode, updated: enqueueNode, deleted: enqueueNode });
    nodes.addHandlers({
      updated: (node, old) => void (isDeepStrictEqual(node.status?.volumesInUse, old.status?.volumesInUse) || enqueue(node.metadata.name)),
      deleted: ({ metadata }) => enqueue(metadata.name),
    });
    const onAttachment = ({ spec }: VolumeAttachment): void => enqueue(spec.nodeName);
    attachments.addHandlers({ added: onAttachment, updated: onAttachment, deleted: onAttachment });
    const attaches = (driver: string): boolean => drivers.get('', driver)?.spec.attachRequired !== false;

    /** CSI volumes of the pod that need attaching. */
    const volumesOf = (pod: Pod): PersistentVolume[] =>
      (pod.spec.volumes ?? []).flatMap((volume) => {
        const name = claimNameOf(pod, volume);
        const claim = name === undefined ? undefined : claims.get(pod.metadata.namespace ?? '', name);
        const found = claim && isFullyBound(claim) ? volumes.get('', claim.spec.volumeName ?? '') : undefined;
        return found?.spec.csi && attaches(found.spec.csi.driver) ? [found] : [];
      });

    async function attach(nodeName: string, volume: PersistentVolume, users: Pod[]): Promise<void> {
      const { driver, volumeHandle } = volume.spec.csi!;
      const name = attachmentName(volumeHandle, driver, nodeName);
      const existing = attachments.get('', name);
      if (existing) {
        const message = existing.status?.attachError?.message;
        if (message)
          for (const pod of users) say(pod, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume "${volume.metadata.name}" : ${message}`);
        return;
      }
      const exclusive = !(volume.spec.accessModes ?? []).some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
      const elsewhere = attachments.byIndex(byVolume, volume.metadata.name).find(({ spec }) => spec.nodeName !== nodeName);
      if (exclusive && elsewhere) {
        for (const pod of users) {
          say(
            pod,
            'Warning',
            'FailedAttachVolume',
            `Multi-Attach error for volume "${volume.metadata.name}" Volume is already exclusively attached to one node and can't be attached to another`,
          );
        }
        return;
      }
      try {
        await resource.create({
          apiVersion: 'storage.k8s.io/v1',
          kind: 'VolumeAttachment',
          metadata: { name },
          spec: { attacher: driver, nodeName, source: { persistentVolumeName: volume.metadata.name } },
        });
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }

    const say = ({ metadata }: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void =>
      events.event({ apiVersion: 'v1', kind: 'Pod', metadata }, type, reason, message);

    /** True when it must be looked at again. */
    async function detach(attachment: VolumeAttachment): Promise<boolean> {
      const { name } = attachment.metadata;
      if (attachment.metadata.deletionTimestamp || !isOurs(attachment)) return false;
      const csi = volumes.get('', attachment.spec.source.persistentVolumeName ?? '')?.spec.csi;
      const node = nodes.get('', attachment.spec.nodeName);
      const inUse = csi && node?.status?.volumesInUse?.includes(uniqueName(csi.driver, csi.volumeHandle));
      const since = unusedSince.get(name) ?? performance.now();
      unusedSince.set(name, since);
      if (inUse && performance.now() - since < patienceMs) return true;
      await resource.delete('', name).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      unusedSince.delete(name);
      return false;
    }

    async function publish(nodeName: string, own: readonly VolumeAttachment[]): Promise<void> {
      const node = nodes.get('', nodeName);
      if (!node) return;
      const attached = own.flatMap(({ spec, status, metadata }) => {
        const csi = volumes.get('', spec.source.persistentVolumeName ?? '')?.spec.csi;
        return csi && status?.attached && !metadata.deletionTimestamp ? [{ name: uniqueName(csi.driver, csi.volumeHandle), devicePath: '' }] : [];
      });
      attached.sort((a, b) => (a.name < b.name ? -1 : 1));
      const before = (node.status?.volumesAttached ?? []).map(({ name }) => name).sort();
      if (
        isDeepStrictEqual(
          before,
          attached.map(({ name }) => name),
        )
      )
        return;
      await nodeClient.patch('', nodeName, 'merge', { status: { volumesAttached: attached.length > 0 ? attached : null } }, { subresource: 'status' });
    }

    return {
      async reconcile(nodeName) {
        const wanted = new Map<string, { volume: PersistentVolume; users: Pod[] }>();
        for (const pod of onNode(nodeName)) {
          if (isPodTerminal(pod)) continue;
          for (const volume of volumesOf(pod)) {
            const entry = wanted.get(volume.metadata.name) ?? { volume, users: [] };
            entry.users.push(pod);
            wanted.set(volume.metadata.name, entry);
          }
        }
        const own = attachments.byIndex(byNode, nodeName);
        for (const { volume, users } of wanted.values()) await attach(nodeName, volume, users);
        let again = false;
        for (const attachment of own) {
          const volumeName = attachment.spec.source.persistentVolumeName;
          // Those for inline volumes are somebody else's.
          if (volumeName === undefined) continue;
          if (wanted.has(volumeName)) unusedSince.delete(attachment.metadata.name);
          else if (await detach(attachment)) again = true;
        }
        await publish(nodeName, own);
        return again ? { requeueAfterMs: recheckMs } : undefined;
      },
    };
  },
});
