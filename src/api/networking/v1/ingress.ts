import { warningsForIp } from '../../../apimachinery/ip.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { classAnnotation, validateClassAnnotation, validateIngress, validateIngressStatus } from './ingress/validation.ts';
import type { Ingress } from './types.gen.ts';

/** So many hosts are shown. */
const shownHosts = 3;
/** Addresses are cut at that width. */
const addressWidth = 16;

function hostsCell({ spec }: Ingress): string {
  const rules = spec.rules ?? [];
  const hosts: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (hosts.length === shownHosts) more = true;
    if (!more && host) hosts.push(host);
  }
  if (hosts.length === 0) return '*';
  return more ? `${hosts.join(',')} + ${rules.length - shownHosts} more...` : hosts.join(',');
}

function addressCell({ status }: Ingress): string {
  const addresses = new Set((status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []));
  const text = [...addresses].sort().join(',');
  return text.length > addressWidth ? `${text.slice(0, addressWidth - 3)}...` : text;
}

function classWarnings({ metadata, spec }: Ingress, old: Ingress | undefined): string[] {
  if (old || spec.ingressClassName !== undefined || metadata.annotations?.[classAnnotation] === undefined) return [];
  return [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`];
}

const addressWarnings = ({ status }: Ingress): string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, index) => (ip ? warningsForIp(`status.loadBalancer.ingress[${index}]`, ip) : []));

export const ingresses = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1.Ingress',
  hasGeneration: true,
  validate: (ingress) => [...validateIngress(ingress, undefined), ...validateClassAnnotation(ingress)],
  validateUpdate: validateIngress,
  warnings: classWarnings,
  columns: [
    nameColumn,
    textColumn('Class', ({ spec }) => spec.ingressClassName ?? '<none>'),
    textColumn('Hosts', hostsCell),
    textColumn('Address', addressCell),
    textColumn('Ports', ({ spec }) => ((spec.tls?.length ?? 0) > 0 ? '80, 443' : '80')),
    ageColumn,
  ],
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'], validateUpdate: validateIngressStatus, warnings: addressWarnings },
  },
});
