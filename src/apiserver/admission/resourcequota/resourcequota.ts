/** Charges what is created to the quotas of its namespace before it is written, so that no two writes get the same last piece. */

import { namespaces } from '../../../api/core/v1/namespace.ts';
import { quotaEvaluatorFor } from '../../../api/core/v1/quota/quota.ts';
import { resourcequotas } from '../../../api/core/v1/resourcequota.ts';
import type { ResourceQuota } from '../../../api/core/v1/types.gen.ts';
import { isConflict, isNotFound } from '../../../apimachinery/errors.ts';
import type { Client } from '../../../client/client.ts';
import type { AdmissionAttributes, AdmissionPlugin, ObjectReader } from '../../contracts.ts';
import { charge } from './check.ts';

/** How often the write of a quota's use is tried again when somebody else's came first. */
const maxRetries = 3;

export interface ResourceQuotaOptions {
  reader: ObjectReader;
  /** Writes `status.used`, as the server itself. */
  client: Client;
  now(): Date;
}

export function resourceQuota({ reader, client, now }: ResourceQuotaOptions): AdmissionPlugin {
  /** What was written here and may not be in the cache yet, by uid. */
  const written = new Map<string, ResourceQuota>();
  /** Writes of one namespace queue up: each sees what the one before it used. */
  const turns = new Map<string, Promise<void>>();
  const revision = ({ metadata }: ResourceQuota): number => Number(metadata.resourceVersion ?? 0);

  async function quotasOf(namespace: string): Promise<ResourceQuota[]> {
    const cached = await reader.list<ResourceQuota>(resourcequotas, namespace);
    return cached.map((quota) => {
      const uid = quota.metadata.uid ?? '';
      const own = written.get(uid);
      if (own && revision(own) > revision(quota)) return own;
      written.delete(uid);
      return quota;
    });
  }

  async function take(attributes: AdmissionAttributes): Promise<void> {
    const evaluator = quotaEvaluatorFor(attributes.definition);
    if (!evaluator) return;
    const writer = client.resource(resourcequotas);
    let pending: ReadonlySet<string> | undefined;
    for (let retry = 0; ; retry++) {
      const quotas = await quotasOf(attributes.namespace);
      // What could be written stays charged: only the others are tried again.
      const changed = charge(pending ? quotas.filter(({ metadata }) => pending?.has(metadata.name)) : quotas, attributes, evaluator, now());
      if (attributes.dryRun || changed.length === 0) return;
      const failures = new Map<string, unknown>();
      for (const quota of changed) {
        try {
          const updated = await writer.updateStatus(quota);
          written.set(updated.metadata.uid ?? '', updated);
        } catch (error) {
          failures.set(quota.metadata.name, error);
          if (isConflict(error)) {
            const newest = await writer.get(attributes.namespace, quota.metadata.name).catch(() => undefined);
            if (newest) written.set(newest.metadata.uid ?? '', newest);
          }
        }
      }
      if (failures.size === 0) return;
      const [error] = failures.values();
      if (retry === maxRetries || !(isConflict(error) || isNotFound(error))) throw error;
      pending = new Set(failures.keys());
    }
  }

  /** Runs when all that came before it in the namespace is done. */
  async function inTurn(namespace: string, work: () => Promise<void>): Promise<void> {
    const before = turns.get(namespace) ?? Promise.resolve();
    const mine = before.then(work);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    turns.set(namespace, settled);
    try {
      await mine;
    } finally {
      if (turns.get(namespace) === settled) turns.delete(namespace);
    }
  }

  return {
    name: 'ResourceQuota',
    handles: (attributes) => {
      const { operation, namespace, definition } = attributes;
      if (namespace === '' || definition.plural === namespaces.plural || (operation !== 'CREATE' && operation !== 'UPDATE')) return false;
      return quotaEvaluatorFor(definition)?.handles(attributes) ?? false;
    },
    async validate(attributes) {
      if ((await reader.list(resourcequotas, attributes.namespace)).length === 0) return;
      await inTurn(attributes.namespace, () => take(attributes));
    },
  };
}
