/** What Kubernetes' own resources do beyond being stored: registered in the generic server, and run beside it. */
import { services } from '../../api/core/v1/service.ts';
import type { Service } from '../../api/core/v1/types.gen.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { createInProcessTransport } from '../../client/inprocess.ts';
import { createClient } from '../../client/rest.ts';
import { createWebhookTransport } from '../admission/webhook/call.ts';
import { aggregatedPaths } from '../aggregator/aggregator.ts';
import { createAggregation } from '../aggregator/controller.ts';
import type { Authorizer } from '../contracts.ts';
import type { ServerCore } from '../core.ts';
import { createCustomResources } from '../extensions/controller.ts';
import { componentStatusHandler } from './componentstatuses.ts';
import { createFlowControlConfiguration } from './flowcontrol/index.ts';
import { installResourceMetrics } from './metrics/index.ts';
import { ensureNamespaces } from './namespaces.ts';
import { bindingHandlers } from './pods/binding.ts';
import { evictionHandler } from './pods/eviction.ts';
import { streamingHandlers } from './pods/streaming.ts';
import type { Dial } from './proxy/dial.ts';
import { dialDirectly } from './proxy/dial.ts';
import { proxyHandlers } from './proxy/proxy.ts';
import { createAddressAllocator } from './services/addresses.ts';
import { serviceHooks } from './services/allocate.ts';
import { leaveKubernetesService, reconcileKubernetesService } from './services/kubernetes.ts';
import type { PortRange } from './services/nodeports.ts';
import { createPortAllocator, portsPrefix } from './services/nodeports.ts';
import { createRepair } from './services/repair.ts';

export interface ResourceOptions {
  /** One range, or one of each family; the first is the default. Default `10.96.0.0/12`. */
  serviceCidrs?: readonly string[];
  /** Default 30000–32767. */
  nodePortRange?: PortRange;
  /** How nodes, pods and services are reached. Default: directly. */
  dial?: Dial;
  /** How this server proves to kubelets who it is, and what their certificates are verified against; PEM. */
  kubeletClient?: { cert?: string | Buffer; key?: string | Buffer; ca?: string | Buffer };
  /** How this server proves to aggregated API servers that it may say who a request is from (the front proxy's client certificate); PEM. */
  proxyClient?: { cert: string | Buffer; key: string | Buffer };
  /** Under which nodes and pods reach this server; absent leaves the `kubernetes` service alone. */
  advertiseAddress?: string;
  /** Default: the port of the first listener. */
  advertisePort?: number;
  /** Serves `metrics.k8s.io` from what kubelets tell, where nobody else does. Default false: it is for servers that have nodes. */
  resourceMetrics?: boolean;
}

export interface RunningResources {
  /** Before the first request: custom resources that are declared already are served. */
  load(): Promise<void>;
  /** Called when the server listens: system namespaces, the `kubernetes` service, and the loops that repair. */
  start(port: number): Promise<void>;
  stop(): Promise<void>;
}

const identity = { username: 'system:apiserver', groups: ['system:masters'] };
const namespacesMs = 60_000;
const keepMs = 60_000;
const endpointsMs = 10_000;
const repairMs = 180_000;
const retryMs = 1000;

