/** What is allowed in a pod's spec but does not do what one may think. Source of the rule: upstream's `api/pod` warnings. */
import { deepEqual } from '../../../../apimachinery/equality.ts';
import { FieldPath, quote } from '../../../../apimachinery/fieldpath.ts';
import { warningsForIp } from '../../../../apimachinery/ip.ts';
import { nodeLabelDeprecation, nodeTermWarnings } from '../node/labelwarnings.ts';
import { podContainers } from '../pod/conditions.ts';
import { appArmorAnnotationPrefix, appArmorProfileOf } from '../pod/create.ts';
import { fractionWarning } from '../resourcewarnings.ts';
import type { Container, EphemeralContainer, Pod, PodAffinity, PodSpec, PodTemplateSpec } from '../types.gen.ts';
import { portWarnings } from './warnings/ports.ts';
import { volumeWarnings } from './warnings/volumes.ts';

type Annotations = Readonly<Record<string, string>>;

const oldAnnotations = Object.entries({
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
});
const noSeccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead';
const noSelector = 'a null labelSelector results in matching no pod';
/** Resources that are counted in bytes. */
const bytes = ['memory', 'ephemeral-storage'];
const levels = ['limits', 'requests'] as const;
const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';

function nodeWarnings({ nodeSelector = {}, affinity, topologySpreadConstraints = [] }: PodSpec, path: FieldPath): string[] {
  const at = path.child('affinity', 'nodeAffinity');
  const { [required]: needed, [preferred]: wanted = [] } = affinity?.nodeAffinity ?? {};
  return [
    ...Object.keys(nodeSelector).flatMap((label) => {
      const why = nodeLabelDeprecation(label);
      return why ? `${path.child('nodeSelector').key(label)}: ${why}` : [];
    }),
    ...(needed?.nodeSelectorTerms ?? []).flatMap((term, index) => nodeTermWarnings(term, false, at.child(required, 'nodeSelectorTerms').index(index))),
    ...wanted.flatMap(({ preference }, index) => nodeTermWarnings(preference, true, at.child(preferred).index(index).child('preference'))),
    ...topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, index) => {
      const one = path.child('topologySpreadConstraints').index(index);
      const why = nodeLabelDeprecation(topologyKey);
      return [
        ...(why ? [`${one.child('topologyKey')}: ${topologyKey} is ${why}`] : []),
        ...(labelSelector ? [] : [`${one.child('labelSelector')}: ${noSelector}`]),
      ];
    }),
  ];
}

function duplicates(values: readonly string[], what: string, list: FieldPath, field: string): string[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? `${list.index(index).child(field)}: duplicate ${what} ${quote(value)}` : []));
}

/** A variable that is set again, without use of what it was. */
function envWarnings({ env = [] }: Container | EphemeralContainer, at: FieldPath): string[] {
  const seen = new Set<string>();
  return env.flatMap(({ name, value = '', valueFrom }, index) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const reference = `$(${name})`;
    const builds = !valueFrom && value !== reference && value.includes(reference);
    return builds ? [] : `${at.child('env').index(index)}: hides previous definition of ${quote(name)}, which may be dropped when using apply`;
  });
}

function containerWarnings(spec: PodSpec, annotations: Annotations, isTemplate: boolean, meta: FieldPath, path: FieldPath): string[] {
  const warnings: string[] = [];
  for (const { container, type, index } of podContainers(spec)) {
    const at = path.child(type).index(index);
    const { name, securityContext, resources } = container;
    const seccomp = `container.seccomp.security.alpha.kubernetes.io/${name}`;
    if (!securityContext?.seccompProfile && annotations[seccomp] !== undefined) warnings.push(`${meta.key(seccomp)}: ${noSeccomp}`);
    const appArmor = appArmorAnnotationPrefix + name;
    const profile = annotations[appArmor];
    if (isTemplate && !securityContext?.appArmorProfile && profile !== undefined) {
      const inherited = spec.securityContext?.appArmorProfile;
      const same = inherited && deepEqual(inherited, appArmorProfileOf(profile));
      if (!same) warnings.push(`${meta.key(appArmor)}: deprecated since v1.30; use the "appArmorProfile" field instead`);
    }
    for (const resource of bytes) {
      for (const level of levels) {
        const amount = resources?.[level]?.[resource];
        if (amount !== undefined) warnings.push(...fractionWarning(amount, at.child('resources', level).key(resource)));
      }
    }
    if (container.env) warnings.push(...envWarnings(container, at));
  }
  return warnings;
}

