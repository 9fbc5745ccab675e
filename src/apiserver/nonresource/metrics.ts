/** The server's metrics under upstream's names, in the Prometheus text format. */
import type { Registry } from 'prom-client';
import { Distribution, familyText, labelText, type MetricSource, metrics as threadMetrics } from '../../apimachinery/metrics.ts';
import type { RequestContext } from '../context.ts';
import type { Reply } from '../exchange.ts';
import { textReply } from '../exchange.ts';
import type { AdmissionMetrics } from './admissionmetrics.ts';
import { createAdmissionMetrics } from './admissionmetrics.ts';
import { healthMetrics, serverMetrics } from './requestmetrics.ts';

export interface ServerMetrics {
  /** Counts a request that was answered; `seconds` since it arrived, `bytes` of its body. */
  observe(context: RequestContext, code: number, seconds: number, bytes: number): void;
  /** Told with the rest. */
  add(source: MetricSource): void;
  /** Counts a request that is long-running until what this gives is called; calls after the first do nothing. */
  longRunning(context: RequestContext): () => void;
  admission: AdmissionMetrics;
  /** Tells of flow control too. */
  flowControl(source: { readonly inFlight: Readonly<Record<'mutating' | 'readOnly', number>>; metrics(): string }): void;
  /** Counts of what is stored and watched, asked for when somebody looks. */
  gauges(read: () => Iterable<{ resource: string; group: string; plural: string; objects: number; watchers: number }>): void;
  /** What is stored on a disk, asked for when somebody looks. */
  storageSize(read: () => Promise<{ id: string; bytes: number }>): void;
  serve(): Promise<Reply>;
  close(): void;
}

/** Upstream's buckets of `apiserver_request_duration_seconds`. */
const durationBuckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

const sliBuckets = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const sizeBuckets = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/** Label sets are looked up by one short key: to spell labels on every request would cost more than the request. */
interface Series {
  labels: string;
  total: number;
  duration: Distribution | undefined;
  sli: Distribution | undefined;
  /** Of what is read. */
  sizes: Distribution | undefined;
}

const verbNames: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };
const verbOf = ({ info, exchange }: RequestContext): string => (info.isResourceRequest ? (verbNames[info.verb] ?? info.verb.toUpperCase()) : exchange.method);

