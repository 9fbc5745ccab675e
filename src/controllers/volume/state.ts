/** What the parts of the binder share: caches that include what was just written, clients, and a voice. */
import type { Logger } from 'pino';
import { nodes as nodeKind } from '../../api/core/v1/node.ts';
import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.gen.ts';
import { claimNameOf } from '../../api/core/v1/volumes.ts';
import { storageclasses } from '../../api/storage/v1/storageclass.ts';
import type { StorageClass } from '../../api/storage/v1/types.gen.ts';
import { type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { ResourceClient, ResourceRef } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import { sharedIndex } from '../common/ownership.ts';
import { settingsOf } from '../common/settings.ts';
import { trackOwnWrites } from '../common/writes.ts';
import type { ControllerContext } from '../controller.ts';

/** An informer with our own writes on top. */
export interface Kept<T extends KubeObject> {
  informer: Informer<T>;
  resource: ResourceClient<T>;
  get(key: string): T | undefined;
  list(): T[];
  update(object: T): Promise<T>;
  updateStatus(object: T): Promise<T>;
  create(object: T): Promise<T>;
  remove(object: T): Promise<void>;
}

export interface BinderState {
  claims: Kept<PersistentVolumeClaim>;
  volumes: Kept<PersistentVolume>;
  classes: Informer<StorageClass>;
  nodes: Informer<Node>;
  /** Pods that use the claim. */
  usersOf(claim: PersistentVolumeClaim): Pod[];
  localVolumeDir: string | undefined;
  log: Logger;
  say(about: PersistentVolumeClaim | PersistentVolume, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

const claimIndex = 'claims';

/** Finds pods by the claims that they use. */
export function podsByClaim(pods: Informer<Pod>): (claimKey: string) => Pod[] {
  sharedIndex(pods, claimIndex, (pod) =>
    (pod.spec.volumes ?? []).flatMap((volume) => {
      const name = claimNameOf(pod, volume);
      return name === undefined ? [] : [`${pod.metadata.namespace}/${name}`];
    }),
  );
  return (key) => pods.byIndex(claimIndex, key);
}

export function createState(context: ControllerContext): BinderState {
  const { client, informers, events, log } = context;

  function keep<T extends KubeObject>(ref: ResourceRef<T>): Kept<T> {
    const informer = informers.informer(ref);
    const resource = client.resource(ref);
    const writes = trackOwnWrites(informer);
    const note = (object: T): T => {
      writes.wrote(object);
      return object;
    };
    return {
      informer,
      resource,
      get(key) {
        const seen = informer.getByKey(key);
        return writes.apply(seen ? [seen] : [], (object) => keyOf(object) === key)[0];
      },
      list: () => writes.apply(informer.list(), () => true),
      update: async (object) => note(await resource.update(object)),
      updateStatus: async (object) => note(await resource.updateStatus(object)),
      create: async (object) => note(await resource.create(object)),
      async remove(object) {
        const { namespace = '', name, uid } = object.metadata;
        await resource.delete(namespace, name, uid ? { preconditions: { uid } } : {});
        writes.deleted(object);
      },
    };
  }

  const users = podsByClaim(informers.informer(podKind));
  return {
    claims: keep(persistentvolumeclaims),
    volumes: keep(persistentvolumes),
    classes: informers.informer(storageclasses),
    nodes: informers.informer(nodeKind),
    usersOf: (claim) => users(keyOf(claim)),
    localVolumeDir: settingsOf(context).localVolumeDir,
    log,
    say(about, type, reason, message) {
      const kind = about.metadata.namespace ? 'PersistentVolumeClaim' : 'PersistentVolume';
      events.event({ apiVersion: 'v1', kind, metadata: about.metadata }, type, reason, message);
    },
  };
}
