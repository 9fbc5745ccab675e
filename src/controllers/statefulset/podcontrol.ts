/** Creates, repairs and deletes the pods of a StatefulSet together with their claims, and records events about it. */

import type { StatefulSet } from '../../api/apps/v1/types.gen.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/core/v1/types.gen.ts';
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts';
import type { ControllerContext } from '../controller.ts';
import { claimName, claimsOf, identityMatches, ordinalOf, storageMatches, withIdentity } from './identity.ts';
import { hasForeignController, isClaimOfEarlierPod, wantedOwners } from './retention.ts';

export interface StatefulPodControl {
  create(set: StatefulSet, pod: Pod): Promise<void>;
  /** Puts identity, volumes and the claims' owners right, where they are not. */
  repair(set: StatefulSet, pod: Pod): Promise<void>;
  delete(set: StatefulSet, pod: Pod): Promise<void>;
  /** Claims that vanished while the pod waits for them. */
  ensureClaims(set: StatefulSet, pod: Pod): Promise<void>;
  followRetention(set: StatefulSet, pod: Pod): Promise<void>;
  mustWaitForClaims(set: StatefulSet, pod: Pod): boolean;
}

export function createStatefulPodControl({ client, informers, events }: Pick<ControllerContext, 'client' | 'informers' | 'events'>): StatefulPodControl {
  const pods = client.resource(podKind);
  const claims = client.resource(persistentvolumeclaims);
  const claimInformer = informers.informer(persistentvolumeclaims);

  type Verb = 'Create' | 'Update' | 'Delete';
  function tell(verb: Verb, set: StatefulSet, pod: Pod, error?: unknown): void {
    const text = `${verb} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    if (error === undefined) events.event(set, 'Normal', `Successful${verb}`, `${text} successful`);
    else events.event(set, 'Warning', `Failed${verb}`, `${text} failed error: ${(error as Error).message}`);
  }

  async function told(verb: Verb, set: StatefulSet, pod: Pod, action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      tell(verb, set, pod, error);
      throw error;
    }
  }

  const existingClaims = (set: StatefulSet, pod: Pod): PersistentVolumeClaim[] =>
    (set.spec.volumeClaimTemplates ?? []).flatMap(
      (template) => claimInformer.get(set.metadata.namespace ?? '', claimName(set, template, ordinalOf(pod))) ?? [],
    );

  async function createClaims(set: StatefulSet, pod: Pod): Promise<void> {
    let failure: unknown;
    for (const claim of claimsOf(set, ordinalOf(pod))) {
      const { name, namespace = '' } = claim.metadata;
      const existing = claimInformer.get(namespace, name);
      if (existing) {
        if (existing.metadata.deletionTimestamp) failure = new Error(`pvc ${name} is being deleted`);
        continue;
      }
      const about = (outcome: string): string => `Create Claim ${name} ${outcome}`;
      try {
        await claims.create(claim);
        events.event(set, 'Normal', 'SuccessfulCreate', about(`Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} success`));
      } catch (error) {
        if (isAlreadyExists(error)) continue;
        const text = (error as Error).message;
        events.event(set, 'Warning', 'FailedCreate', about(`for Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} failed error: ${text}`));
        failure = new Error(`failed to create PVC ${name}: ${text}`, { cause: error });
      }
    }
    if (failure !== undefined) throw failure;
  }

  async function followRetention(set: StatefulSet, pod: Pod): Promise<void> {
    for (const claim of existingClaims(set, pod)) {
      const name = claim.metadata.name;
      if (hasForeignController(claim, set, pod)) {
        const message = `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
        events.event(set, 'Warning', 'ConflictingController', message);
      }
      const ownerReferences = wantedOwners(claim, set, pod);
      if (ownerReferences) await claims.update({ ...claim, metadata: { ...claim.metadata, ownerReferences } });
    }
  }

  return {
    followRetention,
    mustWaitForClaims: (set, pod) => existingClaims(set, pod).some((claim) => isClaimOfEarlierPod(claim, set, pod)),
    async create(set, pod) {
      await told('Create', set, pod, () => createClaims(set, pod));
      let created: Pod;
      try {
        created = await pods.create(pod);
      } catch (error) {
        // The cache is behind; the next turn sees it.
        if (!isAlreadyExists(error)) tell('Create', set, pod, error);
        throw error;
      }
      await told('Update', set, pod, () => followRetention(set, created));
      tell('Create', set, pod);
    },
    async repair(set, pod) {
      if (!storageMatches(set, pod)) await told('Update', set, pod, () => createClaims(set, pod));
      await told('Update', set, pod, () => followRetention(set, pod));
      if (identityMatches(set, pod) && storageMatches(set, pod)) return;
      await told('Update', set, pod, () => pods.update(withIdentity(set, pod)));
      tell('Update', set, pod);
    },
    async delete(set, pod) {
      await told('Delete', set, pod, async () => {
        try {
          await pods.delete(pod.metadata.namespace ?? '', pod.metadata.name, { preconditions: { uid: pod.metadata.uid } });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      });
      tell('Delete', set, pod);
    },
    async ensureClaims(set, pod) {
      await createClaims(set, pod);
      await told('Update', set, pod, () => followRetention(set, pod));
    },
  };
}
