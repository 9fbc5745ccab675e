/** The scheduler: takes pods from the queue one by one, decides on the current state, and carries out what was decided. */
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import type { Logger } from 'pino';
import { nodes as nodeKind } from '../api/core/v1/node.ts';
import { pods as podKind } from '../api/core/v1/pod.ts';
import type { Binding, Pod } from '../api/core/v1/types.gen.ts';
import { isNotFound } from '../apimachinery/errors.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import type { InformerFactory } from '../client/informer.ts';
import { createDeviceBinder } from './devices/reserve.ts';
import { decide } from './framework/decide.ts';
import { describe } from './framework/diagnosis.ts';
import type { Reservation, Snapshot } from './framework/plugin.ts';
import { attachHandlers } from './handlers.ts';
import { createListers } from './listers.ts';
import { createDefaultProfile } from './plugins/index.ts';
import { evictVictims } from './preemption/evict.ts';
import { findPreemption, type Preemption } from './preemption/preemption.ts';
import { preemptionPlugin } from './preemption/victims.ts';
import { createSchedulingQueue, type QueuedPod } from './queue/queue.ts';
import { noNodesPlugin, rulesOf } from './queue/rules.ts';
import { slimPod } from './slim.ts';
import { Cluster } from './state/cluster.ts';
import { createNominator } from './state/nominator.ts';
import { createPodInfo } from './state/podinfo.ts';
import { notScheduled, patchPodStatus } from './status.ts';
import { createVolumeBinder } from './volumes/binder.ts';
import { createChangeSignal } from './volumes/changes.ts';

export interface SchedulerOptions {
  /** With the identity `system:kube-scheduler`. */
  client: Client;
  /** Not started yet: whoever made the factory starts it after `createScheduler`, and stops it. */
  informers: InformerFactory;
  /** Records as `source.component` `default-scheduler`. */
  events: EventRecorder;
  log: Logger;
  signal?: AbortSignal;
  /** Pods with this `spec.schedulerName` are ours; `default-scheduler` unless given. */
  schedulerName?: string;
  now?(): Date;
  random?(): number;
}

export interface Scheduler {
  /** Begins to take pods; resolves when pods and nodes have synced and the first can be scheduled. */
  start(): Promise<void>;
  /** Takes no more pods and waits for bindings that are under way. */
  stop(): Promise<void>;
}

/** How long decisions may follow each other until events of the outside get their turn, in milliseconds. */
const sliceMs = 8;
/** Writes under way; more would only wait in the transport. */
const maxWrites = 256;
const maxEventMessage = 1024;

const truncated = (message: string): string => (message.length <= maxEventMessage ? message : `${message.slice(0, maxEventMessage - 4)} ...`);

