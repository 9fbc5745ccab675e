/** What each metric of an autoscaler proposes. Texts and reasons are upstream's. */
import type { MetricIdentifier, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../api/autoscaling/v2/types.gen.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { formatQuantity, milliQuantity, milliValue } from '../../apimachinery/quantity.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import { goText } from '../common/selectortext.ts';
import { type PodQuestion, type Proposal, proposeByShare, proposeByTotal, proposeByUtilization, proposeByValue, type Tolerances } from './calculator.ts';
import type { MetricsClient } from './metricsclient.ts';

export interface MetricQuestion {
  namespace: string;
  /** Of the scale, as text. */
  selector: string;
  pods: readonly Pod[];
  specReplicas: number;
  statusReplicas: number;
  tolerances: Tolerances;
  now: number;
}

export interface MetricAnswer {
  replicas: number;
  /** What events call it. */
  name: string;
  status: MetricStatus;
}

/** A metric that can't be had, with the reason for the condition. */
export class MetricError extends Error {
  readonly reason: string;
  /** As the event and the condition have it, without what the message adds. */
  readonly detail: string;
  constructor(reason: string, detail: string, message: string) {
    super(message);
    this.name = 'MetricError';
    this.reason = reason;
    this.detail = detail;
  }
}

const milli = (value: number, format: 'DecimalSI' | 'BinarySI' = 'DecimalSI'): string => formatQuantity(milliQuantity(Math.round(value), format));
const identifier = ({ name, selector }: MetricIdentifier): MetricIdentifier => ({ name, ...(selector ? { selector } : {}) });
const selectorText = ({ selector }: MetricIdentifier): string => (selector ? labelSelectorMatcher(selector).toString() : '');

async function ofResource(
  client: MetricsClient,
  question: MetricQuestion,
  name: string,
  target: MetricTarget,
  container: string,
): Promise<{ proposal: Proposal; current: MetricValueStatus; name: string }> {
  const { namespace, selector, pods, specReplicas, tolerances, now } = question;
  const format = name === 'memory' ? 'BinarySI' : 'DecimalSI';
  const kind = target.averageValue === undefined ? 'utilization' : 'usage';
  if (target.averageValue === undefined && target.averageUtilization === undefined) {
    throw new Error('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set');
  }
  try {
    const metrics = await client.resource(namespace, selector, name, container).catch((error: unknown) => {
      throw new Error(`unable to get metrics for resource ${name}: ${(error as Error).message}`, { cause: error });
    });
    const asked: PodQuestion = { pods, metrics, current: specReplicas, tolerances, resource: name, now };
    if (target.averageValue !== undefined) {
      const proposal = proposeByValue(asked, milliValue(target.averageValue));
      return { proposal, current: { averageValue: milli(proposal.average, format) }, name: `${name} resource` };
    }
    const proposal = proposeByUtilization(asked, target.averageUtilization!, container);
    const current = { averageUtilization: proposal.utilization, averageValue: milli(proposal.average, format) };
    return { proposal, current, name: `${name} ${container === '' ? '' : 'container '}resource utilization (percentage of request)` };
  } catch (error) {
    throw new Error(`failed to get ${name} ${kind}: ${(error as Error).message}`, { cause: error });
  }
}

/** A total against a target for the whole, or for each pod. */
function ofTotal(question: MetricQuestion, usage: number, target: MetricTarget): { proposal: Proposal; current: MetricValueStatus } | undefined {
  const { pods, specReplicas, statusReplicas, tolerances } = question;
  if (target.averageValue !== undefined) {
    const proposal = proposeByShare(usage, milliValue(target.averageValue), statusReplicas, tolerances);
    return { proposal, current: { averageValue: milli(proposal.average) } };
  }
  if (target.value === undefined) return undefined;
  const proposal = proposeByTotal(usage, milliValue(target.value), specReplicas, pods, tolerances);
  return { proposal, current: { value: milli(proposal.average) } };
}

/** The prefixes stand before the message alone. */
async function failing<T>(reason: string, prefix: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const detail = (error as Error).message;
    throw new MetricError(reason, detail, `${prefix}: ${detail}`);
  }
}

