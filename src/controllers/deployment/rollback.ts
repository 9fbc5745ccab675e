/** Going back to an earlier template, as extensions/v1beta1 asked for it by annotation. (kubectl writes the old template itself.) */
import { deployments } from '../../api/apps/v1/deployment.ts';
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.gen.ts';
import type { ControllerContext } from '../controller.ts';
import { lastRevision, parseRevision, revisionOf, rollbackAnnotation, rolledBackAnnotations } from './annotations.ts';
import { hashLabel, sameTemplate } from './replicas.ts';

function without(record: Record<string, string> | undefined, key: string): Record<string, string> {
  const { [key]: _, ...rest } = record ?? {};
  return rest;
}

export async function rollBack(
  { client, events }: Pick<ControllerContext, 'client' | 'events'>,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): Promise<void> {
  const resource = client.resource(deployments);
  const name = deployment.metadata.name;
  const write = async (changed: Deployment): Promise<void> => {
    const annotations = without(changed.metadata.annotations, rollbackAnnotation);
    await resource.update({ ...changed, metadata: { ...changed.metadata, annotations } });
  };

  const revision = parseRevision(deployment.metadata.annotations?.[rollbackAnnotation]) || lastRevision(sets);
  const set = revision === 0n ? undefined : sets.find((one) => revisionOf(one) === revision);
  if (!set) {
    const message = revision === 0n ? 'Unable to find last revision.' : 'Unable to find the revision to rollback to.';
    events.event(deployment, 'Warning', 'DeploymentRollbackRevisionNotFound', message);
    return write(deployment);
  }
  const template = set.spec.template;
  if (!template || sameTemplate(deployment.spec.template, template)) {
    events.event(
      deployment,
      'Warning',
      'DeploymentRollbackTemplateUnchanged',
      `The rollback revision contains the same template as current deployment "${name}"`,
    );
    return write(deployment);
  }
  await write({
    ...deployment,
    metadata: { ...deployment.metadata, annotations: rolledBackAnnotations(deployment, set) },
    spec: {
      ...deployment.spec,
      template: { ...template, metadata: { ...(template.metadata ?? { name: '' }), labels: without(template.metadata?.labels, hashLabel) } },
    },
  });
  events.event(deployment, 'Normal', 'DeploymentRollback', `Rolled back deployment "${name}" to revision ${revision}`);
}
