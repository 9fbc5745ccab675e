/**
 * The service proxy of a node: watches Services and EndpointSlices, recomputes the rules of what changed, applies them as one transaction.
 */
import type { Logger } from 'pino';
import { services as serviceKind } from '../api/core/v1/service.ts';
import { endpointslices } from '../api/discovery/v1/endpointslice.ts';
import { keyOf } from '../apimachinery/meta.ts';
import type { InformerFactory } from '../client/informer.ts';
import { deleteEntries, staleEntries } from './conntrack.ts';
import { familyOf, type IpFamily, type NodePlace } from './endpoints.ts';
import { emptyFragment, type Fragment, fragmentOf } from './fragment.ts';
import { createHealthCheckServer } from './healthcheck.ts';
import { applyNft } from './nft.ts';
import { frame, transaction } from './table.ts';

export interface ProxyOptions {
  node: NodePlace;
  informers: InformerFactory;
  /** Pods of the whole cluster: a range of each family that there are services of. None: IPv4 alone, and nothing is masqueraded. */
  clusterCidrs?: readonly string[];
  /** Known once the node has its ranges; `setPodCidrs` tells later. */
  podCidrs?: readonly string[];
  log: Logger;
  /** For tests: takes the text of a transaction. */
  apply?(text: string): Promise<void>;
}

export interface Proxy {
  /** Resolves when the rules of all services that exist are in the kernel. */
  start(): Promise<void>;
  setPodCidrs(podCidrs: readonly string[]): void;
  /** Rules stay, so that connections go on while the agent is replaced. */
  stop(): Promise<void>;
}

/** Changes within this time share a transaction, in milliseconds: short, since a new endpoint waits for it. */
const gatherMs = 5;
/** After this many milliseconds a failed transaction is replaced by a whole new table. */
const retryMs = 1_000;
const sliceServiceLabel = 'kubernetes.io/service-name';

export function createProxy(options: ProxyOptions): Proxy {
  const { node, informers, log, clusterCidrs = [], apply = applyNft } = options;
  const families = clusterCidrs.length > 0 ? clusterCidrs.map(familyOf) : (['IPv4'] as const);
  const ofFamily = (ranges: readonly string[], family: IpFamily): string | undefined => ranges.find((range) => familyOf(range) === family);
  const services = informers.informer(serviceKind);
  const slices = informers.informer(endpointslices);
  slices.addIndex('service', (slice) => [`${slice.metadata.namespace}/${slice.metadata.labels?.[sliceServiceLabel] ?? ''}`]);
  const health = createHealthCheckServer(node, log);
  const current = new Map<IpFamily, Map<string, Fragment>>(families.map((family) => [family, new Map()]));
  /** Which service each element of a map belongs to: two services may claim one external address. */
  const owners = new Map<string, string>();
  const hairpins = new Map<string, number>();
  const dirty = new Set<string>();
  let podCidrs = options.podCidrs ?? [];
  let whole = true;
  let scheduled: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let stopped = false;
  /** Resolved once all rules were written. */
  const inForce = Promise.withResolvers<void>();

  const mark = (key: string): void => {
    dirty.add(key);
    schedule(gatherMs);
  };
  services.addHandlers({ added: (one) => mark(keyOf(one)), updated: (one) => mark(keyOf(one)), deleted: (one) => mark(keyOf(one)) });
  const markSlice = (slice: { metadata: { namespace?: string; labels?: Record<string, string> } }): void =>
    mark(`${slice.metadata.namespace}/${slice.metadata.labels?.[sliceServiceLabel] ?? ''}`);
  slices.addHandlers({ added: markSlice, updated: markSlice, deleted: markSlice });

  function schedule(milliseconds: number): void {
    if (stopped || scheduled || running || !services.hasSynced || !slices.hasSynced) return;
    scheduled = setTimeout(() => {
      scheduled = undefined;
      void sync();
    }, milliseconds);
  }

  async function sync(): Promise<void> {
    let failed = false;
    running = syncOnce().catch((error: unknown) => {
      log.error({ err: error }, 'service rules could not be applied; the whole table will be written anew');
      whole = failed = true;
    });
    await running;
    running = undefined;
    if (!whole) inForce.resolve();
    if (failed) schedule(retryMs);
    else if (whole || dirty.size > 0) schedule(gatherMs);
  }

  async function syncOnce(): Promise<void> {
    const all = whole;
    // Before anything waits: what is learned meanwhile may ask for the whole again.
    whole = false;
    if (all) {
      for (const fragments of current.values()) fragments.clear();
      owners.clear();
      hairpins.clear();
      for (const service of services.list()) dirty.add(keyOf(service));
    }
    const keys = [...dirty];
    dirty.clear();
    for (const family of families) await syncFamily(family, keys, all);
    health.update(services.list(), (service) => slices.byIndex('service', keyOf(service)));
  }

  async function syncFamily(family: IpFamily, keys: readonly string[], all: boolean): Promise<void> {
    const fragments = current.get(family) as Map<string, Fragment>;
    const changes = keys.map((key) => ({ key, from: fragments.get(key) ?? emptyFragment, to: compute(family, key) }));
    for (const { key, from, to } of changes) claim(key, from, to);
    const text = transaction(family, changes, (id) => (hairpins.get(id) ?? 0) > 0);
    const head = all ? frame({ family, podCidr: ofFamily(podCidrs, family), clusterCidr: ofFamily(clusterCidrs, family) }) : '';
    if (head || text) await apply(head + text);
    for (const { key, to } of changes) {
      if (to === emptyFragment) fragments.delete(key);
      else fragments.set(key, to);
    }
    if (all) return;
    for (const args of changes.flatMap(({ from, to }) => staleEntries(from, to))) await deleteEntries(args);
  }

  function compute(family: IpFamily, key: string): Fragment {
    const service = services.getByKey(key);
    if (!service) return emptyFragment;
    const fragment = fragmentOf(service, slices.byIndex('service', key), { node, family, clusterCidr: ofFamily(clusterCidrs, family) });
    const taken = [...fragment.elements].filter(([id, element]) => element.verdict && (owners.get(id) ?? key) !== key);
    if (taken.length === 0) return fragment;
    log.warn({ service: key, addresses: taken.map(([id]) => id) }, 'another service has these addresses already');
    return { ...fragment, elements: new Map([...fragment.elements].filter(([id]) => (owners.get(id) ?? key) === key)) };
  }

  function claim(key: string, from: Fragment, to: Fragment): void {
    for (const [id, { set, verdict }] of from.elements) {
      if (set === 'hairpin') hairpins.set(id, (hairpins.get(id) ?? 1) - 1);
      else if (verdict && !to.elements.has(id)) owners.delete(id);
    }
    for (const [id, { set, verdict }] of to.elements) {
      if (set === 'hairpin') hairpins.set(id, (hairpins.get(id) ?? 0) + 1);
      else if (verdict) owners.set(id, key);
    }
  }

  return {
    async start() {
      await Promise.all([services.synced, slices.synced]);
      schedule(0);
      await inForce.promise;
    },
    setPodCidrs(ranges) {
      if (ranges.join() === podCidrs.join()) return;
      podCidrs = ranges;
      whole = true;
      schedule(0);
    },
    async stop() {
      stopped = true;
      clearTimeout(scheduled);
      await running;
      inForce.resolve();
      await health.close();
    },
  };
}
