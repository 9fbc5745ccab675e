/** `resourceclaim-controller`: makes ResourceClaims from the templates that pods name, and gives devices back when their pods are done. */
import { isPodTerminal } from '../../api/core/v1/pod/helpers.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod, PodResourceClaim } from '../../api/core/v1/types.gen.ts';
import { resourceclaims } from '../../api/resource/v1/resourceclaim.ts';
import { resourceclaimtemplates } from '../../api/resource/v1/resourceclaimtemplate.ts';
import type { ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { controllerOf, keyOf } from '../../apimachinery/meta.ts';
import { sharedIndex } from '../common/ownership.ts';
import { trackOwnWrites } from '../common/writes.ts';
import { defineController } from '../controller.ts';
import { claimFromTemplate, claimNameFor, isOwnedBy, podClaimAnnotation } from './podclaims.ts';

const podPrefix = 'pod/';
const claimPrefix = 'claim/';
const finalizer = 'resource.kubernetes.io/delete-protection';
const ownerIndex = 'podOwner';

/** The kubelet is done with it: its devices are free. */
const isDone = (pod: Pod): boolean => isPodTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName);

export const resourceClaimController = defineController({
  name: 'resourceclaim-controller',
  identity: 'resource-claim-controller',
  eventSource: 'resource_claim',
  setup({ client, informers, events }, enqueue) {
    const pods = informers.informer(podKind);
    const claims = informers.informer(resourceclaims);
    const templates = informers.informer(resourceclaimtemplates);
    const podResource = client.resource(podKind);
    const claimResource = client.resource(resourceclaims);
    sharedIndex(claims, ownerIndex, (claim) => {
      const owner = controllerOf(claim);
      return owner?.kind === 'Pod' ? [owner.uid] : [];
    });
    const writes = trackOwnWrites(claims);

    const enqueuePod = (pod: Pod): void => {
      if (!pod.spec.resourceClaims?.length) return;
      enqueue(podPrefix + keyOf(pod));
      if (!isDone(pod)) return;
      for (const podClaim of pod.spec.resourceClaims) {
        const name = claimNameFor(pod, podClaim);
        if (name) enqueue(`${claimPrefix}${pod.metadata.namespace}/${name}`);
      }
    };
    pods.addHandlers({
      added: enqueuePod,
      updated: enqueuePod,
      deleted(pod) {
        for (const podClaim of pod.spec.resourceClaims ?? []) {
          const name = claimNameFor(pod, podClaim);
          if (name) enqueue(`${claimPrefix}${pod.metadata.namespace}/${name}`);
        }
      },
    });
    const enqueueClaim = (claim: ResourceClaim): void => enqueue(claimPrefix + keyOf(claim));
    claims.addHandlers({
      added: enqueueClaim,
      updated: enqueueClaim,
      deleted(claim) {
        const owner = controllerOf(claim);
        if (owner?.kind === 'Pod') enqueue(`${podPrefix}${claim.metadata.namespace}/${owner.name}`);
      },
    });
    templates.addHandlers({
      added(template) {
        const uses = ({ spec }: Pod): boolean => (spec.resourceClaims ?? []).some((one) => one.resourceClaimTemplateName === template.metadata.name);
        for (const pod of pods.list(template.metadata.namespace)) if (uses(pod)) enqueuePod(pod);
      },
    });

    /** Gives the name of a claim that was made, or found, for the pod; undefined when there is nothing to record. */
    async function ensureClaim(pod: Pod, podClaim: PodResourceClaim): Promise<string | undefined> {
      const namespace = pod.metadata.namespace ?? '';
      if (!podClaim.resourceClaimTemplateName) return undefined;
      const name = claimNameFor(pod, podClaim);
      if (name === null) return undefined;
      const own = writes.apply(claims.byIndex(ownerIndex, pod.metadata.uid ?? ''), (claim) => isOwnedBy(claim, pod));
      if (name !== undefined && own.some(({ metadata }) => metadata.name === name)) return undefined;
      // One that was made before the status could be written.
      const found = own.find(({ metadata }) => metadata.annotations?.[podClaimAnnotation] === podClaim.name && !metadata.deletionTimestamp);
      if (found) return found.metadata.name;
      const template = templates.get(namespace, podClaim.resourceClaimTemplateName);
      if (!template) {
        const missing = podClaim.resourceClaimTemplateName;
        throw new Error(`resource claim template "${missing}": resourceclaimtemplate.resource.k8s.io "${missing}" not found`);
      }
      const made = await claimResource.create(claimFromTemplate(pod, podClaim.name, template));
      writes.wrote(made);
      return made.metadata.name;
    }

    async function syncPod(key: string): Promise<void> {
      const pod = pods.getByKey(key);
      if (!pod || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return;
      const statuses: { name: string; resourceClaimName: string }[] = [];
      for (const podClaim of pod.spec.resourceClaims ?? []) {
        try {
          const resourceClaimName = await ensureClaim(pod, podClaim);
          if (resourceClaimName !== undefined) statuses.push({ name: podClaim.name, resourceClaimName });
        } catch (error) {
          const message = `PodResourceClaim ${podClaim.name}: ${(error as Error).message}`;
          events.event({ apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata }, 'Warning', 'FailedResourceClaimCreation', message);
          throw new Error(`pod ${key}, ${message}`, { cause: error });
        }
      }
      if (statuses.length === 0) return;
      const { namespace = '', name, uid } = pod.metadata;
      await podResource.patch(namespace, name, 'strategic', { metadata: { uid }, status: { resourceClaimStatuses: statuses } }, { subresource: 'status' });
    }

    /** Before devices are taken away the server is asked: the cache may lag. */
    async function stillUses(namespace: string, name: string, uid: string): Promise<boolean> {
      const seen = pods.get(namespace, name);
      if (seen) return seen.metadata.uid === uid && !isDone(seen);
      const current = await podResource.get(namespace, name).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      return current?.metadata.uid === uid;
    }

    async function syncClaim(key: string): Promise<void> {
      const claim = claims.getByKey(key);
      if (!claim) return;
      const namespace = claim.metadata.namespace ?? '';
      const reserved = claim.status?.reservedFor ?? [];
      const valid = await Promise.all(
        reserved.map(async ({ apiGroup, resource, name, uid }) => apiGroup || resource !== 'pods' || (await stillUses(namespace, name, uid))),
      );
      const remaining = reserved.filter((_one, index) => valid[index]);
      let current = claim;
      if (remaining.length < reserved.length) {
        // Devices go back as soon as nobody uses them, so that the next consumer is not tied to their node.
        const { allocation, reservedFor: _reserved, ...rest } = claim.status ?? {};
        const status = remaining.length > 0 ? { ...rest, allocation, reservedFor: remaining } : rest;
        current = await claimResource.updateStatus({ ...claim, status });
      }
      if (!current.status?.allocation && current.metadata.finalizers?.includes(finalizer)) {
        const finalizers = current.metadata.finalizers.filter((one) => one !== finalizer);
        current = await claimResource.update({ ...current, metadata: { ...current.metadata, finalizers } });
      }
      const owner = controllerOf(current);
      if (owner?.kind !== 'Pod' || current.metadata.deletionTimestamp) return;
      const pod = pods.get(namespace, owner.name);
      if (!pod || pod.metadata.uid !== owner.uid || !isDone(pod)) return;
      await claimResource.delete(namespace, current.metadata.name).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }

    return {
      reconcile: (key) => (key.startsWith(podPrefix) ? syncPod(key.slice(podPrefix.length)) : syncClaim(key.slice(claimPrefix.length))),
    };
  },
});
