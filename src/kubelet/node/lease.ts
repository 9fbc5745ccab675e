/** The node's heartbeat: its Lease in kube-node-lease. Source of the rule: KEP-589. */
import { leases } from '../../api/coordination/v1/lease.ts';
import type { Lease } from '../../api/coordination/v1/types.gen.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../apimachinery/errors.ts';
import { microTimeOf } from '../../apimachinery/meta.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import { sleep } from '../runtime/pleg.ts';

const namespace = 'kube-node-lease';
/** So many renewals fit into the time after which the node counts as lost. */
const renewals = 4;

/** Renews until the kubelet stops. `nodeUid` gives the owner, once the node is registered. */
export async function keepLease(context: KubeletContext, nodeUid: () => string | undefined): Promise<void> {
  const { client, options, config, log, signal } = context;
  const durationSeconds = config.nodeLeaseDurationSeconds;
  const resource = client.resource(leases);
  const interval = (durationSeconds * 1000) / renewals;
  let current: Lease | undefined;

  async function renew(): Promise<void> {
    const spec = { holderIdentity: options.nodeName, leaseDurationSeconds: durationSeconds, renewTime: microTimeOf(context.now()) };
    const uid = nodeUid();
    const ownerReferences = uid ? [{ apiVersion: 'v1', kind: 'Node', name: options.nodeName, uid }] : undefined;
    current ??= await resource.get(namespace, options.nodeName).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (!current) {
      current = await resource.create({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: options.nodeName, namespace, ...(ownerReferences ? { ownerReferences } : {}) },
        spec,
      });
      return;
    }
    const metadata = ownerReferences && !current.metadata.ownerReferences?.length ? { ...current.metadata, ownerReferences } : current.metadata;
    current = await resource.update({ ...current, metadata, spec: { ...current.spec, ...spec } });
  }

  while (!signal.aborted) {
    let delay = interval * (1 + Math.random() * 0.04);
    try {
      await renew();
    } catch (error) {
      current = undefined;
      delay = isConflict(error) || isAlreadyExists(error) ? 50 : 1000;
      if (!signal.aborted) log.warn({ node: options.nodeName, err: messageOf(error) }, "renewing the node's lease failed");
    }
    await sleep(delay, signal);
  }
}
