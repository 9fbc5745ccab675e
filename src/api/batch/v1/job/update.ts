/** What may change of a Job. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, path } from '../../../../apimachinery/fieldpath.ts';
import { validateImmutable } from '../../../../apimachinery/validation/common.ts';
import type { Container, PodSpec, PodTemplateSpec } from '../../../core/v1/types.gen.ts';
import { internalValue, selectorValue } from '../../../internalvalue.ts';
import type { Job, JobSpec } from '../types.gen.ts';
import { isConditionTrue } from './conditions.ts';
import { validateJobSpecBody, validateSelector } from './validation.ts';

function validateCompletions(spec: JobSpec, old: JobSpec): FieldError[] {
  const at = path('spec', 'completions');
  if (spec.completionMode !== 'Indexed') return validateImmutable(spec.completions, old.completions, at);
  if (spec.completions === undefined || spec.completions === old.completions || spec.completions === spec.parallelism) return [];
  return [invalidValue(at, spec.completions, 'can only be modified in tandem with spec.parallelism')];
}

/** Where pods go may change as long as none runs. */
function withSchedulingOf(old: PodTemplateSpec, { metadata, spec }: PodTemplateSpec): PodTemplateSpec {
  const { nodeAffinity, ...otherAffinity } = old.spec?.affinity ?? {};
  const wanted = spec?.affinity?.nodeAffinity;
  const affinity = { ...otherAffinity, ...(wanted ? { nodeAffinity: wanted } : {}) };
  const kept = spec?.affinity !== undefined || Object.keys(otherAffinity).length > 0;
  const changed: Record<string, unknown> = {
    ...old.spec,
    affinity: kept ? affinity : undefined,
    nodeSelector: spec?.nodeSelector,
    tolerations: spec?.tolerations,
    schedulingGates: spec?.schedulingGates,
  };
  return {
    ...old,
    metadata: { ...old.metadata, ...definedOnly({ annotations: metadata?.annotations, labels: metadata?.labels }) },
    spec: definedOnly(changed) as unknown as PodSpec,
  };
}

const definedOnly = (object: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/** So may what containers ask for. */
function withResourcesOf(old: PodSpec, spec: PodSpec): PodSpec {
  const merged = (before: readonly Container[] = [], after: readonly Container[] = []): Container[] =>
    before.map((container, index) => {
      const changed = after[index];
      if (before.length !== after.length || changed?.name !== container.name) return container;
      const { resources: _, ...rest } = container;
      return { ...rest, ...(changed.resources ? { resources: changed.resources } : {}) };
    });
  return {
    ...old,
    containers: merged(old.containers, spec.containers),
    ...(old.initContainers ? { initContainers: merged(old.initContainers, spec.initContainers) } : {}),
  };
}

function validateTemplateChange({ spec }: Job, old: Job): FieldError[] {
  const suspended = old.spec.suspend === true;
  const idle = (!old.status?.startTime || isConditionTrue(old, 'Suspended')) && (old.status?.active ?? 0) === 0;
  const at = path('spec', 'template');
  const before = suspended && idle ? withSchedulingOf(old.spec.template, spec.template) : old.spec.template;
  if (!suspended || !idle || !before.spec || !spec.template.spec) return validateImmutable(spec.template, before, at);
  const beforeSpec = withResourcesOf(before.spec, spec.template.spec);
  return semanticEqual(spec.template.spec, beforeSpec) ? [] : validateImmutable(spec.template.spec, beforeSpec, at.child('spec'));
}

const fixed = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;

/** As upstream prints what may not change. */
const shown: Partial<Record<(typeof fixed)[number], (value: object) => unknown>> = {
  podFailurePolicy: (policy) => internalValue('io.k8s.api.batch.v1.PodFailurePolicy', policy),
  successPolicy: (policy) => internalValue('io.k8s.api.batch.v1.SuccessPolicy', policy),
};

export function validateJobChange(job: Job, old: Job): FieldError[] {
  const at = path('spec');
  return [
    // Upstream judges the spec a second time here, and reports what is wrong with it twice.
    ...validateJobSpecBody(job.spec, old.spec, at),
    ...validateSelector(job.spec, old.spec, at),
    ...validateCompletions(job.spec, old.spec),
    ...validateImmutable(job.spec.selector, old.spec.selector, at.child('selector'), selectorValue),
    ...validateTemplateChange(job, old),
    ...fixed.flatMap((field) => validateImmutable(job.spec[field], old.spec[field], path('spec', field), shown[field])),
  ];
}
