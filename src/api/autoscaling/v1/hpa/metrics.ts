/** Metrics in the form that autoscaling/v1 keeps in annotations, and back. */
import { compareQuantities } from '../../../../apimachinery/quantity.ts';
import type { MetricSpec, MetricStatus, MetricTarget } from '../../v2/types.gen.ts';

type Fields = Record<string, any>;

const defined = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

export function metricToV1(metric: MetricSpec): Fields {
  const { type, object, pods, resource, containerResource, external } = metric;
  return defined({
    type,
    object: object && {
      target: object.describedObject,
      ...defined({ metricName: object.metric.name, selector: object.metric.selector, averageValue: object.target.averageValue }),
      targetValue: object.target.value ?? '0',
    },
    pods: pods && defined({ metricName: pods.metric.name, targetAverageValue: pods.target.averageValue ?? '0', selector: pods.metric.selector }),
    resource: resource && { name: resource.name, ...utilization(resource.target) },
    containerResource: containerResource && {
      name: containerResource.name,
      container: containerResource.container,
      ...utilization(containerResource.target),
    },
    external:
      external &&
      defined({
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      }),
  });
}

const utilization = ({ averageUtilization, averageValue }: MetricTarget): Fields =>
  defined({ targetAverageUtilization: averageUtilization, targetAverageValue: averageValue });

const targetOf = (fields: Fields): MetricTarget => {
  const { targetAverageUtilization: averageUtilization, targetAverageValue: averageValue } = fields;
  const type = averageUtilization === undefined ? 'AverageValue' : 'Utilization';
  return { type, ...defined({ averageUtilization, averageValue }) };
};

const metricOf = (name: unknown, selector: unknown): { name: string } => ({ name: String(name ?? ''), ...defined({ selector }) });

export function metricFromV1({ type, object, pods, resource, containerResource, external }: Fields): MetricSpec {
  return {
    type: String(type ?? ''),
    ...defined({
      object: object && {
        describedObject: object.target,
        metric: metricOf(object.metricName, object.selector),
        target: objectTarget(object),
      },
      pods: pods && {
        metric: metricOf(pods.metricName, pods.selector),
        target: { type: 'AverageValue', averageValue: pods.targetAverageValue },
      },
      resource: resource && { name: resource.name, target: targetOf(resource) },
      containerResource: containerResource && {
        name: containerResource.name,
        container: containerResource.container,
        target: targetOf(containerResource),
      },
      external: external && {
        metric: metricOf(external.metricName, external.metricSelector),
        target: {
          type: external.targetValue === undefined ? 'AverageValue' : 'Value',
          ...defined({ value: external.targetValue, averageValue: external.targetAverageValue }),
        },
      },
    }),
  };
}

/** v1 can't leave the value out: zero beside an average counts as none. */
function objectTarget({ averageValue, targetValue }: Fields): MetricTarget {
  if (averageValue === undefined) return { type: 'Value', value: targetValue };
  const zero = targetValue === undefined || compareQuantities(targetValue, '0') === 0;
  return { type: 'AverageValue', averageValue, ...(zero ? {} : { value: targetValue }) };
}

export function statusToV1({ type, object, pods, resource, containerResource, external }: MetricStatus): Fields {
  return defined({
    type,
    object: object && {
      target: object.describedObject,
      ...defined({ metricName: object.metric.name, selector: object.metric.selector, averageValue: object.current.averageValue }),
      currentValue: object.current.value ?? '0',
    },
    pods: pods && defined({ metricName: pods.metric.name, currentAverageValue: pods.current.averageValue ?? '0', selector: pods.metric.selector }),
    resource: resource && {
      name: resource.name,
      ...defined({ currentAverageUtilization: resource.current.averageUtilization }),
      currentAverageValue: resource.current.averageValue ?? '0',
    },
    containerResource: containerResource && {
      name: containerResource.name,
      container: containerResource.container,
      ...defined({ currentAverageUtilization: containerResource.current.averageUtilization }),
      currentAverageValue: containerResource.current.averageValue ?? '0',
    },
    external: external && {
      metricName: external.metric.name,
      ...defined({ metricSelector: external.metric.selector, currentAverageValue: external.current.averageValue }),
      currentValue: external.current.value ?? '0',
    },
  });
}

export function statusFromV1({ type, object, pods, resource, containerResource, external }: Fields): MetricStatus {
  const usage = (fields: Fields): Fields => defined({ averageUtilization: fields['currentAverageUtilization'], averageValue: fields['currentAverageValue'] });
  return {
    type: String(type ?? ''),
    ...defined({
      object: object && {
        describedObject: object.target,
        metric: metricOf(object.metricName, object.selector),
        current: defined({ value: object.currentValue, averageValue: object.averageValue }),
      },
      pods: pods && { metric: metricOf(pods.metricName, pods.selector), current: defined({ averageValue: pods.currentAverageValue }) },
      resource: resource && { name: resource.name, current: usage(resource) },
      containerResource: containerResource && { name: containerResource.name, container: containerResource.container, current: usage(containerResource) },
      external: external && {
        metric: metricOf(external.metricName, external.metricSelector),
        current: defined({ value: external.currentValue, averageValue: external.currentAverageValue }),
      },
    }),
  };
}
