import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupportedInOrder, path, required } from '../../../apimachinery/fieldpath.ts';
import { cidrContains, parseCidr, warningsForCidr } from '../../../apimachinery/ip.ts';
import { validatePortName, validatePortNumber } from '../../../apimachinery/names.ts';
import { formatLabelSelector, hasInvalidLabelValue, validateLabelSelector } from '../../../apimachinery/selectors.ts';
import { checked, validateLegacyCidrField } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from './types.gen.ts';

const protocols = ['TCP', 'UDP', 'SCTP'];
const policyTypes = ['Ingress', 'Egress'];

/** What is let pass because it stood before. */
interface Tolerance {
  cidrs: readonly string[];
  allowInvalidLabelValueInSelector: boolean;
}

interface Rule {
  at: FieldPath;
  peersAt: FieldPath;
  ports: readonly NetworkPolicyPort[];
  peers: readonly NetworkPolicyPeer[];
}

/** Rules of both directions as one list. */
function rulesOf({ spec }: NetworkPolicy): Rule[] {
  const at = path('spec');
  const ingress = (spec.ingress ?? []).map(({ ports = [], from = [] }, index) => {
    const ruleAt = at.child('ingress').index(index);
    return { at: ruleAt, peersAt: ruleAt.child('from'), ports, peers: from };
  });
  const egress = (spec.egress ?? []).map(({ ports = [], to = [] }, index) => {
    const ruleAt = at.child('egress').index(index);
    return { at: ruleAt, peersAt: ruleAt.child('to'), ports, peers: to };
  });
  return [...ingress, ...egress];
}

function setNetworkPolicyDefaults(policy: NetworkPolicy): void {
  const { spec } = policy;
  for (const { ports } of rulesOf(policy)) for (const port of ports) port.protocol ??= 'TCP';
  if ((spec.policyTypes?.length ?? 0) > 0) return;
  spec.policyTypes = (spec.egress?.length ?? 0) > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const endAt = at.child('endPort');
  if (protocol !== undefined && !protocols.includes(protocol)) errors.push(notSupportedInOrder(at.child('protocol'), protocol, protocols));
  if (typeof port === 'number') {
    errors.push(...checked(port, at.child('port'), validatePortNumber(port)));
    if (endPort === undefined) return errors;
    if (endPort < port) errors.push(invalidValue(endAt, port, 'must be greater than or equal to `port`'));
    return [...errors, ...checked(endPort, endAt, validatePortNumber(endPort))];
  }
  if (endPort !== undefined) {
    errors.push(invalidValue(endAt, endPort, `may not be specified when \`port\` is ${port === undefined ? 'not specified' : 'non-numeric'}`));
  }
  return port === undefined ? errors : [...errors, ...checked(port, at.child('port'), validatePortName(port))];
}

function validateIpBlock({ cidr, except = [] }: IPBlock, known: readonly string[], at: FieldPath): FieldError[] {
  if (!cidr) return [required(at.child('cidr'))];
  const errors = validateLegacyCidrField(cidr, at.child('cidr'), true, known);
  const whole = parseCidr(cidr);
  if (!whole) return errors;
  for (const [index, text] of except.entries()) {
    const exceptAt = at.child('except').index(index);
    errors.push(...validateLegacyCidrField(text, exceptAt, true, known));
    const part = parseCidr(text);
    if (part && (!cidrContains(whole, part.network) || whole.prefixLength >= part.prefixLength)) {
      errors.push(invalidValue(exceptAt, text, 'must be a strict subset of `cidr`'));
    }
  }
  return errors;
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, tolerance: Tolerance, at: FieldPath): FieldError[] {
  const errors = [
    ...validateLabelSelector(podSelector, tolerance, at.child('podSelector')),
    ...validateLabelSelector(namespaceSelector, tolerance, at.child('namespaceSelector')),
    ...(ipBlock ? validateIpBlock(ipBlock, tolerance.cidrs, at.child('ipBlock')) : []),
  ];
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(at, 'must specify a peer'));
  else if (ipBlock && (podSelector || namespaceSelector)) errors.push(forbiddenField(at, 'may not specify both ipBlock and another peer'));
  return errors;
}

const blocksOf = (policy: NetworkPolicy): IPBlock[] => rulesOf(policy).flatMap(({ peers }) => peers.flatMap(({ ipBlock }) => ipBlock ?? []));

function validatePolicy(policy: NetworkPolicy, old: NetworkPolicy | undefined): FieldError[] {
  const { podSelector, policyTypes: types = [] } = policy.spec;
  const tolerance: Tolerance = {
    cidrs: old ? blocksOf(old).flatMap(({ cidr, except = [] }) => [cidr, ...except]) : [],
    allowInvalidLabelValueInSelector: hasInvalidLabelValue(old?.spec.podSelector),
  };
  const errors = validateLabelSelector(podSelector, tolerance, path('spec', 'podSelector'));
  for (const { at, peersAt, ports, peers } of rulesOf(policy)) {
    errors.push(...ports.flatMap((port, index) => validatePort(port, at.child('ports').index(index))));
    errors.push(...peers.flatMap((peer, index) => validatePeer(peer, tolerance, peersAt.index(index))));
  }
  const typesAt = path('spec', 'policyTypes');
  if (types.length > policyTypes.length) return [...errors, invalidValue(typesAt, types, 'may not specify more than two policyTypes')];
  return [...errors, ...types.flatMap((type, index) => (policyTypes.includes(type) ? [] : [notSupportedInOrder(typesAt.index(index), type, policyTypes)]))];
}

function cidrWarnings(policy: NetworkPolicy): string[] {
  return rulesOf(policy).flatMap(({ peers, peersAt }) =>
    peers.flatMap(({ ipBlock }, index) => {
      if (!ipBlock) return [];
      const at = peersAt.index(index).child('ipBlock');
      const excepted = (ipBlock.except ?? []).flatMap((text, position) => warningsForCidr(at.child('except').index(position).toString(), text));
      return [...warningsForCidr(at.child('cidr').toString(), ipBlock.cidr), ...excepted];
    }),
  );
}

export const networkpolicies = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1.NetworkPolicy',
  hasGeneration: true,
  setDefaults: setNetworkPolicyDefaults,
  validate: (policy) => validatePolicy(policy, undefined),
  validateUpdate: validatePolicy,
  warnings: cidrWarnings,
  columns: [nameColumn, textColumn('Pod-Selector', ({ spec }) => formatLabelSelector(spec.podSelector ?? {})), ageColumn],
});
