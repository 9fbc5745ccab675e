/** The Kubernetes API server: the generic core with everything that is Kubernetes' own registered in it. */
import type { Logger } from 'pino';
import { builtinKinds } from '../api/index.ts';
import type { KindDefinition } from '../api/kind.ts';
import type { RequestHandler } from '../client/transport.ts';
import { startCompactor } from '../store/compactor.ts';
import type { Store } from '../store/store.ts';
import type { AuditOptions } from './audit/audit.ts';
import type { AdmissionPlugin, Authenticator, Authorizer, CustomHandler, ObjectReader } from './contracts.ts';
import type { ServerCore } from './core.ts';
import { createCore } from './core.ts';
import type { Listener, ListenOptions } from './http/listen.ts';
import type { HealthCheck } from './nonresource/health.ts';
import type { KindRegistry } from './registry.ts';
import type { ResourceOptions } from './resources/index.ts';
import { installResources } from './resources/index.ts';
import type { Dial, DialTarget } from './resources/proxy/dial.ts';
import { dialDirectly } from './resources/proxy/dial.ts';
import { resolveServiceName } from './resources/proxy/service.ts';
import type { PathHandler } from './route.ts';
import type { ServingOptions } from './serving.ts';

/** What the functions that make authenticators, authorizers and plugins may use. */
export interface ServerParts {
  reader: ObjectReader;
  /** What is served; grows while the server runs. */
  registry: KindRegistry;
  /** The server itself, for plugins that write: a request as the given user, through the whole pipeline. */
  handle: RequestHandler;
  /** The way to services, for webhooks: an endpoint that is ready, and a connection to it. */
  dial: Dial;
  resolveService(namespace: string, name: string, port: number): Promise<DialTarget>;
  log: Logger | undefined;
}

/** Who may do what, and what is checked and changed on the way. */
export interface SecurityParts {
  authenticate: Authenticator;
  authorize: Authorizer;
  /** In the order in which they run. */
  admission?: readonly AdmissionPlugin[];
  /** Virtual resources and subresources: reviews, tokens. */
  handlers?: readonly CustomHandler[];
  /** Paths besides the API: `/openid/v1/jwks` and the like. */
  paths?: readonly PathHandler[];
}

export interface ApiServerOptions extends ResourceOptions, ServingOptions {
  store: Store;
  /** Default: all built-in kinds. */
  kinds?: readonly KindDefinition[];
  /** Which of them are served. Default: those that are on by default. */
  enable?(definition: KindDefinition): boolean;
  /** Called once, when the reader exists and the store has been read. */
  security(parts: ServerParts): SecurityParts | Promise<SecurityParts>;
  /** As `/version` shows it. */
  version?: string;
  /** What is recorded of requests, and where. Default: nothing. */
  audit?: AuditOptions;
  log?: Logger;
}

export interface ApiServer {
  /** The in-process transport's way in, with the caller's identity. */
  handle: RequestHandler;
  reader: ObjectReader;
  /** HTTPS with HTTP/1.1 and HTTP/2; may be called for several addresses. */
  listen(options: ListenOptions): Promise<Listener>;
  /** Begins what runs beside the API (system namespaces, the `kubernetes` service, repair); `listen` does it by itself. */
  start(): Promise<void>;
  addHandlers(handlers: readonly CustomHandler[]): void;
  addAdmission(plugins: readonly AdmissionPlugin[]): void;
  addPaths(handlers: readonly PathHandler[]): void;
  addHealthChecks(checks: readonly HealthCheck[]): void;
  /** See {@link ServerCore}. */
  addHook(name: string): () => void;
  core: ServerCore;
  /** Stops serving; the store stays open, it is the caller's. */
  close(): Promise<void>;
}

/** Resolves when the store has been read, and requests are answered. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { log } = options;
  const kinds = (options.kinds ?? builtinKinds).filter((definition) => (options.enable ? options.enable(definition) : !definition.offByDefault));
  const core = createCore({ ...options, kinds });
  await core.start();
  const stopCompactor = startCompactor(options.store, { onError: (error) => log?.warn({ err: error }, 'the store could not be compacted') });
  const security = await options.security({
    reader: core.reader,
    registry: core.registry,
    handle: core.handle,
    dial: options.dial ?? dialDirectly,
    resolveService: (namespace, name, port) => resolveServiceName(core.reader, namespace, name, port),
    log,
  });
  core.secure(security);
  core.addAdmission(security.admission ?? []);
  core.addHandlers(security.handlers ?? []);
  core.addPaths(security.paths ?? []);
  const resources = installResources(core, security.authorize, options);
  await resources.load();
  let started: Promise<void> | undefined;
  /** What stands beside the API begins once: with the first listener, since its port is advertised. */
  const start = (port: number): Promise<void> => (started ??= resources.start(port));
  return {
    handle: core.handle,
    reader: core.reader,
    async listen(listenOptions) {
      const listener = await core.listen(listenOptions);
      await start(listener.port);
      return listener;
    },
    start: () => start(options.advertisePort ?? 0),
    addHandlers: core.addHandlers,
    addAdmission: core.addAdmission,
    addPaths: core.addPaths,
    addHealthChecks: core.addHealthChecks,
    addHook: core.addHook,
    core,
    async close() {
      await core.beginShutdown();
      if (started) await started.catch(() => {});
      stopCompactor();
      await resources.stop();
      await core.close();
    },
  };
}
