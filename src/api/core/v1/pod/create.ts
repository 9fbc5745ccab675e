/** What the API server makes of a new pod before it validates it. */
import { deepEqual } from '../../../../apimachinery/equality.ts';
import { path } from '../../../../apimachinery/fieldpath.ts';
import type { LabelSelector } from '../../../../apimachinery/meta.ts';
import type { StrategyContext } from '../../../kind.ts';
import type { AppArmorProfile, Pod, PodAffinityTerm, PodTemplateSpec, VolumeProjection } from '../types.gen.ts';
import { podContainers, setPodCondition } from './conditions.ts';
import { computePodQOS } from './qos.ts';

type Labels = Readonly<Record<string, string>>;

/** Keys whose values are taken from the pod's own labels, at the time of creation. */
function addLabelKeys(selector: LabelSelector, keys: readonly string[] | undefined, operator: 'In' | 'NotIn', labels: Labels): void {
  for (const key of keys ?? []) {
    if (labels[key] === undefined) continue;
    selector.matchExpressions = [...(selector.matchExpressions ?? []), { key, operator, values: [labels[key]] }];
  }
}

function resolveAffinityTerm(term: PodAffinityTerm, labels: Labels): void {
  // A term without selector matches nothing, and stays so.
  if (!term.labelSelector) return;
  addLabelKeys(term.labelSelector, term.matchLabelKeys, 'In', labels);
  addLabelKeys(term.labelSelector, term.mismatchLabelKeys, 'NotIn', labels);
}

function resolveLabelKeys(pod: Pod): void {
  const labels = pod.metadata.labels ?? {};
  for (const affinity of [pod.spec.affinity?.podAffinity, pod.spec.affinity?.podAntiAffinity]) {
    for (const { podAffinityTerm } of affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) resolveAffinityTerm(podAffinityTerm, labels);
    for (const term of affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) resolveAffinityTerm(term, labels);
  }
  for (const constraint of pod.spec.topologySpreadConstraints ?? []) {
    if (constraint.labelSelector) addLabelKeys(constraint.labelSelector, constraint.matchLabelKeys, 'In', labels);
  }
}

export const appArmorAnnotationPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const localhostPrefix = 'localhost/';
const longestProfileName = 4095;

/** What the annotation of old says, as the field says it; undefined when it says nothing valid. */
export function appArmorProfileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (!annotation.startsWith(localhostPrefix)) return undefined;
  const localhostProfile = annotation.slice(localhostPrefix.length);
  const valid = localhostProfile !== '' && localhostProfile.trim() === localhostProfile && Buffer.byteLength(localhostProfile) <= longestProfileName;
  return valid ? { type: 'Localhost', localhostProfile } : undefined;
}

/** The field follows the annotation that it replaced (KEP-24). */
function applyAppArmorAnnotations(pod: Pod, context: StrategyContext): void {
  if (pod.spec.os?.name === 'windows') return;
  for (const { container } of podContainers(pod.spec)) {
    const key = appArmorAnnotationPrefix + container.name;
    const annotation = pod.metadata.annotations?.[key];
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
    const profile = appArmorProfileOf(annotation);
    const inherited = profile !== undefined && deepEqual(profile, pod.spec.securityContext?.appArmorProfile);
    if (inherited) continue;
    if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
    context.warn(`${path('metadata', 'annotations').key(key)}: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
}

const projections = (spec?: Pod['spec']): VolumeProjection[] => (spec?.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);

/** Fields of features that upstream has off unless they are asked for; whoever has one already keeps it. */
export function dropDisabledFields(spec: Pod['spec'], old?: Pod['spec']): void {
  if (!old?.schedulingGroup) delete spec.schedulingGroup;
  for (const field of ['clusterTrustBundle', 'podCertificate'] as const) {
    if (projections(old).some((source) => source[field])) continue;
    for (const source of projections(spec)) delete source[field];
  }
  const stopSignalInUse = old && [...podContainers(old)].some(({ container }) => container.lifecycle?.stopSignal !== undefined);
  if (stopSignalInUse) return;
  for (const { container } of podContainers(spec)) {
    if (container.lifecycle?.stopSignal === undefined) continue;
    delete container.lifecycle.stopSignal;
    if (!container.lifecycle.postStart && !container.lifecycle.preStop) delete container.lifecycle;
  }
}

/** The same of a template. */
export function dropDisabledTemplateFields(template: PodTemplateSpec | undefined, old?: PodTemplateSpec): void {
  if (template?.spec) dropDisabledFields(template.spec, old?.spec);
}

export function preparePodForCreate(pod: Pod, context: StrategyContext): void {
  dropDisabledFields(pod.spec);
  pod.status = { phase: 'Pending', qosClass: computePodQOS(pod) };
  if ((pod.spec.schedulingGates?.length ?? 0) > 0) {
    const message = 'Scheduling is blocked due to non-empty scheduling gates';
    setPodCondition(pod.status, { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message }, context.now);
  }
  resolveLabelKeys(pod);
  applyAppArmorAnnotations(pod, context);
}
