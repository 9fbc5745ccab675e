/** The server without Kubernetes in it: store, watch cache, registry, routes and pipeline, put together. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { KindDefinition } from '../api/kind.ts';
import { groupResourceName } from '../apimachinery/errors.ts';
import type { KubeObject } from '../apimachinery/meta.ts';
import type { RequestHandler } from '../client/transport.ts';
import type { Store } from '../store/store.ts';
import type { AuditOptions } from './audit/audit.ts';
import { createAuditor } from './audit/audit.ts';
import { Cacher } from './cacher/cacher.ts';
import type { AdmissionPlugin, Authenticator, Authorizer, ObjectReader, ResourceHooks } from './contracts.ts';
import type { Discovery } from './discovery/serve.ts';
import { createDiscovery } from './discovery/serve.ts';
import type { Exchange, Reply } from './exchange.ts';
import { textReply } from './exchange.ts';
import { Departures } from './flowcontrol/departures.ts';
import type { FlowControl } from './flowcontrol/flowcontrol.ts';
import { createFlowControl } from './flowcontrol/flowcontrol.ts';
import { Sharing } from './flowcontrol/sharing.ts';
import { createBrowsers } from './http/browsers.ts';
import { exchangeOfTransport, responseOfReply } from './http/inprocess.ts';
import type { Listener, ListenOptions } from './http/listen.ts';
import { listen } from './http/listen.ts';
import { PieceSender } from './http/pieces.ts';
import { rejectUpgrade } from './http/upgrade.ts';
import { InFlight } from './inflight.ts';
import { buildMetrics } from './nonresource/buildmetrics.ts';
import type { HealthCheck } from './nonresource/health.ts';
import { addHook, serveHealth } from './nonresource/health.ts';
import { createMetrics, serveMetrics } from './nonresource/metrics.ts';
import { openapiPaths } from './nonresource/openapi.ts';
import { jsonPath, rootPath } from './nonresource/paths.ts';
import { serveProfiling } from './nonresource/profiling.ts';
import { versionInfo } from './nonresource/version.ts';
import type { Pipeline } from './pipeline.ts';
import { createPipeline } from './pipeline.ts';
import { createReader } from './reader.ts';
import { KindRegistry } from './registry.ts';
import type { PathHandler, Routes } from './route.ts';
import { createRoutes } from './route.ts';
import type { ServingOptions } from './serving.ts';
import { defaultMinRequestSeconds } from './serving.ts';
import { storedSizes } from './storage/size.ts';
import type { Storage } from './storage/types.ts';
import type { TargetHandler } from './verbs/custom.ts';
import type { ResourceHandler } from './verbs/target.ts';

export interface CoreOptions extends ServingOptions {
  store: Store;
  kinds: readonly KindDefinition[];
  log?: Logger;
  /** As `/version` shows it, e.g. `v1.36.2+knarr`. */
  version?: string;
  audit?: AuditOptions;
}

export interface Security {
  authenticate: Authenticator;
  authorize: Authorizer;
}

export interface ServerCore {
  registry: KindRegistry;
  cacher: Cacher;
  reader: ObjectReader;
  storage: Storage;
  discovery: Discovery;
  flowControl: FlowControl;
  log: Logger | undefined;
  /** The in-process transport's way in. */
  handle: RequestHandler;
  addHandlers(handlers: readonly TargetHandler[]): void;
  addResourceHandlers(handlers: readonly ResourceHandler[]): void;
  addPaths(handlers: readonly PathHandler[]): void;
  addHooks<T extends KubeObject>(definition: KindDefinition<T>, hooks: ResourceHooks<T>): void;
  addAdmission(plugins: readonly AdmissionPlugin[]): void;
  addHealthChecks(checks: readonly HealthCheck[]): void;
  /** A step of the start that `/readyz/poststarthook/<name>` (and `/livez`, `/healthz`) waits for, until what it gives is called. */
  addHook(name: string): () => void;
  /** Who may do what; until it is set every request is answered with 503. */
  secure(security: Security): void;
  /** Reads the store; requests are answered from then on. */
  start(): Promise<void>;
  listen(options: ListenOptions): Promise<Listener>;
  /** `/readyz` fails from now on; resolves when whoever balances load has had the time to notice. */
  beginShutdown(): Promise<void>;
  /** Accepts no more connections, ends watches, answers what is under way. */
  close(): Promise<void>;
}

/** What goes on being answered while a server drains, as upstream's does. */
const pathsToTheEnd = ['/readyz', '/livez', '/healthz', '/metrics'];
const retryAfterSeconds = 5;

/** The answer of a server that ends; undefined for what it answers to the end. */
function comeAgain({ url, headers }: Exchange): Reply | undefined {
  if (pathsToTheEnd.some((path) => url.startsWith(path)) || headers['user-agent']?.startsWith('kube-apiserver/')) return undefined;
  const text = 'The apiserver is shutting down, please try again later.\n';
  return { ...textReply(429, text, { 'retry-after': String(retryAfterSeconds) }), lastOfConnection: true };
}

/** Connections have this long to take the last answers when the server stops, in milliseconds. */
const closeGraceMs = 1000;

