/** Reads the three metrics APIs, which others serve through aggregation. */
import type { CrossVersionObjectReference } from '../../api/autoscaling/v2/types.gen.ts';
import { parseApiVersion } from '../../apimachinery/meta.ts';
import { milliValue } from '../../apimachinery/quantity.ts';
import type { Client } from '../../client/client.ts';
import { discover } from '../common/discovery.ts';
import type { PodMetrics } from './calculator.ts';

export interface MetricsClient {
  /** `container` is empty for whole pods. */
  resource(namespace: string, selector: string, resource: string, container: string): Promise<PodMetrics>;
  pods(namespace: string, selector: string, metric: string, metricSelector: string): Promise<PodMetrics>;
  object(namespace: string, object: CrossVersionObjectReference, metric: string, metricSelector: string): Promise<number>;
  external(namespace: string, metric: string, metricSelector: string): Promise<number>;
}

const defaultWindowMs = 60_000;

interface ResourceMetrics {
  items: { metadata: { name: string }; timestamp: string; window?: string; containers: { name: string; usage: Record<string, string> }[] }[];
}

interface CustomMetrics {
  items: { describedObject: { name: string }; timestamp: string; windowSeconds?: number; value: string }[];
}

/** `1m30.5s` in milliseconds. */
function windowMs(text: string | undefined): number {
  const [, hours, minutes, seconds] = /^(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?$/.exec(text ?? '') ?? [];
  const total = Number(hours ?? 0) * 3_600_000 + Number(minutes ?? 0) * 60_000 + Number(seconds ?? 0) * 1_000;
  return total || defaultWindowMs;
}

/** Of a path that the API server does not know. */
const nothingThere = '404 page not found';
const notServed = (resource: string): string => `the server could not find the requested resource (get ${resource})`;

export function createMetricsClient(client: Client): MetricsClient {
  /** `absent`: what is said where nobody serves such metrics. */
  async function read<T>(path: string, query: Record<string, string>, what: string, absent: string): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== '');
    const text = given.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
    try {
      return (await client.raw('GET', text ? `${path}?${text}` : path)) as T;
    } catch (error) {
      const text = (error as Error).message;
      throw new Error(`unable to ${what}: ${text === nothingThere ? absent : text}`, { cause: error });
    }
  }
  const custom = (path: string, query: Record<string, string>): Promise<CustomMetrics> =>
    read(
      `/apis/custom.metrics.k8s.io/v1beta2/${path}`,
      query,
      'fetch metrics from custom metrics API',
      'no custom metrics API (custom.metrics.k8s.io) registered',
    );

  /** `deployments.apps/web` */
  async function pathOf({ apiVersion = 'v1', kind, name }: CrossVersionObjectReference, namespace: string): Promise<string> {
    const { group } = parseApiVersion(apiVersion);
    if (kind === 'Namespace' && group === '') return `namespaces/${name}/metrics`;
    const { resources } = await discover(client, group);
    const ref = resources.find((served) => served.ref.group === group && served.ref.kind === kind)?.ref;
    if (!ref) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    const resource = `${ref.plural}${group ? `.${group}` : ''}/${name}`;
    return ref.namespaced ? `namespaces/${namespace}/${resource}` : resource;
  }

  return {
    async resource(namespace, selector, resource, container) {
      const { items } = await read<ResourceMetrics>(
        `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`,
        { labelSelector: selector },
        'fetch metrics from resource metrics API',
        notServed('pods.metrics.k8s.io'),
      );
      if (items.length === 0) throw new Error('no metrics returned from resource metrics API');
      const metrics = items.flatMap(({ metadata, timestamp, window, containers }) => {
        const counted = containers.filter(({ name }) => container === '' || name === container);
        // A pod of which one container has no value yet is a pod without metrics.
        if (counted.length === 0 || counted.some(({ usage }) => usage[resource] === undefined)) return [];
        const value = counted.reduce((sum, { usage }) => sum + milliValue(usage[resource]!), 0);
        return [[metadata.name, { value, timestamp: Date.parse(timestamp), windowMs: windowMs(window) }] as const];
      });
      return new Map(metrics);
    },
    async pods(namespace, selector, metric, metricSelector) {
      const { items } = await custom(`namespaces/${namespace}/pods/*/${metric}`, { labelSelector: selector, metricLabelSelector: metricSelector });
      if (items.length === 0) throw new Error('no metrics returned from custom metrics API');
      return new Map(
        items.map(({ describedObject, timestamp, windowSeconds, value }) => [
          describedObject.name,
          { value: milliValue(value), timestamp: Date.parse(timestamp), windowMs: windowSeconds ? windowSeconds * 1_000 : defaultWindowMs },
        ]),
      );
    },
    async object(namespace, object, metric, metricSelector) {
      const { items } = await custom(`${await pathOf(object, namespace)}/${metric}`, { metricLabelSelector: metricSelector });
      if (items.length === 0) throw new Error('unable to fetch metrics from custom metrics API: no metrics returned');
      return milliValue(items[0]!.value);
    },
    async external(namespace, metric, metricSelector) {
      const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${metric}`;
      const { items } = await read<{ items: { value: string }[] }>(
        path,
        { labelSelector: metricSelector },
        'fetch metrics from external metrics API',
        notServed(`${metric}.external.metrics.k8s.io`),
      );
      if (items.length === 0) throw new Error('no metrics returned from external metrics API');
      return items.reduce((sum, { value }) => sum + milliValue(value), 0);
    },
  };
}
