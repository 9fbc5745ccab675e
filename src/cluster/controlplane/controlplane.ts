/** A control plane inside this process: API server on this thread, controllers and scheduler on threads of their own. */
import type { Logger } from 'pino';
import { splitRanges } from '../../apimachinery/ip.ts';
import { type ApiServer, createApiServer } from '../../apiserver/apiserver.ts';
import type { Client } from '../../client/client.ts';
import { type createInformerFactory as CreateInformerFactory, createInformerFactory } from '../../client/informers.ts';
import { createInProcessTransport } from '../../client/inprocess.ts';
import type { ElectionTimes } from '../../client/leaderelection.ts';
import { createClient } from '../../client/rest.ts';
import type { Store } from '../../store/store.ts';
import { applyBootstrap } from '../bootstrap/bootstrap.ts';
import type { Pki } from '../pki/pki.ts';
import { type Access, enabledKinds } from './access.ts';
import { kindsWithEventTtl } from './eventttl.ts';
import { featuresOf } from './featuregates.ts';
import type { SchedulerFile } from './schedulerconfig.ts';
import { clientAuthorities, openAudit, openEncryption, secure } from './security.ts';
import { controllerSettings } from './settings.ts';
import { type RunningWorker, startWorker } from './workers.ts';

export interface ControlPlaneOptions {
  store: Store;
  pki: Pki;
  /** Where to listen; port 0 takes any that is free. */
  listen: readonly { address: string; port: number }[];
  /** Under which nodes and pods reach this server; absent when only this machine does. */
  advertiseAddress?: string;
  /** A range, or one of each family separated by a comma; so is the next. */
  serviceCidr: string;
  podCidr: string;
  clusterDns?: string;
  clusterDomain: string;
  /** Where volumes of the default storage class stand on nodes. */
  localVolumeDir?: string;
  /** As upstream's `--controllers`; an empty list runs none. */
  controllers: readonly string[];
  scheduler: boolean;
  /** Absent: the scheduler has its default configuration. */
  schedulerFile?: SchedulerFile;
  /** Present when other servers share the store: controllers and scheduler work only where they lead. */
  leaderElection?: ElectionTimes;
  /** Tells what nodes and pods use (`kubectl top`, autoscalers); for clusters with nodes. Default false. */
  resourceMetrics?: boolean;
  /** What the API server's flags say. */
  access?: Access;
  /** Done before anybody is let in. */
  prepare?(client: Client): Promise<void>;
  log: Logger;
}

export interface ControlPlane {
  /** `https://127.0.0.1:6443`, by the first address that it listens on. */
  url: string;
  port: number;
  server: ApiServer;
  /** As a member of `system:masters`. */
  client: Client;
  /** Shared by what runs beside the server; started by the caller. */
  informers: ReturnType<typeof CreateInformerFactory>;
  /** Controllers and scheduler work, or stand by for another server's. */
  readonly workersReady: Promise<void>;
  stop(): Promise<void>;
}

const serverIdentity = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** Resolves when requests are answered and the objects that every cluster has are there. Controllers go on starting. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { pki, access, log } = options;
  const closing: (() => void)[] = [];
  const encryption = await openEncryption(access, log);
  const audit = await openAudit(access, log);
  const store = encryption ? encryption.wrap(options.store) : options.store;
  const enable = access?.runtimeConfig === undefined ? undefined : await enabledKinds(access.runtimeConfig);
  const kubeletClient = { cert: pki.leaves['apiserver-kubelet-client'].certificate, key: pki.leaves['apiserver-kubelet-client'].key };
  const serving = access?.serving;
  const components = new Map<string, RunningWorker>();
  const server = await createApiServer({
    ...serving?.server,
    features: featuresOf(serving?.featureGates),
    componentMetrics: (component) => components.get(component)?.metrics(),
    store,
    ...(serving?.eventTtlSeconds === undefined ? {} : { kinds: kindsWithEventTtl(serving.eventTtlSeconds) }),
    log,
    serviceCidrs: splitRanges(options.serviceCidr),
    kubeletClient,
    proxyClient: { cert: pki.leaves['front-proxy-client'].certificate, key: pki.leaves['front-proxy-client'].key },
    ...(options.advertiseAddress ? { advertiseAddress: options.advertiseAddress } : {}),
    ...(options.resourceMetrics ? { resourceMetrics: true } : {}),
    ...(audit ? { audit } : {}),
    ...(enable ? { enable } : {}),
    security: (parts) => secure(parts, options, closing),
  });
  server.addHealthChecks(encryption?.healthChecks ?? []);
  const client = createClient(createInProcessTransport(server.handle, serverIdentity), { userAgent: 'knarr-server' });
  const tls = { cert: pki.leaves.apiserver.certificate, key: pki.leaves.apiserver.key, clientCa: clientAuthorities(options), ...serving?.tls };
  let port = options.listen[0]?.port ?? 0;
  const listen = async (): Promise<void> => {
    const { maxStreams } = serving ?? {};
    for (const { address, port: wanted } of options.listen) {
      port = (await server.listen({ host: address, port: wanted || port, tls, ...(maxStreams ? { maxStreams } : {}) })).port;
    }
  };
  const urlOf = (address = options.listen[0]?.address ?? '127.0.0.1'): string => `https://${address}:${port}`;
  // Nobody comes in before the roles are there; only a port that is yet to be chosen must be known first.
  const bootstrapped = ['rbac/bootstrap-roles', 'scheduling/bootstrap-system-priority-classes', 'start-cluster-authentication-info-controller'].map(
    server.addHook,
  );
  if (port === 0) await listen();
  await applyBootstrap(client, {
    serverUrl: urlOf(options.advertiseAddress),
    clusterCa: pki.ca.certificate,
    ...(access?.clientCa ? { clientCa: `${pki.ca.certificate}${access.clientCa}` } : {}),
    frontProxy: { ca: pki.frontProxyCa.certificate, allowedNames: ['front-proxy-client'] },
    ...(options.clusterDns ? { dnsIp: options.clusterDns } : {}),
    ...(options.resourceMetrics ? { resourceMetrics: true } : {}),
  });
  for (const done of bootstrapped) done();
  await options.prepare?.(client);
  if (options.listen[0]?.port !== 0) await listen();
  const url = urlOf();
  const settings = controllerSettings(options);
  const common = { settings, logLevel: log.level, ...(options.leaderElection ? { election: options.leaderElection } : {}) };
  if (options.controllers.length > 0) {
    components.set('kube-controller-manager', startWorker({ ...common, component: 'controllers', controllers: options.controllers }, server.handle, log));
  }
  if (options.scheduler) {
    const { schedulerFile } = options;
    const input = { ...common, component: 'scheduler' as const, controllers: [], ...(schedulerFile ? { schedulerFile } : {}) };
    components.set('kube-scheduler', startWorker(input, server.handle, log));
  }
  const workers = [...components.values()];
  const informers = createInformerFactory(client, { log });
  return {
    url,
    port,
    server,
    client,
    informers,
    workersReady: Promise.all(workers.map((worker) => worker.ready)).then(() => undefined),
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await informers.stop();
      await client.close();
      await server.close();
      for (const close of closing) close();
      await audit?.close();
      encryption?.close();
      await store.close();
    },
  };
}
