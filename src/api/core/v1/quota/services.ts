/** What services use of a quota. */
import { quantityOf } from '../../../../apimachinery/quantity.ts';
import { services } from '../service.ts';
import type { Service } from '../types.gen.ts';
import { none, one } from './amounts.ts';
import { countName, type QuotaEvaluator } from './evaluator.ts';

const counted: ReadonlySet<string> = new Set([countName(services), 'services', 'services.nodeports', 'services.loadbalancers']);

/** Node ports are allocated after admission: what counts is what will be. */
function nodePorts({ spec }: Service): number {
  const ports = spec?.ports ?? [];
  if (spec?.type === 'NodePort') return ports.length;
  if (spec?.type !== 'LoadBalancer') return 0;
  return spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort).length : ports.length;
}

export const serviceQuota: QuotaEvaluator<Service> = {
  definition: services,
  handles: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  matching: (names) => names.filter((name) => counted.has(name)),
  usage: (service) => ({
    [countName(services)]: one,
    services: one,
    'services.nodeports': quantityOf(nodePorts(service)),
    'services.loadbalancers': service.spec?.type === 'LoadBalancer' ? one : none,
  }),
};
