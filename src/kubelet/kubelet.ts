/**
 * The kubelet: runs the pods that are bound to this node. Composition only: informers and the runtime say what has
 * changed, one worker per pod does the work, and the rest (node status, lease, server, housekeeping) runs beside it.
 */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nodes } from '../api/core/v1/node.ts';
import { pods as podKind } from '../api/core/v1/pod.ts';
import type { Node, Pod } from '../api/core/v1/types.gen.ts';
import { runtimeclasses } from '../api/node/v1/runtimeclass.ts';
import { milliValue } from '../apimachinery/quantity.ts';
import type { Informer } from '../client/informer.ts';
import { admitPod, resizeRefusal } from './admission/admit.ts';
import { preemptionVictims } from './admission/preempt.ts';
import { enforceAllocatable } from './cgroups/enforce.ts';
import { createPodCgroups } from './cgroups/pods.ts';
import { defaultConfiguration } from './config/configuration.ts';
import { createServiceEnvironment } from './containers/serviceenv.ts';
import { terminationMessage } from './containers/termination.ts';
import { type KubeletContext, kubeletPaths, messageOf } from './context.ts';
import { createCriClient } from './cri/client.ts';
import { createCsiDrivers } from './csi/drivers.ts';
import { createPodClaims, keepReconciled } from './dra/claims.ts';
import { createDraDrivers } from './dra/drivers.ts';
import { pressureRefusal } from './eviction/admit.ts';
import { createEvictionManager } from './eviction/manager.ts';
import { createHousekeeping } from './housekeeping/housekeeping.ts';
import { createImageCollector } from './images/gc.ts';
import { loadProviders } from './images/providers.ts';
import { createImagePuller } from './images/puller.ts';
import { createPullRecords } from './images/pullrecords.ts';
import { readNodeResources } from './node/capacity.ts';
import { keepLease } from './node/lease.ts';
import { createNodeReporter } from './node/registration.ts';
import { createReferencedObjects } from './objects/cache.ts';
import type { KubeletOptions } from './options.ts';
import { isMirrorPod, isStaticPod } from './podworker/critical.ts';
import { createPodManager } from './podworker/manager.ts';
import { podTarget } from './podworker/target.ts';
import { createProbeManager } from './probes/manager.ts';
import { createAllocations } from './resources/allocations.ts';
import { createCpuReconciler } from './resources/reconcile.ts';
import { createBackoff } from './runtime/backoff.ts';
import { createRuntimeCache } from './runtime/cache.ts';
import { describeRuntime } from './runtime/describe.ts';
import { createPleg } from './runtime/pleg.ts';
import { createMeters, operationName } from './server/meters.ts';
import { createKubeletServer, type KubeletServer } from './server/server.ts';
import { createServingCertificate } from './server/servingcertificate.ts';
import { createShutdownManager } from './shutdown/shutdown.ts';
import { createStaticPods } from './staticpods/staticpods.ts';
import { createStatusManager } from './status/manager.ts';
import { createVolumeManager } from './volumes/manager.ts';

export interface Kubelet {
  /** Resolves when the node is registered and pods are being run. The informers are started, too. */
  start(): Promise<void>;
  /** Ends the kubelet, not its pods: the next one takes them over as they are. */
  stop(): Promise<void>;
}

const crashBackoffMs = { first: 10_000, last: 300_000 };
/** The runtime counts as dead when it has not been listed for so long. */
const plegDeadMs = 180_000;
const runtimeClassWaitMs = 2_000;
const preempted = {
  reason: 'Preempting',
  message: 'Preempted in order to admit critical pod',
  disruption: 'Pod was preempted by Kubelet to accommodate a critical pod.',
};

/** Whether this kernel enforces AppArmor profiles. */
function hasAppArmor(): boolean {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y');
  } catch {
    return false; // a kernel without it
  }
}

