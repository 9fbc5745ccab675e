/** Makes real what `find.ts` found: points volumes at claims, asks for volumes to be made, and waits until all are bound. */

import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.gen.ts';
import { isFullyBound, selectedNode, volumeFitsNode, withClaimRef } from '../../api/core/v1/volumes.ts';
import { isConflict } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import type { Client } from '../../client/client.ts';
import type { Reservation } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import { type AssumedReader, isOlder } from './assumed.ts';
import type { FoundVolumes } from './find.ts';

export interface VolumeBinder {
  /** Takes the volumes in the scheduler's own view; nothing is written yet. Undefined when there is nothing to do. */
  reserve(pod: Pod, node: NodeInfo, found: FoundVolumes): Reservation | undefined;
}

export interface VolumeBinderOptions {
  client: Client;
  claims: AssumedReader<PersistentVolumeClaim>;
  volumes: AssumedReader<PersistentVolume>;
  podExists(pod: Pod): boolean;
  /** Resolves when a claim or a volume changed, or the signal aborted. */
  changed(signal: AbortSignal): Promise<void>;
  /** Milliseconds; upstream waits ten minutes. */
  timeoutMs?: number;
}

export function createVolumeBinder({ client, claims, volumes, podExists, changed, timeoutMs = 600_000 }: VolumeBinderOptions): VolumeBinder {
  const claimClient = client.resource(persistentvolumeclaims);
  const volumeClient = client.resource(persistentvolumes);

  /** Whether all are bound; throws when it will not come to that. */
  function check(
    pod: Pod,
    node: NodeInfo,
    bindings: readonly { volume: PersistentVolume; claim: PersistentVolumeClaim }[],
    provisions: readonly PersistentVolumeClaim[],
  ): boolean {
    if (!podExists(pod)) throw new Error('pod does not exist any more');
    for (const { volume, claim } of bindings) {
      const seen = volumes.observed(keyOf(volume));
      const seenClaim = claims.observed(keyOf(claim));
      if (!seen || !seenClaim) throw new Error(`failed to check binding: ${keyOf(seen ? claim : volume)} not found`);
      if (isOlder(seen, volume)) return false;
      if (!volumeFitsNode(seen, node)) throw new Error(`pv "${keyOf(seen)}" node affinity doesn't match node "${node.name}"`);
      if (!seen.spec.claimRef?.uid) throw new Error(`ClaimRef got reset for pv "${keyOf(seen)}"`);
      if (!isFullyBound(seenClaim)) return false;
    }
    for (const claim of provisions) {
      const seen = claims.observed(keyOf(claim));
      if (!seen) throw new Error(`failed to check provisioning pvc: ${keyOf(claim)} not found`);
      if (isOlder(seen, claim)) return false;
      // A provisioner that failed takes the annotation away: another node may do.
      if (seen.metadata.annotations?.[selectedNode] !== node.name) throw new Error(`provisioning failed for PVC "${seen.metadata.name}"`);
      const volume = seen.spec.volumeName ? volumes.observed(seen.spec.volumeName) : undefined;
      if (volume && !volumeFitsNode(volume, node)) throw new Error(`pv "${keyOf(volume)}" node affinity doesn't match node "${node.name}"`);
      if (!isFullyBound(seen)) return false;
    }
    return true;
  }

  /** Another pod with the same claim may have written the same a moment before; that is as good. */
  async function claimVolume(volume: PersistentVolume): Promise<PersistentVolume> {
    try {
      return await volumeClient.update(volume);
    } catch (error) {
      if (!isConflict(error)) throw error;
      const current = await volumeClient.get('', volume.metadata.name);
      if (current.spec.claimRef?.uid !== volume.spec.claimRef?.uid) throw error;
      return current;
    }
  }

  async function selectNode(claim: PersistentVolumeClaim, nodeName: string): Promise<PersistentVolumeClaim> {
    try {
      return await claimClient.update(claim);
    } catch (error) {
      if (!isConflict(error)) throw error;
      const current = await claimClient.get(claim.metadata.namespace ?? '', claim.metadata.name);
      const chosen = current.metadata.annotations?.[selectedNode];
      if (chosen === nodeName) return current;
      if (chosen !== undefined || current.spec.volumeName || current.metadata.uid !== claim.metadata.uid) throw error;
      const annotations = { ...current.metadata.annotations, [selectedNode]: nodeName };
      return claimClient.update({ ...current, metadata: { ...current.metadata, annotations } });
    }
  }

  return {
    reserve(pod, node, found) {
      if (found.bindings.length === 0 && found.provisions.length === 0) return undefined;
      const bindings = found.bindings.map(({ volume, claim }) => ({ volume: withClaimRef(volume, claim), claim }));
      const provisions = found.provisions.map((claim) => {
        const clone = structuredClone(claim);
        clone.metadata.annotations = { ...clone.metadata.annotations, [selectedNode]: node.name };
        return clone;
      });
      for (const { volume } of bindings) volumes.assume(volume);
      for (const claim of provisions) claims.assume(claim);
      const unwritten = { volumes: new Set(bindings.map(({ volume }) => keyOf(volume))), claims: new Set(provisions.map(keyOf)) };
      return {
        plugin: 'VolumeBinding',
        async prepare(signal) {
          for (const binding of bindings) {
            binding.volume = await claimVolume(binding.volume);
            unwritten.volumes.delete(keyOf(binding.volume));
          }
          for (const [index, claim] of provisions.entries()) {
            provisions[index] = await selectNode(claim, node.name);
            unwritten.claims.delete(keyOf(claim));
          }
          const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
          while (!check(pod, node, bindings, provisions)) {
            if (until.aborted) throw new Error('binding volumes: context deadline exceeded');
            await changed(until);
          }
        },
        release() {
          for (const key of unwritten.volumes) volumes.restore(key);
          for (const key of unwritten.claims) claims.restore(key);
        },
      };
    },
  };
}
