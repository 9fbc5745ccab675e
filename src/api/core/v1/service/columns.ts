import { ageColumn, labelsCell, nameColumn, textColumn, wideColumn } from '../../../columns.ts';
import type { Column } from '../../../kind.ts';
import type { Service, ServicePort } from '../types.gen.ts';

const portText = ({ port, nodePort, protocol }: ServicePort): string => (nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`);

function loadBalancerAddresses({ status }: Service): string[] {
  const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
  return [...new Set(addresses)].sort();
}

function externalAddress(service: Service): string {
  const { type, externalIPs = [], externalName = '' } = service.spec ?? {};
  switch (type) {
    case 'ClusterIP':
    case 'NodePort':
      return externalIPs.join(',') || '<none>';
    case 'LoadBalancer':
      return [...loadBalancerAddresses(service), ...externalIPs].join(',') || '<pending>';
    case 'ExternalName':
      return externalName;
    default:
      return '<unknown>';
  }
}

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  textColumn('Type', ({ spec }) => spec?.type ?? ''),
  textColumn('Cluster-IP', ({ spec }) => spec?.clusterIPs?.[0] ?? '<none>'),
  textColumn('External-IP', externalAddress),
  textColumn('Port(s)', ({ spec }) => (spec?.ports ?? []).map(portText).join(',') || '<none>'),
  ageColumn,
  wideColumn('Selector', ({ spec }) => labelsCell(spec?.selector)),
];