export function installResources(core: ServerCore, authorize: Authorizer, options: ResourceOptions): RunningResources {
  const { log, reader } = core;
  const serviceCidrs = options.serviceCidrs ?? ['10.96.0.0/12'];
  const client = createClient(createInProcessTransport(core.handle, identity), { userAgent: 'kube-apiserver' });
  const kubelet = { dial: options.dial ?? dialDirectly, ...options.kubeletClient };

  core.cacher.resource(portsPrefix);
  const addresses = createAddressAllocator(core, client, serviceCidrs);
  const ports = createPortAllocator(core, options.nodePortRange ?? { from: 30000, to: 32767 });
  core.addHooks<Service>(
    services,
    serviceHooks(addresses, ports, (error, service) =>
      log?.warn({ err: error, service: keyOf(service) }, 'addresses or ports of a service could not be released'),
    ),
  );
  core.addHandlers([...bindingHandlers, evictionHandler]);
  core.addResourceHandlers([componentStatusHandler, ...streamingHandlers(reader, authorize, kubelet), ...proxyHandlers(reader, authorize, kubelet)]);

  const aggregator = { dial: kubelet.dial, ...(options.proxyClient ? { proxyClient: options.proxyClient } : {}) };
  core.addPaths([aggregatedPaths(core, aggregator)]);
  const metrics = options.resourceMetrics ? installResourceMetrics(core, kubelet) : undefined;
  const aggregation = createAggregation(core, client, aggregator);
  const custom = createCustomResources(core, client, createWebhookTransport(reader, kubelet.dial));
  const flowControl = createFlowControlConfiguration(core, client);
  const timers: NodeJS.Timeout[] = [];
  let stopped = false;
  let advertised: { serviceCidrs: readonly string[]; address: string; port: number } | undefined;

  /** Runs now and then, one run at a time; sooner again after a failure. */
  async function loop(what: string, milliseconds: number, work: () => Promise<void>): Promise<void> {
    let next = milliseconds;
    try {
      await work();
    } catch (error) {
      if (stopped) return;
      next = retryMs;
      log?.warn({ err: error }, what);
    }
    if (stopped) return;
    const timer = setTimeout(() => {
      timers.splice(timers.indexOf(timer), 1);
      void loop(what, milliseconds, work);
    }, next);
    timer.unref();
    timers.push(timer);
  }

  /** Steps of the start by upstream's names, which monitors ask for; done when what this gives is called. */
  function steps(...names: string[]): () => void {
    const done = names.map((name) => core.addHook(name));
    return () => {
      for (const step of done) step();
    };
  }

  return {
    async load() {
      const customReady = steps('crd-informer-synced', 'start-apiextensions-informers', 'start-apiextensions-controllers');
      const configured = steps('priority-and-fairness-config-consumer');
      const loaded = steps('storage-readiness', 'generic-apiserver-start-informers', 'start-apiserver-admission-initializer');
      await Promise.all([custom.start().then(customReady), flowControl.load().then(configured)]);
      loaded();
    },
    async start(port) {
      const namespacesReady = core.addHook('start-system-namespaces-controller');
      const objectsReady = core.addHook('priority-and-fairness-config-producer');
      const serviceReady = core.addHook('bootstrap-controller');
      const repaired = core.addHook('start-service-ip-repair-controllers');
      await loop('the system namespaces could not be made', namespacesMs, () => ensureNamespaces(client).then(namespacesReady));
      await loop('the objects that configure flow control could not be kept', keepMs, () => flowControl.keep().then(objectsReady));
      flowControl.start();
      aggregation.start();
      core.addHealthChecks([{ name: 'autoregister-completion', startup: true, check: () => {} }]);
      steps(
        'start-kube-aggregator-informers',
        'kube-apiserver-autoregistration',
        'apiservice-registration-controller',
        'apiservice-status-local-available-controller',
        'apiservice-status-remote-available-controller',
        'apiservice-openapi-controller',
      )();
      metrics?.start();
      const advertisedPort = options.advertisePort ?? port;
      if (options.advertiseAddress !== undefined && advertisedPort > 0) {
        advertised = { serviceCidrs, address: options.advertiseAddress, port: advertisedPort };
        await loop('the kubernetes service could not be reconciled', endpointsMs, () =>
          reconcileKubernetesService(client, core.cacher.store, advertised as NonNullable<typeof advertised>).then(serviceReady),
        );
      } else serviceReady();
      const repair = createRepair(core, addresses, ports);
      void loop('addresses and ports of services could not be checked', repairMs, () => repair().then(repaired));
    },
    async stop() {
      stopped = true;
      custom.stop();
      flowControl.stop();
      aggregation.stop();
      metrics?.stop();
      for (const timer of timers) clearTimeout(timer);
      try {
        if (advertised) await leaveKubernetesService(client, core.cacher.store, advertised);
      } catch (error) {
        log?.info({ err: error }, 'this server could not take itself out of the kubernetes service');
      }
      await client.close();
    },
  };
}
