/** The pod in a pod, and the pod template in what makes pods. */
import { daemonsets } from '../../../api/apps/v1/daemonset.ts';
import { deployments } from '../../../api/apps/v1/deployment.ts';
import { replicasets } from '../../../api/apps/v1/replicaset.ts';
import { statefulsets } from '../../../api/apps/v1/statefulset.ts';
import { cronjobs } from '../../../api/batch/v1/cronjob.ts';
import { jobs } from '../../../api/batch/v1/job.ts';
import type { CronJob } from '../../../api/batch/v1/types.gen.ts';
import { podtemplates } from '../../../api/core/v1/podtemplate.ts';
import { replicationcontrollers } from '../../../api/core/v1/replicationcontroller.ts';
import type { Pod, PodTemplate, PodTemplateSpec } from '../../../api/core/v1/types.gen.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import type { PodLike } from './check.ts';

const key = ({ group, plural }: KindDefinition): string => `${group}/${plural}`;
const ofWorkload = (object: KubeObject): PodTemplateSpec | undefined => (object as { spec?: { template?: PodTemplateSpec } }).spec?.template;

const templates: ReadonlyMap<string, (object: KubeObject) => PodTemplateSpec | undefined> = new Map([
  [key(podtemplates), (object: KubeObject) => (object as PodTemplate).template],
  [key(cronjobs), (object: KubeObject) => (object as CronJob).spec?.jobTemplate?.spec?.template],
  ...[replicationcontrollers, replicasets, deployments, statefulsets, daemonsets, jobs].map((kind) => [key(kind), ofWorkload] as const),
]);

export const makesPods = (definition: KindDefinition): boolean => templates.has(key(definition));

export const podLike = ({ metadata, spec }: Pod): PodLike => ({ annotations: metadata.annotations ?? {}, spec });

/** Undefined when the object has no template (a replication controller may). */
export function templateOf(definition: KindDefinition, object: KubeObject): PodLike | undefined {
  const template = templates.get(key(definition))?.(object);
  return template?.spec && { annotations: template.metadata?.annotations ?? {}, spec: template.spec };
}
