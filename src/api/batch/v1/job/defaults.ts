/** What a Job gets without asking, and the labels by which it finds its pods. */
import { setPodTemplateDefaults } from '../../../core/v1/podtemplate/defaults.ts';
import type { Job, JobSpec } from '../types.gen.ts';
import { controllerUidLabel, jobNameLabel, legacyControllerUidLabel, legacyJobNameLabel } from './labels.ts';

const maxInt32 = 2 ** 31 - 1;

/** Of a Job's spec, and of the one in a CronJob's template. */
export function setJobTemplateDefaults(spec: JobSpec): void {
  setPodTemplateDefaults(spec.template);
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
}

export function setJobDefaults(job: Job): void {
  const { spec, metadata } = job;
  setJobTemplateDefaults(spec);
  if (spec.parallelism === undefined) spec.completions ??= 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32;
  const labels = spec.template.metadata?.labels;
  // The same map, as upstream's: what is generated into the template shows up here too.
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = labels;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
}

/** Labels that the user set stay; validation refuses those that don't fit. */
export function generateSelector({ metadata, spec }: Job): void {
  if (spec.manualSelector) return;
  spec.template.metadata ??= {};
  const { name, uid = '' } = metadata;
  spec.template.metadata.labels ??= {};
  const { labels } = spec.template.metadata;
  const generated = { [legacyJobNameLabel]: name, [jobNameLabel]: name, [legacyControllerUidLabel]: uid, [controllerUidLabel]: uid };
  for (const [key, value] of Object.entries(generated)) labels[key] ??= value;
  spec.selector ??= {};
  spec.selector.matchLabels = { [controllerUidLabel]: uid, ...spec.selector.matchLabels };
}
