/** Static pods: what manifests on this node say is run, with or without an API server; the API has mirrors of it. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import { isStaticPod } from '../podworker/critical.ts';
import type { PodManager } from '../podworker/manager.ts';
import { createMirrors, isMirrorOf, type Mirrors } from './mirrors.ts';
import { createManifestSource } from './source.ts';

export interface StaticPods {
  /** Resolves when what stands there now is known: nothing counts as an orphan before. */
  start(): Promise<void>;
  /** The worker of that pod has finished. */
  ended(pod: Pod): void;
  /** The pod in whose name the API is told of a static pod's status; undefined while there is none. */
  mirrorOf(pod: Pod): Pod | undefined;
  mirrors: Pick<Mirrors, 'seen' | 'gone'>;
}

export interface StaticPodsInput {
  context: KubeletContext;
  manager: Pick<PodManager, 'added' | 'deleted' | 'find'>;
  nodeUid(): string | undefined;
  /** There is somebody again to tell of that pod. */
  mirrored(pod: Pod): void;
}

export function createStaticPods({ context, manager, nodeUid, mirrored }: StaticPodsInput): StaticPods {
  const { config, log } = context;
  const source = createManifestSource(context);
  let desired = new Map<string, Pod>();

  /** The pod of that name that runs, or still ends. */
  function current(key: string): Pod | undefined {
    const [namespace = '', name = ''] = key.split('/');
    const pod = manager.find(namespace, name)?.pod;
    return pod && isStaticPod(pod) ? pod : undefined;
  }

  const mirrors = createMirrors({
    context,
    nodeUid,
    mirrored,
    desired: (key) => {
      const wanted = desired.get(key);
      const runs = current(key);
      return runs && runs.metadata.uid !== wanted?.metadata.uid ? 'wait' : wanted;
    },
  });

  /** A changed pod starts when the one before has ended. */
  function apply(key: string): void {
    const wanted = desired.get(key);
    const runs = current(key);
    if (runs && runs.metadata.uid !== wanted?.metadata.uid) manager.deleted(runs);
    else if (wanted && !runs) {
      log.info({ pod: key, uid: wanted.metadata.uid }, 'a static pod');
      manager.added(wanted);
    }
    mirrors.reconcile(key);
  }

  function changed(pods: readonly Pod[]): void {
    const before = desired;
    desired = new Map();
    for (const pod of pods) {
      const key = keyOf(pod);
      if (desired.has(key)) log.error({ pod: key }, 'two manifests name the same static pod; the first one counts');
      else desired.set(key, before.get(key)?.metadata.uid === pod.metadata.uid ? (before.get(key) ?? pod) : pod);
    }
    for (const key of new Set([...before.keys(), ...desired.keys()])) apply(key);
  }

  return {
    start: async () => {
      if (!config.staticPodPath) return;
      changed(
        await source.read().catch((error: unknown) => {
          log.error({ place: config.staticPodPath, err: messageOf(error) }, 'unable to read the manifests of static pods');
          return [];
        }),
      );
      void source.watch(changed).catch((error: unknown) => log.error({ err: messageOf(error) }, 'watching the manifests of static pods ended'));
    },
    ended: (pod) => {
      if (isStaticPod(pod)) apply(keyOf(pod));
    },
    mirrorOf: (pod) => {
      const mirror = mirrors.get(keyOf(pod));
      return mirror && isMirrorOf(mirror, pod) && !mirror.metadata.deletionTimestamp ? mirror : undefined;
    },
    mirrors,
  };
}
