/** `device-taint-eviction-controller`: deletes pods that use a device with a NoExecute taint that their claim does not tolerate (KEP-5055). */
import { pods as podKind } from '../api/core/v1/pod.ts';
import type { Pod } from '../api/core/v1/types.gen.ts';
import { resourceclaims } from '../api/resource/v1/resourceclaim.ts';
import { resourceslices } from '../api/resource/v1/resourceslice.ts';
import type { DeviceTaint, DeviceToleration, ResourceClaim, ResourceSlice } from '../api/resource/v1/types.gen.ts';
import { keyOf } from '../apimachinery/meta.ts';
import { sharedIndex } from './common/ownership.ts';
import { createTimedEvictions } from './common/timedeviction.ts';
import { defineController } from './controller.ts';

const poolIndex = 'pool';

const tolerates = ({ key, operator, value, effect }: DeviceToleration, taint: DeviceTaint): boolean =>
  (!effect || effect === taint.effect) && (!key || key === taint.key) && (operator === 'Exists' || (value ?? '') === (taint.value ?? ''));

/** When a user of the device must go because of the taint, in milliseconds since 1970; infinity when it may stay. */
export function evictionTime(taint: DeviceTaint, tolerations: readonly DeviceToleration[] | undefined): number {
  const added = Date.parse(taint.timeAdded ?? '') || 0;
  const matching = (tolerations ?? []).filter((one) => tolerates(one, taint));
  if (matching.length === 0) return added;
  const limits = matching.flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [Math.max(tolerationSeconds, 0)]));
  return limits.length === 0 ? Number.POSITIVE_INFINITY : added + Math.min(...limits) * 1000;
}

export const deviceTaintEvictionController = defineController({
  name: 'device-taint-eviction-controller',
  eventSource: 'device-taint-eviction-controller',
  setup({ client, informers, events, now }, enqueue) {
    const pods = informers.informer(podKind);
    const claims = informers.informer(resourceclaims);
    const slices = informers.informer(resourceslices);
    sharedIndex(slices, poolIndex, ({ spec }) => [`${spec.driver}/${spec.pool.name}`]);
    const evictions = createTimedEvictions({
      pods: client.resource(podKind),
      events,
      now,
      eventReason: 'DeviceTaintManagerEviction',
      marking: () => 'Marking for deletion',
      cancelling: () => 'Cancelling deletion',
      condition: { reason: 'DeletionByDeviceTaintManager', message: 'Device Taint manager: deleting due to NoExecute taint' },
    });

    const enqueueUsers = ({ metadata, status }: ResourceClaim): void => {
      for (const { apiGroup, resource, name } of status?.reservedFor ?? []) if (!apiGroup && resource === 'pods') enqueue(`${metadata.namespace}/${name}`);
    };
    claims.addHandlers({ added: enqueueUsers, updated: enqueueUsers, deleted: enqueueUsers });
    const isTainted = ({ spec }: ResourceSlice): boolean => (spec.devices ?? []).some(({ taints }) => taints?.some(({ effect }) => effect === 'NoExecute'));
    const enqueueAll = (): void => {
      for (const claim of claims.list()) enqueueUsers(claim);
    };
    slices.addHandlers({
      added: (slice) => void (isTainted(slice) && enqueueAll()),
      updated: (slice, old) => void ((isTainted(slice) || isTainted(old)) && enqueueAll()),
      deleted: (slice) => void (isTainted(slice) && enqueueAll()),
    });
    pods.addHandlers({
      updated: (pod, old) => void (pod.spec.nodeName !== old.spec.nodeName && pod.spec.resourceClaims?.length && enqueue(keyOf(pod))),
      deleted: (pod) => evictions.forget(keyOf(pod)),
    });

    /** Taints of the device in the newest generation of its pool. */
    function taintsOf(driver: string, pool: string, device: string): DeviceTaint[] {
      const all = slices.byIndex(poolIndex, `${driver}/${pool}`);
      const newest = Math.max(...all.map(({ spec }) => spec.pool.generation));
      const found = all.filter(({ spec }) => spec.pool.generation === newest).flatMap(({ spec }) => spec.devices ?? []);
      return found.filter(({ name }) => name === device).flatMap(({ taints }) => (taints ?? []).filter(({ effect }) => effect === 'NoExecute'));
    }

    function dueTime(pod: Pod): number {
      const own = claims.list(pod.metadata.namespace).filter(({ status }) => status?.reservedFor?.some(({ uid }) => uid === pod.metadata.uid));
      const results = own.flatMap(({ status }) => status?.allocation?.devices?.results ?? []);
      const times = results.flatMap(({ driver, pool, device, tolerations }) => taintsOf(driver, pool, device).map((taint) => evictionTime(taint, tolerations)));
      return Math.min(Number.POSITIVE_INFINITY, ...times);
    }

    return {
      async reconcile(key) {
        const pod = pods.getByKey(key);
        if (!pod?.spec.nodeName || pod.metadata.deletionTimestamp) {
          evictions.forget(key);
          return;
        }
        const due = dueTime(pod);
        return due === Number.POSITIVE_INFINITY ? evictions.apply(key, pod, due) : evictions.apply(key, pod, 0, due);
      },
    };
  },
});
