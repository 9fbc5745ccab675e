/** The pods of a Job: what is added to the template, and the finalizer that keeps an ended pod until it is counted. */
import { jobs } from '../../api/batch/v1/job.ts';
import type { Job } from '../../api/batch/v1/types.gen.ts';
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { controllerReference } from '../common/ownership.ts';
import { podFromTemplate } from '../common/podcontrol.ts';
import { indexAnnotation } from './indexes.ts';
import { judge } from './policy.ts';

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
const failuresAnnotation = 'batch.kubernetes.io/job-index-failure-count';
const ignoredAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count';
const indexVariable = 'JOB_COMPLETION_INDEX';
const maxGeneratedName = 58;

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed';
export const isTracked = ({ metadata }: Pod): boolean => (metadata.finalizers ?? []).includes(trackingFinalizer);
/** A pod that is being deleted still counts as running until it has ended. */
export const replacesOnlyFailed = ({ spec }: Job): boolean => spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;

export function isFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

const countOf = ({ metadata }: Pod, annotation: string): number => {
  const text = metadata.annotations?.[annotation] ?? '';
  return /^[0-9]+$/.test(text) ? Number(text) : 0;
};

export const indexFailures = (pod: Pod): number => countOf(pod, failuresAnnotation);
/** Ignored ones too. */
export const allIndexFailures = (pod: Pod): number => countOf(pod, failuresAnnotation) + countOf(pod, ignoredAnnotation);

/** Annotations of the pod that takes the place of `failed` for its index. */
function failureAnnotations(job: Job, failed: Pod | undefined): Record<string, string> {
  const counts = failed ? judge(job, failed).counts : false;
  const failures = failed ? indexFailures(failed) + Number(counts) : 0;
  const ignored = failed ? countOf(failed, ignoredAnnotation) + Number(!counts) : 0;
  return { [failuresAnnotation]: String(failures), ...(ignored > 0 ? { [ignoredAnnotation]: String(ignored) } : {}) };
}

function withIndexVariable(container: Container): Container {
  if (container.env?.some(({ name }) => name === indexVariable)) return container;
  const variable = { name: indexVariable, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } } };
  return { ...container, env: [...(container.env ?? []), variable] };
}

/** `index` for Indexed Jobs; `replaces` is the failed pod of that index, where failures are counted by index. */
export function newJobPod(job: Job, index?: number, replaces?: Pod): Pod {
  const pod = podFromTemplate(job.spec.template, job, controllerReference(job, jobs));
  const finalizers = pod.metadata.finalizers ?? [];
  pod.metadata.finalizers = finalizers.includes(trackingFinalizer) ? finalizers : [...finalizers, trackingFinalizer];
  if (index === undefined) return pod;
  const suffix = `-${index}-`;
  const byIndex = job.spec.backoffLimitPerIndex === undefined ? {} : failureAnnotations(job, replaces);
  return {
    metadata: {
      ...pod.metadata,
      generateName: `${job.metadata.name.slice(0, maxGeneratedName - suffix.length)}${suffix}`,
      labels: { ...pod.metadata.labels, [indexAnnotation]: String(index) },
      annotations: { ...pod.metadata.annotations, [indexAnnotation]: String(index), ...byIndex },
    },
    spec: {
      ...pod.spec,
      hostname: `${job.metadata.name}-${index}`,
      containers: pod.spec.containers.map(withIndexVariable),
      ...(pod.spec.initContainers ? { initContainers: pod.spec.initContainers.map(withIndexVariable) } : {}),
    },
  };
}

/** The strategic merge patch that takes the finalizer off this very pod. */
export const withoutTracking = ({ metadata }: Pod): object => ({ metadata: { uid: metadata.uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } });
