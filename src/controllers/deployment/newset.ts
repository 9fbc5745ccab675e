/** The ReplicaSet of the current template: found and kept up to date, or created. */
import { deployments } from '../../api/apps/v1/deployment.ts';
import { replicasets } from '../../api/apps/v1/replicaset.ts';
import type { Deployment, DeploymentCondition, ReplicaSet } from '../../api/apps/v1/types.gen.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { isAlreadyExists } from '../../apimachinery/errors.ts';
import { findCondition, withCondition } from '../common/conditions.ts';
import { controllerReference, isControlledBy } from '../common/ownership.ts';
import { isNamespaceTerminating } from '../common/podcontrol.ts';
import { templateHash } from '../common/templatehash.ts';
import type { ControllerContext } from '../controller.ts';
import { maxRevision, newSetAnnotations, revisionAnnotation, sizeAnnotations } from './annotations.ts';
import { findNew, hashLabel, newSetReplicas, progressDeadline, sameTemplate } from './replicas.ts';
import { condition } from './status.ts';

/** The Deployment as it was written last, and its sets. */
export interface Sets {
  deployment: Deployment;
  newSet?: ReplicaSet;
  oldSets: ReplicaSet[];
}

export interface NewSets {
  /** Brings the revision up to date; `create`: makes the new set where there is none. */
  sync(deployment: Deployment, sets: readonly ReplicaSet[], create: boolean): Promise<Sets>;
}

const maxNameLength = 253;

export function createNewSets({ client, events, now }: Pick<ControllerContext, 'client' | 'events' | 'now'>): NewSets {
  const deploymentClient = client.resource(deployments);
  const setClient = client.resource(replicasets);

  /** Writes the revision and the condition where they differ. */
  async function note(deployment: Deployment, revision: string | undefined, progressing: DeploymentCondition | undefined): Promise<Deployment> {
    const sameRevision = revision === undefined || deployment.metadata.annotations?.[revisionAnnotation] === revision;
    if (sameRevision && !progressing) return deployment;
    const annotations = { ...deployment.metadata.annotations, ...(revision === undefined ? {} : { [revisionAnnotation]: revision }) };
    return deploymentClient.updateStatus({
      ...deployment,
      metadata: { ...deployment.metadata, annotations },
      status: { ...deployment.status, ...(progressing ? { conditions: withCondition(deployment.status?.conditions, progressing) } : {}) },
    });
  }

  async function keep(deployment: Deployment, found: ReplicaSet, oldSets: ReplicaSet[]): Promise<Sets> {
    const annotations = newSetAnnotations(deployment, found.metadata.annotations, maxRevision(oldSets) + 1n);
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    if (!semanticEqual(annotations, found.metadata.annotations ?? {}) || (found.spec.minReadySeconds ?? 0) !== minReadySeconds) {
      const newSet = await setClient.update({ ...found, metadata: { ...found.metadata, annotations }, spec: { ...found.spec, minReadySeconds } });
      return { deployment, newSet, oldSets };
    }
    const isNew = progressDeadline(deployment) !== undefined && !findCondition(deployment.status?.conditions, 'Progressing');
    const foundCondition = condition('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${found.metadata.name}"`, now());
    return { deployment: await note(deployment, annotations[revisionAnnotation], isNew ? foundCondition : undefined), newSet: found, oldSets };
  }

  function compose(deployment: Deployment, oldSets: readonly ReplicaSet[], revision: bigint): ReplicaSet {
    const { template, selector, minReadySeconds } = deployment.spec;
    const hash = templateHash(template, deployment.status?.collisionCount);
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const name = `${deployment.metadata.name.slice(0, maxNameLength - hash.length - 1)}-${hash}`;
    return {
      metadata: {
        name,
        namespace: deployment.metadata.namespace,
        labels,
        annotations: { ...newSetAnnotations(deployment, undefined, revision), ...sizeAnnotations(deployment) },
        ownerReferences: [controllerReference(deployment, deployments)],
      },
      spec: {
        replicas: newSetReplicas(deployment, oldSets, 0),
        ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...(template.metadata ?? { name: '' }), labels } },
      },
    };
  }

  /** The name is taken: by the same thing after all, or by another template with the same hash. */
  async function collide(deployment: Deployment, wanted: ReplicaSet, error: unknown): Promise<ReplicaSet> {
    const existing = await setClient.get(wanted.metadata.namespace ?? '', wanted.metadata.name);
    if (isControlledBy(existing, deployment) && sameTemplate(existing.spec.template, deployment.spec.template)) return existing;
    await deploymentClient.updateStatus({ ...deployment, status: { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 } });
    throw error;
  }

  async function create(deployment: Deployment, oldSets: ReplicaSet[]): Promise<Sets> {
    const revision = maxRevision(oldSets) + 1n;
    const wanted = compose(deployment, oldSets, revision);
    const deadline = progressDeadline(deployment);
    let newSet: ReplicaSet;
    try {
      newSet = await setClient.create(wanted);
    } catch (error) {
      if (isAlreadyExists(error)) {
        newSet = await collide(deployment, wanted, error);
        return { deployment: await note(deployment, String(revision), undefined), newSet, oldSets };
      }
      if (isNamespaceTerminating(error)) throw error;
      const message = `Failed to create new replica set "${wanted.metadata.name}": ${(error as Error).message}`;
      events.event(deployment, 'Warning', 'ReplicaSetCreateError', message);
      if (deadline !== undefined) await note(deployment, undefined, condition('Progressing', 'False', 'ReplicaSetCreateError', message, now())).catch(() => {});
      throw error;
    }
    const size = newSet.spec.replicas ?? 0;
    if (size > 0) events.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${newSet.metadata.name} from 0 to ${size}`);
    const created = condition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${newSet.metadata.name}"`, now());
    return { deployment: await note(deployment, String(revision), deadline === undefined ? undefined : created), newSet, oldSets };
  }

  return {
    async sync(deployment, sets, createIfAbsent) {
      const found = findNew(deployment, sets);
      const oldSets = sets.filter((set) => set !== found);
      if (found) return keep(deployment, found, oldSets);
      return createIfAbsent ? create(deployment, oldSets) : { deployment, oldSets };
    },
  };
}
