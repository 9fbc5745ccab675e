/** The scheduler: takes pods from the queue one by one, decides on the current state, and carries out what was decided. */
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import type { Logger } from 'pino';
import { nodes as nodeKind } from '../api/core/v1/node.ts';
import { pods as podKind } from '../api/core/v1/pod.ts';
import type { Pod } from '../api/core/v1/types.gen.ts';
import { isNotFound } from '../apimachinery/errors.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import type { InformerFactory } from '../client/informer.ts';
import { bindPod } from './bind.ts';
import { defaultConfiguration } from './config/load.ts';
import type { SchedulerConfiguration } from './config/types.ts';
import { createDeviceBinder } from './devices/reserve.ts';
import { filterByExtenders, scoresOfExtenders } from './extenders/ask.ts';
import { createExtender } from './extenders/extender.ts';
import { choose, type Feasible, findFeasible } from './framework/decide.ts';
import { describe } from './framework/diagnosis.ts';
import type { PluginFactory, Reservation, Snapshot } from './framework/plugin.ts';
import type { Profile } from './framework/profile.ts';
import { attachHandlers } from './handlers.ts';
import { createListers } from './listers.ts';
import { attemptBegan, attemptEnded, pointBegan, preemptionTried, showPending } from './metrics.ts';
import { evictVictims } from './preemption/evict.ts';
import { runPostFilters } from './preemption/postfilter.ts';
import { preemptionPlugin, type Victims } from './preemption/victims.ts';
import { createProfiles } from './profiles.ts';
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
  /** A recorder for each further profile; by default all record with `events`. */
  eventsOf?(schedulerName: string): EventRecorder;
  log: Logger;
  signal?: AbortSignal;
  /** One profile, `default-scheduler`, unless given. */
  configuration?: SchedulerConfiguration;
  /** Plugins from outside, by name; see `loadPlugins`. */
  plugins?: Readonly<Record<string, PluginFactory>>;
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