export function createKubelet(options: KubeletOptions): Kubelet {
  const { client, informers, events, log, nodeName } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const podInformer = informers.informer(podKind, { fieldSelector: `spec.nodeName=${nodeName}` }) as Informer<Pod>;
  const nodeInformer = informers.informer(nodes, { fieldSelector: `metadata.name=${nodeName}` }) as Informer<Node>;
  const classes = informers.informer(runtimeclasses);
  const services = createServiceEnvironment(informers);
  const meters = createMeters();
  const cri = createCriClient(options.criEndpoint, (method, seconds, failed) => {
    const labels = { operation_type: operationName(method) };
    meters.count('runtime_operations_total', labels);
    if (failed) meters.count('runtime_operations_errors_total', labels);
    meters.observe('runtime_operations_duration_seconds', seconds, labels);
  });
  let server: KubeletServer | undefined;
  let background: Promise<unknown>[] = [];
  let flush = async (): Promise<void> => {};
  let endWorkers = async (): Promise<void> => {};

  async function runtimeHandler(pod: Pod): Promise<string> {
    const name = pod.spec.runtimeClassName;
    if (!name) return '';
    for (const until = Date.now() + runtimeClassWaitMs; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const found = classes.get('', name);
      if (found) return found.handler;
      if (Date.now() > until || signal.aborted) throw new Error(`failed to get sandbox runtime: runtimeclass.node.k8s.io "${name}" not found`);
    }
  }

  async function start(): Promise<void> {
    const paths = kubeletPaths(options.rootDir, options.podLogsDir);
    await Promise.all([paths.pods, options.podLogsDir].map((path) => mkdir(path, { recursive: true, mode: 0o755 })));
    const runtime = await describeRuntime(cri, signal, log);
    const config = { ...defaultConfiguration, ...options.configuration };
    const resources = readNodeResources(options, config);
    const objects = createReferencedObjects(client, log, (uids) => {
      for (const uid of uids) manager.retry(uid);
    });
    const allocations = createAllocations({ config, log, meters, now: () => new Date(), options, resources }, (uids) => {
      reporter.poke();
      for (const uid of uids) manager.wake(uid);
    });
    const dra = createDraDrivers({ client, nodeName, log, signal });
    const claims = createPodClaims({ client, file: join(options.rootDir, 'dra_manager_state'), driver: dra.get });
    const csi = createCsiDrivers(options.rootDir, nodeName, client, log, signal, [allocations.plugins, dra]);
    const context: KubeletContext = {
      options,
      config,
      client,
      events,
      log,
      cri,
      meters,
      objects,
      services,
      csi,
      allocations,
      claims,
      resources,
      paths,
      now: () => new Date(),
      signal,
      runtime,
    };

    const records = createPullRecords(options.rootDir, config, context.now);
    const cache = createRuntimeCache(cri, terminationMessage);
    const volumes = createVolumeManager(context);
    const cgroups = createPodCgroups(options.cgroup, config.podPidsLimit);
    const statuses = createStatusManager(client, log, signal, (pod) => (isStaticPod(pod) ? statics.mirrorOf(pod) : pod));
    const probes = createProbeManager(context, (uid) => manager.wake(uid));
    const pleg = createPleg(
      cri,
      cache,
      log,
      signal,
      (uid) => manager.wake(uid),
      (seconds) => meters.observe('pleg_relist_duration_seconds', seconds),
    );
    // As the scheduler counts: what was deleted by force holds nothing, though it may be about to end.
    const others = ({ metadata: { uid } }: Pod): Pod[] =>
      manager.active().filter(({ metadata }) => metadata.uid !== uid && !manager.get(metadata.uid ?? '')?.removed);
    const manager = createPodManager(
      {
        context,
        cache,
        volumes,
        cgroups,
        statuses,
        probes,
        runtimeHandler,
        puller: createImagePuller(context, records, loadProviders(context)),
        backoff: createBackoff(crashBackoffMs.first, crashBackoffMs.last),
        evented: () => pleg.evented(),
        makeRoom: async (pod) => {
          const node = reporter.node();
          const victims = node && !shutdown.refusal() ? (preemptionVictims(pod, node, others(pod)) ?? []) : [];
          for (const victim of victims) {
            meters.count('preemptions', { preemption_signal: '' });
            events.event(podTarget(victim), 'Warning', preempted.reason, preempted.message);
          }
          await Promise.all(
            victims.map(({ metadata }) => {
              const worker = manager.get(metadata.uid ?? '');
              worker?.evict(preempted);
              return worker?.ended;
            }),
          );
          return victims.length > 0;
        },
        admitResize: (pod) => {
          const fixed = allocations.resizeRefusal(pod, manager.get(pod.metadata.uid ?? '')?.granted);
          if (fixed) return fixed;
          const node = reporter.node();
          return node && resizeRefusal(pod, node, others(pod));
        },
        admit: (pod) => {
          const node = reporter.node();
          if (!node) return { reason: 'InvalidNodeInfo', message: 'Kubelet cannot get node info.' };
          const refusal = shutdown.refusal() ?? pressureRefusal(pod, evictions.pressure());
          if (refusal) return refusal;
          return admitPod({
            pod,
            node,
            others: others(pod),
            inUse: allocations.devices.inUse(),
            allowedUnsafeSysctls: config.allowedUnsafeSysctls,
            supplementalGroupsPolicy: runtime.supplementalGroupsPolicy,
            appArmor: hasAppArmor(),
          });
        },
      },
      (pod) => statics.ended(pod),
    );
    const statics = createStaticPods({
      context,
      manager,
      nodeUid: () => reporter.node()?.metadata.uid,
      mirrored: (pod) => statuses.retarget(pod.metadata.uid ?? ''),
    });
    const shutdown = createShutdownManager({
      context,
      active: () => manager.active(),
      end: async ({ metadata }, eviction) => {
        const worker = manager.get(metadata.uid ?? '');
        worker?.evict(eviction);
        await worker?.ended;
      },
      changed: () => reporter.poke(),
    });
    const problems = (): string[] => {
      const leaving = shutdown.problem();
      if (leaving) return [leaving];
      const seconds = Math.round((Date.now() - pleg.lastRelist()) / 1000);
      return seconds * 1000 > plegDeadMs ? [`PLEG is not healthy: pleg was last seen active ${seconds}s ago; threshold is 3m0s`] : [];
    };
    const images = createImageCollector({
      context,
      policy: {
        highPercent: config.imageGCHighThresholdPercent,
        lowPercent: config.imageGCLowThresholdPercent,
        minAge: config.imageMinimumGCAge,
        maxAge: config.imageMaximumGCAge,
      },
      volumeImages: () => manager.active().flatMap(({ spec }) => (spec.volumes ?? []).flatMap(({ image }) => image?.reference ?? [])),
      removed: (remaining, since) => void records.prune(remaining, since),
    });
    const housekeeping = createHousekeeping({ context, manager, pleg, cgroups, volumes, cache, images });
    const evictions = createEvictionManager({
      context,
      manager,
      cache,
      images,
      removeDead: () => housekeeping.removeDead(true),
      changed: () => reporter.poke(),
    });
    const reporter = createNodeReporter(context, {
      informer: nodeInformer,
      port: options.server.port,
      problems,
      pressure: () => evictions.pressure(),
      networkChanged: (ready) => ready && manager.wakeAll(),
    });
    flush = () => statuses.flush();
    endWorkers = async () => {
      objects.stop();
      csi.stop();
      dra.stop();
      await allocations.stop();
      probes.stop();
      await manager.stop();
    };

    const informersReady = informers.start();
    const { cpu = '0' } = resources.allocatable();
    await Promise.all([
      volumes.start(),
      cgroups.start(milliValue(cpu)),
      pleg.start(),
      ...(options.podCidr ? [cri.updateRuntimeConfig({ networkConfig: { podCidr: options.podCidr } })] : []),
    ]);
    const serving = config.serverTLSBootstrap ? createServingCertificate(context, () => server?.renew()) : undefined;
    const parts = { context, manager, cache, statuses, cgroups, probes, volumes, problems, ...(serving ? { serving } : {}) };
    if (options.enableServer ?? true) server = await createKubeletServer(parts);
    events.event({ apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, uid: nodeName } }, 'Normal', 'Starting', 'Starting kubelet.');
    await reporter.register();
    await allocations.serve({ claims, active: () => manager.active(), find: (namespace, name) => manager.find(namespace, name)?.pod });
    background = [
      enforceAllocatable(context, cgroups),
      // Drivers publish what there is after that, not before.
      dra.start(),
      csi.start(() => reporter.node()?.metadata.uid),
      reporter.run(),
      keepLease(context, () => reporter.node()?.metadata.uid),
      ...(serving ? [serving.run()] : []),
    ];
    await statics.start();
    await Promise.race([informersReady, aborted]);
    if (signal.aborted) return;
    const seen = (pod: Pod): void => (isMirrorPod(pod) ? statics.mirrors.seen(pod) : manager.added(pod));
    podInformer.addHandlers({
      added: seen,
      updated: seen,
      deleted: (pod) => (isMirrorPod(pod) ? statics.mirrors.gone(pod) : manager.deleted(pod)),
    });
    await housekeeping.start();
    background.push(
      evictions.run(),
      shutdown.run(),
      keepReconciled(claims, () => manager.list().map(({ uid }) => uid), log, signal),
    );
    if (allocations.cpus) {
      const reconciler = createCpuReconciler(context, allocations.cpus, manager.active, cache.last);
      background.push(reconciler.run(config.cpuManagerReconcilePeriod));
    }
    log.info({ node: nodeName, runtime: `${runtime.name}://${runtime.version}` }, 'the kubelet runs');
  }

  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

  return {
    start,
    stop: async () => {
      // Statuses that are known should be told, if the server still listens.
      await Promise.race([flush(), new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
      stopping.abort(new Error('the kubelet was stopped'));
      await endWorkers();
      await server?.close();
      await Promise.all(background).catch((error: unknown) => log.warn({ err: messageOf(error) }, 'a part of the kubelet ended badly'));
      await events.flush().catch(() => {});
      cri.close();
    },
  };
}