/** Makes a scheduler and registers what it wants to be informed of. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { client, informers, events, log, schedulerName = 'default-scheduler', now = () => new Date(), random = Math.random } = options;
  const podClient = client.resource(podKind);
  const podInformer = informers.informer(podKind, { transform: slimPod });
  const nodeInformer = informers.informer(nodeKind);
  const cluster = new Cluster();
  const nominator = createNominator();
  const changes = createChangeSignal();
  const { listers, watch } = createListers(informers);
  const binder = createVolumeBinder({
    client,
    claims: listers.claims,
    volumes: listers.volumes,
    podExists: ({ metadata }) => podInformer.get(metadata.namespace ?? '', metadata.name)?.metadata.uid === metadata.uid,
    changed: changes.wait,
  });
  const profile = createDefaultProfile(binder, createDeviceBinder(client, listers.resourceClaims));
  const queue = createSchedulingQueue({ rules: rulesOf(profile.filters), onReady: kick, now: () => now().getTime() });
  watch((event) => {
    queue.wake(event);
    if (event.resource === 'claim' || event.resource === 'volume') changes.notify();
  });
  attachHandlers({
    pods: podInformer,
    nodes: nodeInformer,
    cluster,
    queue,
    nominator,
    isOurs: ({ spec }) => (spec.schedulerName || 'default-scheduler') === schedulerName,
    log,
  });
  const snapshot: Snapshot = Object.assign(cluster, { listers });
  const stopping = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal;
  const writes = new Set<Promise<void>>();
  let started = false;
  let looping = false;
  let startAt = 0;

  function kick(): void {
    if (!started || looping || signal.aborted || writes.size >= maxWrites) return;
    looping = true;
    void loop();
  }

  async function loop(): Promise<void> {
    // Handlers call `kick` in the middle of their work: first they finish.
    await yieldToEvents();
    let until = performance.now() + sliceMs;
    while (!signal.aborted && writes.size < maxWrites) {
      const queued = queue.next();
      if (!queued) break;
      try {
        scheduleOne(queued);
      } catch (error) {
        cluster.forget(queued.info.uid);
        fail(queued, 'SchedulerError', (error as Error).message, { nominated: '' });
      }
      if (performance.now() < until) continue;
      await yieldToEvents();
      until = performance.now() + sliceMs;
    }
    looping = false;
  }

  /** Keeps account of a write that goes on beside the loop. */
  function track(write: Promise<void>): void {
    const tracked = write.finally(() => {
      writes.delete(tracked);
      kick();
    });
    writes.add(tracked);
  }

  function scheduleOne(queued: QueuedPod): void {
    const { info } = queued;
    if (info.terminating) {
      events.event(info.pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${info.key}`);
      queue.done(queued);
      return;
    }
    if (cluster.isPlaced(info.uid)) {
      queue.done(queued);
      return;
    }
    const decision = decide({ pod: info, snapshot, nominator, profile, startAt, random });
    if (decision.outcome === 'no-nodes') {
      fail(queued, 'Unschedulable', 'no nodes available to schedule pods', { rejectedBy: new Set([noNodesPlugin]), nominated: '' });
      return;
    }
    if (decision.outcome === 'error') {
      fail(queued, 'SchedulerError', `running "${decision.plugin}" filter plugin: ${decision.message}`, { nominated: '' });
      return;
    }
    startAt = (startAt + decision.looked) % snapshot.nodes.length;
    if (decision.outcome === 'none') {
      const { diagnosis, checks } = decision;
      const preemption = findPreemption({ pod: info, snapshot, checks, diagnosis, nominator, now: now().getTime(), random });
      if (preemption.outcome === 'none') diagnosis.preemption = preemption.message;
      const nominated = preemption.outcome === 'victims' ? preemption.victims.node.name : preemption.keep ? undefined : '';
      fail(queued, 'Unschedulable', describe(diagnosis), { rejectedBy: diagnosis.plugins, nominated });
      if (preemption.outcome === 'victims') track(preempt(preemption, queued));
      return;
    }
    const { node } = decision;
    cluster.assume(info, node.name);
    nominator.remove(info.uid);
    const reservations = decision.checks.flatMap((check) => check.reserve?.(node) ?? []);
    track(bind(queued, node.name, reservations));
  }

  async function bind(queued: QueuedPod, nodeName: string, reservations: readonly Reservation[]): Promise<void> {
    const { info } = queued;
    const { namespace = '', name, uid } = info.pod.metadata;
    let doing = 'binding rejected: running Bind plugin "DefaultBinder"';
    try {
      if (reservations.length > 0) {
        await patchPodStatus(podClient, info.pod, { nominatedNodeName: nodeName }, now());
        for (const reservation of reservations) {
          doing = `running PreBind plugin "${reservation.plugin}"`;
          await reservation.prepare(signal);
        }
        doing = 'binding rejected: running Bind plugin "DefaultBinder"';
      }
      const binding: Binding = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target: { kind: 'Node', name: nodeName } };
      await podClient.subresource('POST', namespace, name, 'binding', binding);
      queue.done(queued);
      events.event(info.pod, 'Normal', 'Scheduled', `Successfully assigned ${info.key} to ${nodeName}`);
    } catch (error) {
      for (const reservation of reservations) reservation.release();
      cluster.forget(info.uid);
      queue.wake({ resource: 'pod', action: 'delete', old: { ...info.pod, spec: { ...info.pod.spec, nodeName } } });
      if (signal.aborted) return;
      fail(queued, 'SchedulerError', `${doing}: ${(error as Error).message}`, { nominated: '' });
    }
  }

  interface Failure {
    /** Absent: not the pod's fault, it is tried again after a while. */
    rejectedBy?: ReadonlySet<string>;
    nominated?: string;
  }

  function fail(queued: QueuedPod, reason: 'Unschedulable' | 'SchedulerError', message: string, { rejectedBy, nominated }: Failure): void {
    const pod = podInformer.getByKey(queued.info.key);
    if (!pod || pod.metadata.uid !== queued.info.uid || pod.spec.nodeName) {
      queue.done(queued);
      return;
    }
    if (reason === 'SchedulerError') log.error({ key: queued.info.key, message }, 'a pod could not be scheduled, trying again');
    else log.debug({ key: queued.info.key, message }, 'a pod fits nowhere');
    // It may have changed while it was being bound.
    queued.info = createPodInfo(pod);
    if (rejectedBy) queue.sleep(queued, rejectedBy);
    else queue.backOff(queued);
    if (nominated !== undefined) nominator.nominate(queued.info, nominated);
    events.event(pod, 'Warning', 'FailedScheduling', truncated(message));
    track(writeStatus(pod, { condition: notScheduled(pod, reason, message), ...(nominated === undefined ? {} : { nominatedNodeName: nominated }) }));
  }

  async function writeStatus(pod: Pod, change: Parameters<typeof patchPodStatus>[2]): Promise<void> {
    try {
      await patchPodStatus(podClient, pod, change, now());
    } catch (error) {
      if (!isNotFound(error) && !signal.aborted) log.warn({ err: error, pod: pod.metadata.name }, 'the status of a pod could not be written');
    }
  }

  async function preempt({ victims }: Extract<Preemption, { outcome: 'victims' }>, { info }: QueuedPod): Promise<void> {
    // Lesser pods that were promised this node look for another one at once instead of waiting for it.
    for (const other of [...nominator.on(victims.node.name)]) {
      if (other.priority >= info.priority) continue;
      nominator.remove(other.uid);
      queue.activate(other.uid);
      track(writeStatus(other.pod, { nominatedNodeName: '' }));
    }
    try {
      await evictVictims({ pods: podClient, events, now }, victims, info);
    } catch (error) {
      log.error({ err: error, key: info.key, plugin: preemptionPlugin }, 'pods could not be preempted');
      queue.activate(info.uid);
    }
  }

  signal.addEventListener('abort', () => queue.stop(), { once: true });
  return {
    async start() {
      await Promise.race([Promise.all([podInformer.synced, nodeInformer.synced]), aborted(signal)]);
      started = true;
      kick();
    },
    async stop() {
      stopping.abort(new Error('the scheduler was stopped'));
      await Promise.allSettled([...writes]);
    },
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