/** Makes a scheduler and registers what it wants to be informed of. Throws when a profile can't be put together. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { client, informers, events, log, configuration = defaultConfiguration(), now = () => new Date(), random = Math.random } = options;
  const podClient = client.resource(podKind);
  const extenders = configuration.extenders.map(createExtender);
  // What others look at is not known here, so they get whole pods.
  const keepWhole = extenders.length > 0 || Object.keys(options.plugins ?? {}).length > 0;
  const podInformer = informers.informer(podKind, { transform: keepWhole ? (pod) => ({ ...pod, apiVersion: 'v1', kind: 'Pod' }) : slimPod });
  const nodeInformer = informers.informer(nodeKind);
  const cluster = new Cluster();
  const nominator = createNominator();
  const changes = createChangeSignal();
  const { listers, watch } = createListers(informers);
  const snapshot: Snapshot = Object.assign(cluster, { listers });
  const profiles = createProfiles({
    configuration,
    client,
    ...(options.plugins ? { plugins: options.plugins } : {}),
    binders: {
      volumes: (timeoutMs) =>
        createVolumeBinder({
          client,
          claims: listers.claims,
          volumes: listers.volumes,
          podExists: ({ metadata }) => podInformer.get(metadata.namespace ?? '', metadata.name)?.metadata.uid === metadata.uid,
          changed: changes.wait,
          timeoutMs,
        }),
      devices: (timeoutMs) => createDeviceBinder({ client, claims: listers.resourceClaims, changed: changes.wait, timeoutMs }),
      managedElsewhere: configuration.extenders.flatMap(({ managedResources = [] }) =>
        managedResources.flatMap((resource) => (resource.ignoredByScheduler ? [resource.name] : [])),
      ),
    },
  });
  /** Pods whose victims are being told to go: a second attempt would find others. */
  const preempting = new Set<string>();
  const nameOf = ({ spec }: Pod): string => spec.schedulerName || 'default-scheduler';
  const eventsFor = new Map([...profiles.keys()].map((name) => [name, options.eventsOf?.(name) ?? events]));
  const recorderOf = (pod: Pod): EventRecorder => eventsFor.get(nameOf(pod)) ?? events;
  const queue = createSchedulingQueue({
    rules: rulesOf(profiles.values()),
    isGated: (pod) => preempting.has(pod.metadata.uid ?? '') || profiles.get(nameOf(pod))?.gateOf(pod) !== undefined,
    initialBackoff: configuration.podInitialBackoffSeconds * 1_000,
    longestBackoff: configuration.podMaxBackoffSeconds * 1_000,
    onReady: kick,
  });
  watch((event) => {
    queue.wake(event);
    if (event.resource === 'claim' || event.resource === 'volume' || event.resource === 'resourceclaim') changes.notify();
  });
  attachHandlers({ pods: podInformer, nodes: nodeInformer, cluster, queue, nominator, isOurs: (pod) => profiles.has(nameOf(pod)), log });
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
      attemptBegan(queued);
      try {
        await scheduleOne(queued);
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

  async function scheduleOne(queued: QueuedPod): Promise<void> {
    const { info } = queued;
    const profile = profiles.get(nameOf(info.pod));
    if (info.terminating) recorderOf(info.pod).event(info.pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${info.key}`);
    if (!profile || info.terminating || cluster.isPlaced(info.uid)) {
      queue.done(queued);
      return;
    }
    const filtered = pointBegan('Filter', nameOf(info.pod));
    const found = findFeasible({ pod: info, snapshot, nominator, profile, startAt, random });
    filtered(found.outcome === 'nodes' ? 'Success' : found.outcome === 'error' ? 'Error' : 'Unschedulable');
    if (found.outcome === 'no-nodes') {
      fail(queued, 'Unschedulable', 'no nodes available to schedule pods', { rejectedBy: new Set([noNodesPlugin]), nominated: '' });
      return;
    }
    if (found.outcome === 'error') {
      fail(queued, 'SchedulerError', `running "${found.plugin}" filter plugin: ${found.message}`, { nominated: '' });
      return;
    }
    startAt = (startAt + found.looked) % snapshot.nodes.length;
    let nodes = found.outcome === 'nodes' ? found.nodes : [];
    let extra: ReadonlyMap<string, number> | undefined;
    if (nodes.length > 0 && extenders.length > 0) {
      nodes = await filterByExtenders(extenders, info, nodes, found.diagnosis);
      if (nodes.length > 1) extra = await scoresOfExtenders(extenders, info, nodes);
      // Extenders take their time; the pod may be gone.
      if (!queue.has(info.uid) || cluster.isPlaced(info.uid)) {
        queue.done(queued);
        return;
      }
    }
    if (nodes.length === 0) {
      await seekHelp(queued, profile, found);
      return;
    }
    const scored = pointBegan('Score', nameOf(info.pod));
    const node = choose({ pod: info, snapshot, profile, random }, nodes, extra && (({ name }) => extra.get(name) ?? 0));
    scored('Success');
    cluster.assume(info, node.name);
    nominator.remove(info.uid);
    const reservations = found.checks.flatMap((check) => check.reserve?.(node) ?? []);
    track(bind(queued, profile, node.name, reservations));
  }

  async function seekHelp(
    queued: QueuedPod,
    profile: Profile,
    { diagnosis, checks }: Pick<Extract<Feasible, { outcome: 'none' }>, 'diagnosis' | 'checks'>,
  ): Promise<void> {
    const { info } = queued;
    const sought = pointBegan('PostFilter', nameOf(info.pod));
    const help = await runPostFilters(profile, { pod: info, snapshot, checks, diagnosis, nominator, now: now().getTime(), random }, extenders);
    sought(help.victims ? 'Success' : 'Unschedulable');
    preemptionTried(help.victims?.pods.length);
    diagnosis.preemption = help.message;
    fail(queued, 'Unschedulable', describe(diagnosis), { rejectedBy: diagnosis.plugins, nominated: help.victims?.node.name ?? (help.keep ? undefined : '') });
    if (!help.victims) return;
    preempting.add(info.uid);
    track(preempt(help.victims, queued));
  }

  async function bind(queued: QueuedPod, profile: Profile, nodeName: string, reservations: readonly Reservation[]): Promise<void> {
    const { info } = queued;
    try {
      const bound = pointBegan('Bind', nameOf(info.pod));
      await bindPod({ pods: podClient, extenders, now, signal }, profile, info.pod, nodeName, reservations);
      bound('Success');
      queue.done(queued);
      attemptEnded(queued, 'scheduled', nameOf(info.pod));
      recorderOf(info.pod).event(info.pod, 'Normal', 'Scheduled', `Successfully assigned ${info.key} to ${nodeName}`);
    } catch (error) {
      for (const reservation of reservations) reservation.release();
      cluster.forget(info.uid);
      queue.wake({ resource: 'pod', action: 'delete', old: { ...info.pod, spec: { ...info.pod.spec, nodeName } } });
      if (signal.aborted) return;
      fail(queued, 'SchedulerError', (error as Error).message, { nominated: '' });
    }
  }

  interface Failure {
    /** Absent: not the pod's fault, it is tried again after a while. */
    rejectedBy?: ReadonlySet<string>;
    nominated?: string;
  }

  function fail(queued: QueuedPod, reason: 'Unschedulable' | 'SchedulerError', message: string, { rejectedBy, nominated }: Failure): void {
    attemptEnded(queued, reason === 'Unschedulable' ? 'unschedulable' : 'error', nameOf(queued.info.pod));
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
    recorderOf(pod).event(pod, 'Warning', 'FailedScheduling', truncated(message));
    track(writeStatus(pod, { condition: notScheduled(pod, reason, message), ...(nominated === undefined ? {} : { nominatedNodeName: nominated }) }));
  }

  async function writeStatus(pod: Pod, change: Parameters<typeof patchPodStatus>[2]): Promise<void> {
    try {
      await patchPodStatus(podClient, pod, change, now());
    } catch (error) {
      if (!isNotFound(error) && !signal.aborted) log.warn({ err: error, pod: pod.metadata.name }, 'the status of a pod could not be written');
    }
  }

  async function preempt(victims: Victims, { info }: QueuedPod): Promise<void> {
    // Lesser pods that were promised this node look for another one at once instead of waiting for it.
    for (const other of [...nominator.on(victims.node.name)]) {
      if (other.priority >= info.priority) continue;
      nominator.remove(other.uid);
      queue.activate(other.uid);
      track(writeStatus(other.pod, { nominatedNodeName: '' }));
    }
    try {
      await evictVictims({ pods: podClient, events: recorderOf(info.pod), now }, victims, info);
      preempting.delete(info.uid);
      queue.release(info.uid);
    } catch (error) {
      log.error({ err: error, key: info.key, plugin: preemptionPlugin }, 'pods could not be preempted');
      preempting.delete(info.uid);
      queue.activate(info.uid);
      queue.release(info.uid);
    }
  }

  const hidePending = showPending({ counts: () => queue.counts });
  signal.addEventListener('abort', () => queue.stop(), { once: true });
  signal.addEventListener('abort', hidePending, { once: true });
  return {
    async start() {
      await Promise.race([Promise.all([podInformer.synced, nodeInformer.synced]), aborted(signal)]);
      started = true;
      kick();
    },
    async stop() {
      stopping.abort(new Error('the scheduler was stopped'));
      await Promise.allSettled([...writes]);
      for (const extender of extenders) extender.close();
    },
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
