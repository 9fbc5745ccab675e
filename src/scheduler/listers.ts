/** The informers that decisions read, and the events by which their changes wake pods. */
import { replicasets } from '../api/apps/v1/replicaset.ts';
import { statefulsets } from '../api/apps/v1/statefulset.ts';
import { namespaces } from '../api/core/v1/namespace.ts';
import { persistentvolumes } from '../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../api/core/v1/persistentvolumeclaim.ts';
import { replicationcontrollers } from '../api/core/v1/replicationcontroller.ts';
import { services } from '../api/core/v1/service.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../api/core/v1/types.gen.ts';
import { poddisruptionbudgets } from '../api/policy/v1/poddisruptionbudget.ts';
import { deviceclasses } from '../api/resource/v1/deviceclass.ts';
import { resourceclaims } from '../api/resource/v1/resourceclaim.ts';
import { resourceslices } from '../api/resource/v1/resourceslice.ts';
import type { ResourceClaim } from '../api/resource/v1/types.gen.ts';
import { csidrivers } from '../api/storage/v1/csidriver.ts';
import { csinodes } from '../api/storage/v1/csinode.ts';
import { csistoragecapacities } from '../api/storage/v1/csistoragecapacity.ts';
import { storageclasses } from '../api/storage/v1/storageclass.ts';
import { volumeattachments } from '../api/storage/v1/volumeattachment.ts';
import type { KubeObject } from '../apimachinery/meta.ts';
import type { Informer, InformerFactory } from '../client/informer.ts';
import type { Listers, WakeEvent } from './framework/plugin.ts';
import { type AssumedReader, createAssumedReader } from './volumes/assumed.ts';

export interface SchedulerListers extends Listers {
  claims: AssumedReader<PersistentVolumeClaim>;
  volumes: AssumedReader<PersistentVolume>;
  resourceClaims: AssumedReader<ResourceClaim>;
}

type WatchedResource = Exclude<WakeEvent['resource'], 'pod' | 'self' | 'node'>;

/** Asks for all informers but those of pods and nodes, before they start. `watch` is called when pods can be woken. */
export function createListers(informers: InformerFactory): { listers: SchedulerListers; watch(wake: (event: WakeEvent) => void): void } {
  const claims = informers.informer(persistentvolumeclaims);
  const volumes = informers.informer(persistentvolumes);
  const storageClasses = informers.informer(storageclasses);
  const csiNodes = informers.informer(csinodes);
  const csiDrivers = informers.informer(csidrivers);
  const storageCapacities = informers.informer(csistoragecapacities);
  const volumeAttachments = informers.informer(volumeattachments);
  const resourceClaims = informers.informer(resourceclaims);
  const resourceSlices = informers.informer(resourceslices);
  const deviceClasses = informers.informer(deviceclasses);
  const listers: SchedulerListers = {
    namespaces: informers.informer(namespaces),
    claims: createAssumedReader(claims),
    volumes: createAssumedReader(volumes),
    storageClasses,
    csiNodes,
    csiDrivers,
    storageCapacities,
    volumeAttachments,
    services: informers.informer(services),
    replicationControllers: informers.informer(replicationcontrollers),
    replicaSets: informers.informer(replicasets),
    statefulSets: informers.informer(statefulsets),
    disruptionBudgets: informers.informer(poddisruptionbudgets),
    resourceClaims: createAssumedReader(resourceClaims),
    resourceSlices,
    deviceClasses,
  };
  return {
    listers,
    watch(wake) {
      function connect<T extends KubeObject>(informer: Informer<T>, resource: WatchedResource): void {
        informer.addHandlers({
          added: (object) => wake({ resource, action: 'add', object }),
          updated: (object, old) => wake({ resource, action: 'update', object, old }),
          deleted: (old) => wake({ resource, action: 'delete', old }),
        });
      }
      connect(claims, 'claim');
      connect(volumes, 'volume');
      connect(storageClasses, 'storageclass');
      connect(csiNodes, 'csinode');
      connect(csiDrivers, 'csidriver');
      connect(storageCapacities, 'storagecapacity');
      connect(volumeAttachments, 'attachment');
      connect(resourceClaims, 'resourceclaim');
      connect(resourceSlices, 'resourceslice');
      connect(deviceClasses, 'deviceclass');
    },
  };
}
