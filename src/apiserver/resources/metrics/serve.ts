/** `metrics.k8s.io/v1beta1`: what nodes and pods use, read only and never stored. */

import { nodes } from '../../../api/core/v1/node.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { Node, Pod } from '../../../api/core/v1/types.gen.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import { formatDuration } from '../../../apimachinery/duration.ts';
import { methodNotSupported, noSuchPath, notFound } from '../../../apimachinery/errors.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { timeOf } from '../../../apimachinery/meta.ts';
import { formatQuantity, quantityOf } from '../../../apimachinery/quantity.ts';
import { formOf } from '../../answer/form.ts';
import { valueReply } from '../../answer/reply.ts';
import type { RequestContext } from '../../context.ts';
import type { ServerCore } from '../../core.ts';
import type { Reply } from '../../exchange.ts';
import { textEncodings } from '../../negotiation/accept.ts';
import type { PathHandler } from '../../route.ts';
import { inSlices } from '../../slices.ts';
import { selectionOf } from '../../storage/selection.ts';
import type { UsageCollector } from './collector.ts';
import type { Usage } from './usage.ts';

export const metricsGroup = { group: 'metrics.k8s.io', version: 'v1beta1' };
const apiVersion = `${metricsGroup.group}/${metricsGroup.version}`;
const root = `/apis/${apiVersion}`;

/** As discovery lists them. */
export const metricsResources = [
  { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
  { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
];

const usageOf = ({ cpuNanocores, memoryBytes }: Usage) => ({
  cpu: formatQuantity({ unscaled: BigInt(cpuNanocores), exponent: -9, format: 'DecimalSI' }),
  memory: formatQuantity(quantityOf(memoryBytes, 'BinarySI')),
});

const takenAt = ({ at, windowMs }: Usage) => ({ timestamp: timeOf(new Date(at)), window: formatDuration(windowMs) });

/** Labels are those of what is measured, so that selectors find it. */
function metadataOf({ metadata: { name, namespace, labels } }: KubeObject, now: Date): object {
  return { name, ...(namespace ? { namespace } : {}), creationTimestamp: timeOf(now), ...(labels ? { labels } : {}) };
}

function nodeMetrics(collector: UsageCollector, node: Node, now: Date): object | undefined {
  const usage = collector.node(node.metadata.name);
  return usage && { metadata: metadataOf(node, now), ...takenAt(usage), usage: usageOf(usage) };
}

function podMetrics(collector: UsageCollector, pod: Pod, now: Date): object | undefined {
  const { namespace = '', name } = pod.metadata;
  const found = collector.pod(namespace, name);
  // A pod of that name may have been on another node when it was measured.
  if (!found || found.node !== pod.spec.nodeName || pod.status?.phase !== 'Running') return undefined;
  const [first, ...others] = found.containers.values();
  if (!first) return undefined;
  const oldest = others.reduce((before, usage) => (usage.at < before.at ? usage : before), first);
  const containers = Array.from(found.containers, ([container, usage]) => ({ name: container, usage: usageOf(usage) }));
  return { metadata: metadataOf(pod, now), ...takenAt(oldest), containers };
}

interface Measured {
  kind: string;
  /** What is measured. */
  of: KindDefinition;
  /** By which a measurement that is not there is called. */
  called: string;
  measure(object: KubeObject, now: Date): object | undefined;
}

/** Stands behind the aggregation layer: an APIService with a service of its own is asked instead. */
export function metricsPaths(core: ServerCore, collector: UsageCollector): PathHandler {
  const measured: readonly Measured[] = [
    { kind: 'NodeMetrics', of: nodes, called: 'nodes', measure: (object, now) => nodeMetrics(collector, object as Node, now) },
    { kind: 'PodMetrics', of: pods, called: 'podmetrics', measure: (object, now) => podMetrics(collector, object as Pod, now) },
  ];

  async function serve(context: RequestContext): Promise<Reply> {
    const { info, now } = context;
    const form = formOf(context, textEncodings, false);
    if (!info.isResourceRequest) {
      if (info.verb !== 'get') throw methodNotSupported({ group: '', resource: '' }, info.verb);
      return valueReply(context, 200, form, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersion, resources: metricsResources });
    }
    const asked = measured.find(({ of }) => of.plural === info.resource);
    if (!asked || info.subresource !== '' || (info.namespace !== '' && !asked.of.namespaced)) throw noSuchPath();
    if (info.verb === 'list') return valueReply(context, 200, form, await list(context, asked));
    if (info.verb !== 'get') throw methodNotSupported({ group: metricsGroup.group, resource: info.resource }, info.verb);
    if (asked.of.namespaced && info.namespace === '') throw noSuchPath();
    const object = await core.reader.get(asked.of, info.namespace, info.name);
    if (!object) throw notFound({ group: '', resource: info.resource }, info.name);
    const metrics = asked.measure(object, now);
    if (!metrics) {
      throw notFound({ group: metricsGroup.group, resource: asked.called }, asked.of.namespaced ? `${info.namespace}/${info.name}` : info.name);
    }
    return valueReply(context, 200, form, { kind: asked.kind, apiVersion, ...metrics });
  }

  /** Decodes only what is selected and has been measured. */
  async function list({ info, now }: RequestContext, { kind, of, measure }: Measured): Promise<object> {
    const resource = core.registry.of(of);
    const { cache } = resource.stored;
    const selection = selectionOf(resource, core.cacher, info.labelSelector, info.fieldSelector);
    const items: object[] = [];
    const range = info.namespace === '' ? cache.prefix : `${cache.prefix}${info.namespace}/`;
    await inSlices(Array.from(cache.sorted.range(range)), (entry) => {
      const known = of.namespaced ? collector.pod(entry.namespace, entry.name) : collector.node(entry.name);
      if (!known || !selection.matches(entry)) return;
      const metrics = measure(core.cacher.decoded.of(entry) as unknown as KubeObject, now);
      if (metrics) items.push(metrics);
    });
    return { kind: `${kind}List`, apiVersion, metadata: {}, items };
  }

  return (context) => {
    const { path } = context.info;
    return path === root || path.startsWith(`${root}/`) ? serve(context) : undefined;
  };
}