function affinityWarnings(affinity: PodAffinity | undefined, path: FieldPath): string[] {
  const { [required]: needed = [], [preferred]: wanted = [] } = affinity ?? {};
  return [
    ...needed.flatMap(({ labelSelector }, index) => (labelSelector ? [] : `${path.child(required).index(index).child('labelSelector')}: ${noSelector}`)),
    ...wanted.flatMap(({ podAffinityTerm }, index) => {
      const at = path.child(preferred).index(index).child('podAffinityTerm', 'labelSelector');
      return podAffinityTerm.labelSelector ? [] : `${at}: ${noSelector}`;
    }),
  ];
}

function specWarnings(spec: PodSpec, annotations: Annotations, isTemplate: boolean, root: FieldPath): string[] {
  const path = root.child('spec');
  const meta = root.child('metadata', 'annotations');
  const { hostAliases = [], imagePullSecrets = [], overhead, affinity, dnsConfig } = spec;
  const secrets = path.child('imagePullSecrets');
  const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod';
  const warnings = spec.nodeSelector || affinity?.nodeAffinity || spec.topologySpreadConstraints ? nodeWarnings(spec, path) : [];
  for (const [key, why] of oldAnnotations) if (annotations[key] !== undefined) warnings.push(`${meta.key(key)}: ${why}`);
  if (spec.volumes) warnings.push(...volumeWarnings(spec.volumes, path.child('volumes')));
  const addresses = hostAliases.map(({ ip }) => ip);
  const names = imagePullSecrets.map(({ name }) => name ?? '');
  warnings.push(...duplicates(addresses, 'ip', path.child('hostAliases'), 'ip'), ...duplicates(names, 'name', secrets, 'name'));
  for (const [index, name] of names.entries()) if (name === '') warnings.push(`${secrets.index(index).child('name')}: invalid empty name ""`);
  if (overhead) for (const resource of bytes) warnings.push(...fractionWarning(overhead[resource], path.child('overhead').key(resource)));
  if (!spec.securityContext?.seccompProfile && annotations[podSeccomp] !== undefined) warnings.push(`${meta.key(podSeccomp)}: ${noSeccomp}`);
  warnings.push(...containerWarnings(spec, annotations, isTemplate, meta, path), ...portWarnings(spec, path));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warnings.push(`${path.child('terminationGracePeriodSeconds')}: must be >= 0; negative values are invalid and will be treated as 1`);
  }
  if (affinity)
    for (const field of ['podAffinity', 'podAntiAffinity'] as const) warnings.push(...affinityWarnings(affinity?.[field], path.child('affinity', field)));
  const servers = path.child('dnsConfig', 'nameservers');
  for (const [index, address] of (dnsConfig?.nameservers ?? []).entries()) warnings.push(...warningsForIp(servers.index(index).toString(), address));
  for (const [index, address] of addresses.entries()) warnings.push(...warningsForIp(path.child('hostAliases').index(index).child('ip').toString(), address));
  return warnings;
}

export const podWarnings = ({ spec, metadata }: Pod): string[] => specWarnings(spec, metadata.annotations ?? {}, false, new FieldPath());

/** `path` is that of the template, e.g. `spec.template`. */
export const podTemplateWarnings = (template: PodTemplateSpec | undefined, path: FieldPath): string[] =>
  template ? specWarnings(template.spec, template.metadata?.annotations ?? {}, true, path) : [];
