/** The server's metrics under upstream's names, in the Prometheus text format. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestContext } from '../context.ts';
import type { Reply } from '../exchange.ts';

export interface ServerMetrics {
  registry: Registry;
  /** Counts a request that was answered; `seconds` since it arrived. */
  observe(context: RequestContext, code: number, seconds: number): void;
  inFlight(kind: 'mutating' | 'readOnly', count: number): void;
  /** Counts of what is stored and watched, asked for when somebody looks. */
  gauges(read: () => Iterable<{ resource: string; objects: number; watchers: number }>): void;
  serve(): Promise<Reply>;
  close(): void;
}

/** Upstream's buckets of `apiserver_request_duration_seconds`. */
const durationBuckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

interface Series {
  total: { inc(): void };
  duration: { observe(value: number): void } | undefined;
}

export function createMetrics(): ServerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const total = new Counter({
    name: 'apiserver_request_total',
    help: 'Requests by verb, resource and answer.',
    labelNames: ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component', 'code'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Time from the arrival of a request to its answer, in seconds.',
    labelNames: ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component'],
    buckets: durationBuckets,
    registers: [registry],
  });
  const inflight = new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'The most requests of a kind that were served at the same time lately.',
    labelNames: ['request_kind'],
    registers: [registry],
  });

  // Label sets are looked up by one short key: hashing labels on every request would cost more than the request.
  const series = new Map<string, Series>();

  function seriesOf({ info, exchange }: RequestContext, code: number): Series {
    const dryRun = info.query.size > 0 ? (info.query.get('dryRun') ?? '') : '';
    const scope = !info.isResourceRequest ? '' : info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster';
    const key = `${info.verb} ${dryRun} ${info.group} ${info.version} ${info.resource} ${info.subresource} ${scope} ${code}`;
    let found = series.get(key);
    if (!found) {
      if (series.size > 20_000) series.clear();
      const verb = info.isResourceRequest ? info.verb.toUpperCase() : exchange.method;
      const labels = {
        verb: verb === 'CREATE' ? 'POST' : verb === 'UPDATE' ? 'PUT' : verb,
        dry_run: dryRun,
        group: info.group,
        version: info.version,
        resource: info.resource,
        subresource: info.isResourceRequest ? info.subresource : info.path,
        scope,
        component: 'apiserver',
      };
      const timed = labels.verb !== 'WATCH' && info.subresource !== 'proxy';
      const counter = { ...labels, code: String(code) };
      found = { total: { inc: () => total.inc(counter) }, duration: timed ? { observe: (value) => duration.observe(labels, value) } : undefined };
      series.set(key, found);
    }
    return found;
  }

  return {
    registry,
    observe(context, code, seconds) {
      // Paths that anybody can make up get no series of their own.
      if (!context.info.isResourceRequest && code === 404) return;
      const of = seriesOf(context, code);
      of.total.inc();
      of.duration?.observe(seconds);
    },
    inFlight: (kind, count) => inflight.set({ request_kind: kind }, count),
    gauges(read) {
      const objects = new Gauge({
        name: 'apiserver_storage_objects',
        help: 'Stored objects by resource.',
        labelNames: ['resource'],
        registers: [registry],
        collect() {
          for (const one of read()) this.set({ resource: one.resource }, one.objects);
        },
      });
      const watchers = new Gauge({
        name: 'apiserver_registered_watchers',
        help: 'Watches that are open, by resource.',
        labelNames: ['resource'],
        registers: [registry],
        collect() {
          for (const one of read()) this.set({ resource: one.resource }, one.watchers);
        },
      });
      objects.reset();
      watchers.reset();
    },
    async serve() {
      return { status: 200, headers: { 'content-type': registry.contentType }, body: Buffer.from(await registry.metrics()) };
    },
    close() {
      registry.clear();
    },
  };
}
