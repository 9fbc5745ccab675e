/** Takes the pods of simulated nodes through their lives: decides in `lifecycle.ts`, writes as the node that they are on. */
import type { Logger } from 'pino';
import { pods as podKind } from '../api/core/v1/pod.ts';
import type { Container, Node, Pod } from '../api/core/v1/types.gen.ts';
import { isConflict, isNotFound } from '../apimachinery/errors.ts';
import { keyOf } from '../apimachinery/meta.ts';
import type { Client } from '../client/client.ts';
import type { Informer, InformerFactory } from '../client/informer.ts';
import { createWorkQueue, runWorkers } from '../client/workqueue.ts';
import { createAddressPool } from './addresses.ts';
import { nextStep, type PodMemory, type Step } from './lifecycle.ts';
import { type LifetimeModel, lifetimeOf } from './model.ts';
import { internalIp, isDown, strayPodRange } from './nodes.ts';
import type { PodPlace } from './podstatus.ts';

export interface PodsOptions {
  informers: InformerFactory;
  /** The simulated ones. */
  nodes: Informer<Node>;
  clientFor(node: string): Client;
  lifetime: LifetimeModel;
  log: Logger;
  now?: () => number;
}

export interface SimulatedPods {
  /** Something about the node has changed: every pod on it gets a look. */
  lookAtNode(name: string): void;
  /** Works until stopped. */
  run(): Promise<void>;
  stop(): Promise<void>;
}

interface Known extends PodMemory {
  uid: string;
  range?: string;
  /** Of the last write; a copy in the cache that is older says nothing new. */
  written: number;
}

const parallel = 64;
const byNode = 'node';

export function createPods({ informers, nodes, clientFor, lifetime, log, now = Date.now }: PodsOptions): SimulatedPods {
  const pods = informers.informer(podKind, { fieldSelector: 'spec.nodeName!=', transform: slim });
  const queue = createWorkQueue();
  const addresses = createAddressPool();
  const known = new Map<string, Known>();
  pods.addIndex(byNode, ({ spec }) => [spec.nodeName ?? '']);

  const isOurs = ({ spec }: Pod): boolean => nodes.get('', spec.nodeName ?? '') !== undefined;
  const look = (pod: Pod): void => {
    if (isOurs(pod)) queue.add(keyOf(pod));
  };
  const forget = (key: string): void => {
    const one = known.get(key);
    if (one?.range) addresses.release(one.range, one.uid);
    known.delete(key);
  };
  pods.addHandlers({ added: look, updated: look, deleted: (pod) => forget(keyOf(pod)) });

  function memoryOf(pod: Pod): Known {
    const key = keyOf(pod);
    const uid = pod.metadata.uid ?? '';
    let one = known.get(key);
    if (one && one.uid !== uid) forget(key);
    one = known.get(key) ?? { uid, seenAt: now(), written: 0 };
    if (pod.metadata.deletionTimestamp) one.stoppingAt ??= now();
    known.set(key, one);
    return one;
  }

  function placeOf(pod: Pod, node: Node, memory: Known): PodPlace | undefined {
    const hostIp = internalIp(node);
    if (!hostIp) return undefined;
    if (pod.spec.hostNetwork) return { hostIp, podIp: hostIp };
    memory.range ??= node.spec.podCIDR ?? strayPodRange;
    if (pod.status?.podIP) addresses.keep(memory.range, memory.uid, pod.status.podIP);
    const podIp = pod.status?.podIP ?? addresses.take(memory.range, memory.uid);
    return podIp ? { hostIp, podIp } : undefined;
  }

  async function perform(pod: Pod, node: string, step: Step, memory: Known): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    const resource = clientFor(node).resource(podKind);
    if (step.do === 'wait') queue.addAfter(keyOf(pod), step.milliseconds);
    else if (step.do === 'delete') await resource.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid: uid ?? '' } });
    else if (step.do === 'write') {
      if (step.started) memory.startedAt = now();
      const written = await resource.patch(namespace, name, 'strategic', { metadata: { uid }, status: step.status }, { subresource: 'status' });
      memory.written = Number(written.metadata.resourceVersion);
    }
  }

  async function handle(key: string): Promise<void> {
    const pod = pods.getByKey(key);
    const node = pod && nodes.get('', pod.spec.nodeName ?? '');
    if (!pod || !node || isDown(node)) return;
    const memory = memoryOf(pod);
    if (Number(pod.metadata.resourceVersion) < memory.written) return;
    try {
      const place = placeOf(pod, node, memory);
      await perform(pod, node.metadata.name, nextStep({ pod, lifetime: lifetimeOf(pod, lifetime), memory, place, now: now() }), memory);
      queue.forget(key);
    } catch (error) {
      // Gone, or another pod of the same name by now: the cache will tell.
      if (isNotFound(error) || isConflict(error)) return;
      log.warn({ pod: key, err: error }, 'a simulated pod could not take its next step');
      queue.addRateLimited(key);
    }
  }

  return {
    lookAtNode(name) {
      for (const pod of pods.byIndex(byNode, name)) queue.add(keyOf(pod));
    },
    // Pods may have come before their nodes. Addresses that they have are theirs before any is given out.
    async run() {
      for (const pod of pods.list()) {
        const node = nodes.get('', pod.spec.nodeName ?? '');
        if (node && pod.status?.podIP) placeOf(pod, node, memoryOf(pod));
        look(pod);
      }
      await runWorkers(queue, parallel, handle);
    },
    stop: () => queue.shutDown(),
  };
}

const slimContainer = ({ name, image, restartPolicy }: Container): Container => ({
  name,
  ...(image ? { image } : {}),
  ...(restartPolicy ? { restartPolicy } : {}),
});

/** What the simulation reads of a pod. */
function slim({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, generation, deletionTimestamp, deletionGracePeriodSeconds, finalizers, ownerReferences } = metadata;
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith('knarr.dev/'));
  const { nodeName, restartPolicy, hostNetwork, readinessGates, activeDeadlineSeconds } = spec;
  return {
    ...(apiVersion ? { apiVersion } : {}),
    ...(kind ? { kind } : {}),
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      generation,
      deletionTimestamp,
      deletionGracePeriodSeconds,
      finalizers,
      ownerReferences,
      ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
    },
    spec: {
      nodeName,
      restartPolicy,
      hostNetwork,
      readinessGates,
      activeDeadlineSeconds,
      containers: spec.containers.map(slimContainer),
      ...(spec.initContainers ? { initContainers: spec.initContainers.map(slimContainer) } : {}),
    },
    ...(status ? { status } : {}),
  };
}
