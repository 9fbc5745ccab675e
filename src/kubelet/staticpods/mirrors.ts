/**
 * Mirror pods: the API's images of static pods, which this kubelet makes, replaces when somebody deletes or changes them,
 * and takes away with their pod. The pod itself never depends on them.
 */
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import { hashAnnotation, mirrorAnnotation } from '../podworker/critical.ts';
import { sleep } from '../runtime/pleg.ts';

const retryMs = { first: 500, last: 30_000 };

export interface MirrorsInput {
  context: Pick<KubeletContext, 'client' | 'options' | 'log' | 'signal'>;
  nodeUid(): string | undefined;
  /** The static pod that should be mirrored under that key now; `wait` while an earlier one of that name still ends. */
  desired(key: string): Pod | 'wait' | undefined;
  /** A static pod's image is (again) there. */
  mirrored(pod: Pod): void;
}

export interface Mirrors {
  get(key: string): Pod | undefined;
  /** As the API tells of them. */
  seen(mirror: Pod): void;
  gone(mirror: Pod): void;
  reconcile(key: string): void;
}

export const isMirrorOf = (mirror: Pod, pod: Pod): boolean => mirror.metadata.annotations?.[mirrorAnnotation] === pod.metadata.annotations?.[hashAnnotation];

export function mirrorFor(pod: Pod, node: { name: string; uid: string }): Pod {
  const { uid: _, ...metadata } = pod.metadata;
  return {
    ...pod,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [mirrorAnnotation]: metadata.annotations?.[hashAnnotation] ?? '' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid, controller: true }],
    },
  };
}

export function createMirrors({ context, nodeUid, desired, mirrored }: MirrorsInput): Mirrors {
  const { client, options, log, signal } = context;
  const resource = client.resource(podKind);
  const known = new Map<string, Pod>();
  const running = new Map<string, { again: boolean }>();

  async function remove(mirror: Pod): Promise<void> {
    const { namespace = '', name, uid = '' } = mirror.metadata;
    await resource.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } }).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    });
    known.delete(keyOf(mirror));
  }

  /** Returns false when it has to be tried again. */
  async function step(key: string): Promise<boolean> {
    const pod = desired(key);
    if (pod === 'wait') return true;
    const mirror = known.get(key);
    if (mirror && (!pod || mirror.metadata.deletionTimestamp || !isMirrorOf(mirror, pod))) await remove(mirror);
    if (!pod || known.has(key)) return true;
    const uid = nodeUid();
    if (!uid) return false;
    try {
      known.set(key, await resource.create(mirrorFor(pod, { name: options.nodeName, uid })));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const found = await resource.get(pod.metadata.namespace ?? '', pod.metadata.name);
      if (!isMirrorOf(found, pod)) throw error;
      known.set(key, found);
    }
    mirrored(pod);
    return true;
  }

  async function run(key: string, state: { again: boolean }): Promise<void> {
    for (let delay = retryMs.first; state.again && !signal.aborted; ) {
      state.again = false;
      try {
        if (await step(key)) continue;
      } catch (error) {
        log.warn({ pod: key, err: messageOf(error) }, 'the mirror of a static pod could not be brought about');
      }
      state.again = true;
      await sleep(delay, signal);
      delay = Math.min(delay * 2, retryMs.last);
    }
    running.delete(key);
  }

  function reconcile(key: string): void {
    const state = running.get(key);
    if (state) {
      state.again = true;
      return;
    }
    const fresh = { again: true };
    running.set(key, fresh);
    void run(key, fresh);
  }

  return {
    get: (key) => known.get(key),
    seen: (mirror) => {
      const key = keyOf(mirror);
      const before = known.get(key);
      known.set(key, mirror);
      reconcile(key);
      const pod = desired(key);
      if (before?.metadata.uid !== mirror.metadata.uid && pod && pod !== 'wait' && isMirrorOf(mirror, pod)) mirrored(pod);
    },
    gone: (mirror) => {
      const key = keyOf(mirror);
      if (known.get(key)?.metadata.uid === mirror.metadata.uid) known.delete(key);
      reconcile(key);
    },
    reconcile,
  };
}