/** Throws {@link MetricError}. */
export async function askMetric(client: MetricsClient, spec: MetricSpec, question: MetricQuestion): Promise<MetricAnswer> {
  const { namespace, selector, pods, specReplicas, tolerances, now } = question;
  const { type, resource, containerResource, pods: perPod, object, external } = spec;
  if (resource) {
    return failing('FailedGetResourceMetric', `failed to get ${resource.name} resource metric value`, async () => {
      const { proposal, current, name } = await ofResource(client, question, resource.name, resource.target, '');
      return { replicas: proposal.replicas, name, status: { type, resource: { name: resource.name, current } } };
    });
  }
  if (containerResource) {
    const { name: wanted, container, target } = containerResource;
    return failing('FailedGetContainerResourceMetric', `failed to get ${container} container metric value`, async () => {
      const { proposal, current, name } = await ofResource(client, question, wanted, target, container);
      return { replicas: proposal.replicas, name, status: { type, containerResource: { name: wanted, container, current } } };
    });
  }
  if (perPod) {
    const { metric, target } = perPod;
    return failing('FailedGetPodsMetric', 'failed to get pods metric value', async () => {
      const metrics = await client.pods(namespace, selector, metric.name, selectorText(metric)).catch((error: unknown) => {
        throw new Error(`unable to get metric ${metric.name}: ${(error as Error).message}`, { cause: error });
      });
      const proposal = proposeByValue({ pods, metrics, current: specReplicas, tolerances, resource: '', now }, milliValue(target.averageValue ?? 0));
      const current = { averageValue: milli(proposal.average) };
      return { replicas: proposal.replicas, name: `pods metric ${metric.name}`, status: { type, pods: { metric: identifier(metric), current } } };
    });
  }
  if (object) {
    const { metric, describedObject, target } = object;
    const prefix = `failed to get object metric value${target.averageValue === undefined ? '' : `: failed to get ${metric.name} object metric`}`;
    return failing('FailedGetObjectMetric', prefix, async () => {
      const usage = await client.object(namespace, describedObject, metric.name, selectorText(metric)).catch((error: unknown) => {
        throw new Error(`unable to get metric ${metric.name}: ${describedObject.kind} on ${namespace} ${describedObject.name}/${(error as Error).message}`, {
          cause: error,
        });
      });
      const found = ofTotal(question, usage, target);
      if (!found) throw new Error('invalid object metric source: neither a value target nor an average value target was set');
      const name =
        target.averageValue === undefined ? `${describedObject.kind} metric ${metric.name}` : `external metric ${metric.name}(${goText(metric.selector)})`;
      return { replicas: found.proposal.replicas, name, status: { type, object: { describedObject, metric: identifier(metric), current: found.current } } };
    });
  }
  if (external) {
    const { metric, target } = external;
    const what = target.averageValue === undefined ? `external metric ${metric.name}` : `${metric.name} external metric`;
    return failing('FailedGetExternalMetric', `failed to get ${metric.name} external metric value: failed to get ${what}`, async () => {
      const usage = await client.external(namespace, metric.name, selectorText(metric)).catch((error: unknown) => {
        throw new Error(`unable to get external metric ${namespace}/${metric.name}/${goText(metric.selector)}: ${(error as Error).message}`, { cause: error });
      });
      const found = ofTotal(question, usage, target);
      if (!found) throw new Error('invalid external metric source: neither a value target nor an average value target was set');
      const name = `external metric ${metric.name}(${goText(metric.selector)})`;
      return { replicas: found.proposal.replicas, name, status: { type, external: { metric: identifier(metric), current: found.current } } };
    });
  }
  const text = `unknown metric source type "${type}"`;
  throw new MetricError('InvalidMetricSourceType', text, text);
}