export function createCore(options: CoreOptions): ServerCore {
  const { log } = options;
  const cacher = new Cacher(options.store, log);
  const registry = new KindRegistry((prefix) => cacher.resource(prefix));
  registry.add(options.kinds);
  const reader = createReader(registry, cacher, log);
  const admission: AdmissionPlugin[] = [];
  const storage: Storage = { cacher, registry, admission, log };
  const listeners: Listener[] = [];
  const metrics = createMetrics();
  const inFlight = new InFlight();
  const requestTimeoutMs = options.requestTimeoutMs ?? 60_000;
  let started = false;
  let stopping = false;
  /** What comes now is told to come again. */
  let draining = false;
  const browsers = createBrowsers(options);
  const born = performance.now();
  const fails = (failed: boolean, why: string): void => {
    if (failed) throw new Error(why);
  };
  const checks: HealthCheck[] = [
    { name: 'ping', check: () => {} },
    { name: 'log', check: () => {} },
    { name: 'etcd', check: async () => void (await cacher.newestRevision()) },
    { name: 'etcd-readiness', on: ['readyz'], check: async () => void (await cacher.newestRevision()) },
    { name: 'informer-sync', on: ['readyz'], check: () => fails(!started, 'the watch cache is not loaded') },
    { name: 'shutdown', on: ['readyz'], last: true, check: () => fails(stopping, 'process is shutting down') },
  ];
  metrics.gauges(function* () {
    const seen = new Set<unknown>();
    for (const { stored } of registry.all()) {
      if (seen.has(stored)) continue;
      seen.add(stored);
      const { group, resource: plural } = stored.groupResource;
      yield { resource: groupResourceName(stored.groupResource), group, plural, objects: stored.cache.entries.size, watchers: stored.cache.watchers.size };
    }
  });
  let security: Security | undefined;
  const sharing = new Sharing();
  const pieces = new PieceSender(sharing);
  const departures = new Departures(sharing);
  const flowControl = createFlowControl({ ...options.flowControl, sizeOf: storedSizes(registry), sharing });
  metrics.flowControl(flowControl);
  const { store } = options;
  if (store.size) metrics.storageSize(() => store.size!());
  metrics.add(buildMetrics(options.version, options.features ?? []));

  const discovery = createDiscovery(registry, {
    serverAddress: () => (listeners[0] ? `${listeners[0].host}:${listeners[0].port}` : ''),
  });
  const routes: Routes = createRoutes(storage, discovery);
  routes.addPaths([
    (context) => serveHealth(context, checks, performance.now() - born < (options.livezGraceMs ?? 0)),
    (context) => serveMetrics(context, { server: () => metrics.serve(), component: (name) => options.componentMetrics?.(name) }),
    flowControl.dump,
    ...(options.profiling === false ? [] : [serveProfiling]),
    jsonPath('/version', versionInfo(options.version)),
    openapiPaths(registry, { remote: () => discovery.remote().flatMap(({ openapi }) => openapi ?? []) }),
    rootPath(registry),
  ]);

  const pipeline: Pipeline = createPipeline({
    authenticate: (credentials, audiences) => secured().authenticate(credentials, audiences),
    authorize: (attributes) => secured().authorize(attributes),
    audit: options.audit && createAuditor(options.audit),
    flowControl,
    route: routes.route,
    observe: metrics.observe,
    longRunning: metrics.longRunning,
    requestTimeoutMs,
    minRequestTimeoutSeconds: options.minRequestTimeoutSeconds ?? defaultMinRequestSeconds,
    compressResponses: options.compressResponses ?? true,
    log,
  });

  function secured(): Security {
    if (!security) throw new Error('the server is not ready: nobody said who may do what');
    return security;
  }

  function respond(exchange: Exchange, answer: (reply: Reply) => void): void {
    const send = (reply: Reply): void => {
      browsers?.addHeaders(exchange, reply);
      answer(reply);
    };
    const early = (draining ? comeAgain(exchange) : undefined) ?? browsers?.preflight(exchange);
    if (early) {
      send(early);
      return;
    }
    inFlight.begin();
    const failed = (error: unknown): void => log?.error({ err: error, path: exchange.url }, 'an answer could not be sent');
    pipeline(exchange).then(
      (reply) =>
        departures.send(reply.whose ?? '', performance.now(), () => {
          inFlight.end();
          try {
            send(reply);
          } catch (error) {
            failed(error);
          }
        }),
      (error: unknown) => {
        inFlight.end();
        failed(error);
      },
    );
  }

  return {
    registry,
    cacher,
    reader,
    storage,
    discovery,
    flowControl,
    log,
    handle: async (request, identity) => responseOfReply(await pipeline(exchangeOfTransport(request, identity)), request.signal),
    ...routes,
    addHooks(definition, hooks) {
      registry.of(definition).stored.hooks.push(hooks as unknown as ResourceHooks);
    },
    addAdmission: (plugins) => void admission.push(...plugins.map(metrics.admission.timed)),
    addHealthChecks: (more) => void checks.push(...more),
    addHook: (name) => addHook(checks, name),
    secure(given) {
      security = given;
    },
    async start() {
      await cacher.start();
      started = true;
    },
    async listen(listenOptions) {
      const listener = await listen(listenOptions, {
        request: respond,
        pieces,
        sharing,
        goawayChance: options.goawayChance ?? 0,
        upgrade(exchange, request, socket, head) {
          exchange.upgrade = { request, socket, head };
          respond(exchange, (reply) => {
            if (!reply.hijacked) rejectUpgrade(socket, reply);
          });
        },
      });
      listeners.push(listener);
      return listener;
    },
    async beginShutdown() {
      stopping = true;
      const delay = options.shutdownDelayMs ?? 0;
      if (delay > 0 && listeners.length > 0) await sleep(delay);
    },
    async close() {
      stopping = true;
      draining = options.shutdownSendRetryAfter ?? false;
      if (!draining) for (const listener of listeners) listener.stop();
      cacher.endWatches();
      const left = await inFlight.drained(requestTimeoutMs);
      if (left > 0) log?.warn({ requests: left }, 'the server stops with requests unanswered');
      await cacher.close();
      await Promise.all(listeners.map((listener) => listener.close(closeGraceMs)));
      metrics.close();
      flowControl.close();
    },
  };
}
