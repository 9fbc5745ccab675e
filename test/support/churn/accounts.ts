/** That what is accounted for is what there is: quotas, addresses, ports, and the room on nodes. */
import type { ConfigMap, Node, Pod, ResourceQuota, Service } from '../../../src/api/core/v1/types.gen.ts';
import type { EndpointSlice } from '../../../src/api/discovery/v1/types.gen.ts';
import type { IPAddress } from '../../../src/api/networking/v1/types.gen.ts';
import { milliValue } from '../../../src/apimachinery/quantity.ts';
import { compare } from './compare.ts';
import type { Everything } from './everything.ts';

const ended = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';
/** In thousandths, as all amounts here. */
const requested = ({ spec }: Pod, resource: string): number =>
  spec.containers.reduce((sum, { resources }) => sum + milliValue(resources?.requests?.[resource] ?? '0'), 0);
const amount = (quantity: string | number | undefined): number => milliValue(quantity ?? '0');

export function quotaFindings(cluster: Everything, namespace: string): string[] {
  const count = (kind: string): number => cluster.of(kind, namespace).length;
  const pods = cluster.of<Pod>('Pod', namespace).filter((pod) => !ended(pod));
  const services = cluster.of<Service>('Service', namespace);
  const real: Record<string, number> = {
    pods: pods.length,
    'requests.cpu': pods.reduce((sum, pod) => sum + requested(pod, 'cpu'), 0),
    services: services.length,
    'services.nodeports': services.filter(({ spec }) => spec?.type === 'NodePort').length,
    configmaps: cluster.of<ConfigMap>('ConfigMap', namespace).length,
    'count/jobs.batch': count('Job'),
    'count/replicasets.apps': count('ReplicaSet'),
    'count/deployments.apps': count('Deployment'),
  };
  return cluster
    .of<ResourceQuota>('ResourceQuota', namespace)
    .flatMap((quota) =>
      compare(
        quota,
        Object.fromEntries(
          Object.entries(real).map(([name, expected]) => [
            `used ${name}`,
            [amount(quota.status?.used?.[name]), name === 'requests.cpu' ? expected : expected * 1_000],
          ]),
        ),
      ),
    );
}

const twice = (values: readonly (string | number)[]): (string | number)[] => values.filter((value, index) => values.indexOf(value) !== index);

export function networkFindings(cluster: Everything): string[] {
  const services = cluster.of<Service>('Service');
  const addresses = services.flatMap(({ spec }) => spec?.clusterIPs ?? []).filter((address) => address !== 'None');
  const ports = services.flatMap(({ spec }) => (spec?.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : [])));
  const records = cluster.of<IPAddress>('IPAddress');
  const slices = cluster.of<EndpointSlice>('EndpointSlice');
  return [
    ...twice(addresses).map((address) => `cluster address ${address} is given twice`),
    ...twice(ports).map((port) => `node port ${port} is given twice`),
    ...addresses.filter((address) => !records.some(({ metadata }) => metadata.name === address)).map((address) => `cluster address ${address} has no record`),
    ...records.flatMap((record) => {
      const { namespace, name } = record.spec?.parentRef ?? { name: '' };
      const owner = services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
      return owner?.spec?.clusterIPs?.includes(record.metadata.name)
        ? []
        : [`address ${record.metadata.name} is recorded for ${namespace}/${name}, which has it not`];
    }),
    ...services
      .filter(({ spec }) => spec?.selector)
      .flatMap((service) => {
        const { namespace = '', name } = service.metadata;
        const selected = Object.entries(service.spec?.selector ?? {});
        const pods = cluster.of<Pod>('Pod', namespace).filter((pod) => !ended(pod) && selected.every(([key, value]) => pod.metadata.labels?.[key] === value));
        const told = slices
          .filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.['kubernetes.io/service-name'] === name)
          .flatMap(({ endpoints }) => (endpoints ?? []).flatMap((endpoint) => endpoint.addresses));
        return compare(service, { endpoints: [told.sort(), pods.map(({ status }) => status?.podIP).sort()] });
      }),
  ];
}

export function nodeFindings(cluster: Everything): string[] {
  const pods = cluster.of<Pod>('Pod').filter((pod) => !ended(pod));
  return cluster.of<Node>('Node').flatMap((node) => {
    const own = pods.filter(({ spec }) => spec.nodeName === node.metadata.name);
    const { allocatable = {} } = node.status ?? {};
    const fits = (resource: string): boolean => own.reduce((sum, pod) => sum + requested(pod, resource), 0) <= amount(allocatable[resource]);
    const addresses = own.flatMap(({ status }) => status?.podIP ?? []);
    return compare(node, {
      'cpu suffices': [fits('cpu'), true],
      'memory suffices': [fits('memory'), true],
      'pods fit': [own.length * 1_000 <= amount(allocatable['pods']), true],
      'addresses given twice': [twice(addresses), []],
    });
  });
}