export function createMetrics(): ServerMetrics {
  const series = new Map<string, Series>();
  /** By labels; answers of all codes share one. */
  const durations = new Map<string, Distribution>();
  /** The same without what was spent in queues. */
  const slis = new Map<string, Distribution>();
  const sizes = new Map<string, Distribution>();
  const more: MetricSource[] = [serverMetrics, threadMetrics];
  let flowControl: Parameters<ServerMetrics['flowControl']>[0] = { inFlight: { mutating: 0, readOnly: 0 }, metrics: () => '' };
  let readGauges: Parameters<ServerMetrics['gauges']>[0] = () => [];
  const admission = createAdmissionMetrics();
  /** By labels. */
  const longRunning = new Map<string, number>();
  const terminations = new Map<string, number>();
  let readSize: Parameters<ServerMetrics['storageSize']>[0] | undefined;
  let processMetrics: Promise<Registry> | undefined;

  function seriesOf(context: RequestContext, code: number): Series {
    const { info } = context;
    const dryRun = info.query.size > 0 ? (info.query.get('dryRun') ?? '') : '';
    const scope = scopeOf(context);
    // Paths that are no resources are told apart by themselves.
    const below = info.isResourceRequest ? info.subresource : info.path;
    const key = `${info.verb} ${dryRun} ${info.group} ${info.version} ${info.resource} ${below} ${scope} ${code}`;
    let found = series.get(key);
    if (!found) {
      if (series.size > 20_000) {
        series.clear();
        durations.clear();
        slis.clear();
        sizes.clear();
      }
      const verb = verbOf(context);
      const labels = labelText({
        verb,
        dry_run: dryRun,
        group: info.group,
        version: info.version,
        resource: info.resource,
        subresource: below,
        scope,
        component: 'apiserver',
      });
      const timed = verb !== 'WATCH' && info.subresource !== 'proxy';
      const sized = verb === 'GET' || verb === 'LIST';
      found = {
        labels: `${labels},code="${code}"`,
        total: 0,
        duration: timed ? seriesIn(durations, labels, durationBuckets) : undefined,
        sli: timed ? seriesIn(slis, labels, sliBuckets) : undefined,
        sizes: sized ? seriesIn(sizes, labelText(labelsOf(context, verb)), sizeBuckets) : undefined,
      };
      series.set(key, found);
    }
    return found;
  }

  const scopeOf = ({ info }: RequestContext): string =>
    !info.isResourceRequest ? '' : info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster';

  function labelsOf(context: RequestContext, verb: string): Record<string, string> {
    const { group, resource, subresource, version } = context.info;
    return { component: 'apiserver', group, resource, scope: scopeOf(context), subresource, verb, version };
  }

  function seriesIn(series: Map<string, Distribution>, labels: string, buckets: readonly number[]): Distribution {
    let found = series.get(labels);
    if (!found) series.set(labels, (found = new Distribution(buckets)));
    return found;
  }

  const histogramText = (name: string, help: string, series: ReadonlyMap<string, Distribution>): string =>
    familyText(
      name,
      'histogram',
      help,
      [...series].flatMap(([labels, distribution]) => distribution.samples(name, labels)),
    );

  function text(): string {
    const counts = [...readGauges()].map((one) => ({ ...one, labels: labelText({ resource: one.resource }) }));
    return [
      familyText(
        'apiserver_request_total',
        'counter',
        'Requests by verb, resource and answer.',
        [...series.values()].map(({ labels, total }) => `apiserver_request_total{${labels}} ${total}`),
      ),
      histogramText('apiserver_request_duration_seconds', 'Time from the arrival of a request to its answer, in seconds.', durations),
      histogramText('apiserver_request_sli_duration_seconds', 'The same without what was spent in queues of priority and fairness.', slis),
      histogramText('apiserver_response_sizes', 'Bytes of answers to those who read.', sizes),
      familyText(
        'apiserver_current_inflight_requests',
        'gauge',
        'Requests of a kind that are being served.',
        Object.entries(flowControl.inFlight).map(([kind, count]) => `apiserver_current_inflight_requests{request_kind="${kind}"} ${count}`),
      ),
      familyText(
        'apiserver_longrunning_requests',
        'gauge',
        'Watches and connections that are open.',
        [...longRunning].map(([labels, count]) => `apiserver_longrunning_requests{${labels}} ${count}`),
      ),
      familyText(
        'apiserver_request_terminations_total',
        'counter',
        'Requests that the server gave up on, or would not take.',
        [...terminations].map(([labels, count]) => `apiserver_request_terminations_total{${labels}} ${count}`),
      ),
      admission.text(),
      familyText(
        'apiserver_resource_objects',
        'gauge',
        'Stored objects by group and resource.',
        counts.map(({ group, plural, objects }) => `apiserver_resource_objects{${labelText({ group, resource: plural })}} ${objects}`),
      ),
      familyText(
        'apiserver_storage_objects',
        'gauge',
        'Stored objects by resource.',
        counts.map(({ labels, objects }) => `apiserver_storage_objects{${labels}} ${objects}`),
      ),
      familyText(
        'apiserver_registered_watchers',
        'gauge',
        'Watches that are open, by resource.',
        counts.map(({ labels, watchers }) => `apiserver_registered_watchers{${labels}} ${watchers}`),
      ),
      flowControl.metrics(),
      ...more.map((source) => source.text()),
    ].join('');
  }

  /** `''` where that can't be told, as of an etcd that does not answer. */
  async function sizeText(): Promise<string> {
    const size = await readSize?.().catch(() => undefined);
    if (!size) return '';
    const sample = `apiserver_storage_size_bytes{${labelText({ storage_cluster_id: size.id })}} ${size.bytes}`;
    return familyText('apiserver_storage_size_bytes', 'gauge', 'Bytes that the database takes on its disk.', [sample]);
  }

  return {
    add: (source) => void more.push(source),
    observe(context, code, seconds, bytes) {
      // Paths that anybody can make up get no series of their own.
      if (!context.info.isResourceRequest && code === 404) return;
      const of = seriesOf(context, code);
      of.total++;
      of.duration?.observe(seconds);
      of.sli?.observe(Math.max(0, seconds - context.waitedMs / 1000));
      of.sizes?.observe(bytes);
      if (code !== 429 && code !== 504) return;
      const labels = labelText({ code: String(code), ...labelsOf(context, verbOf(context)) });
      terminations.set(labels, (terminations.get(labels) ?? 0) + 1);
    },
    longRunning(context) {
      const labels = labelText(labelsOf(context, context.info.verb === 'watch' ? 'WATCH' : 'CONNECT'));
      longRunning.set(labels, (longRunning.get(labels) ?? 0) + 1);
      let open = true;
      return () => {
        if (open) longRunning.set(labels, (longRunning.get(labels) ?? 1) - 1);
        open = false;
      };
    },
    admission,
    flowControl(source) {
      flowControl = source;
    },
    gauges(read) {
      readGauges = read;
    },
    storageSize(read) {
      readSize = read;
    },
    async serve() {
      processMetrics ??= collectProcess();
      const registry = await processMetrics;
      const stored = await sizeText();
      return { status: 200, headers: { 'content-type': registry.contentType }, body: Buffer.from(`${text()}${stored}${await registry.metrics()}`) };
    },
    close() {
      void processMetrics?.then((registry) => registry.clear());
    },
  };
}

/** Of the format that Prometheus reads. */
const textType = 'text/plain; version=0.0.4; charset=utf-8';

interface MetricsOf {
  server(): Promise<Reply>;
  component(name: string): Promise<string> | undefined;
}

/**
 * `/metrics`, and `/metrics/slis` with the health checks. Upstream's controllers and scheduler have ports of their own for theirs;
 * here they are at `/metrics?component=kube-scheduler`, so that whoever may see the one may see the others.
 */
export function serveMetrics({ info }: RequestContext, { server, component }: MetricsOf): Promise<Reply> | Reply | undefined {
  const reply = (text: string): Reply => ({ status: 200, headers: { 'content-type': textType }, body: Buffer.from(text) });
  if (info.path === '/metrics/slis') return reply(healthMetrics.text());
  if (info.path !== '/metrics') return undefined;
  const name = info.query.get('component') ?? '';
  if (name === '' || name === 'kube-apiserver') return server();
  return component(name)?.then(reply) ?? textReply(404, `there is no component ${JSON.stringify(name)} here\n`);
}

/** What is measured of the process itself, from the first time that somebody asks: many servers are never scraped. */
async function collectProcess(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
