/** The kinds that quotas name: only those are watched, by metadata alone where objects are merely counted. */

import { type QuotaEvaluator, quotaEvaluatorFor, specialEvaluators } from '../../api/core/v1/quota/quota.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { ResourceRef } from '../../client/client.ts';
import type { Informer, InformerFactory } from '../../client/informer.ts';
import { createInformerFactory } from '../../client/informers.ts';
import { discover, resourceId, type ServedResource } from '../common/discovery.ts';
import type { ControllerContext } from '../controller.ts';

export interface WatchedKind {
  evaluator: QuotaEvaluator;
  informer: Informer<KubeObject>;
}

export interface WatchedKinds {
  /** The kinds that count something of these names, with their objects read. */
  counting(names: readonly string[]): Promise<WatchedKind[]>;
  /** Looks what is served now. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

interface Own extends WatchedKind {
  /** Of a kind that is watched for quotas alone. */
  factory?: InformerFactory;
}

const asDefinition = (ref: ResourceRef): KindDefinition => ({ ...ref, singular: '', verbs: [], schema: '' });

/** `changed` is called for every object that came, went, or uses something else now; `came` tells that there is only more of it. */
export function createWatchedKinds(
  { client, informers, log, now }: Pick<ControllerContext, 'client' | 'informers' | 'log' | 'now'>,
  changed: (object: KubeObject, came: boolean) => void,
): WatchedKinds {
  const watched = new Map<string, Own>();
  let evaluators = new Map<string, { evaluator: QuotaEvaluator; ref: ResourceRef }>();
  let stopped = false;

  function watch(id: string, evaluator: QuotaEvaluator, ref: ResourceRef): Own {
    const special = specialEvaluators.includes(evaluator);
    const factory = special ? undefined : createInformerFactory(client, { log });
    const informer = special ? informers.informer<KubeObject>(evaluator.definition) : factory!.informer<KubeObject>({ ...ref, metadataOnly: true });
    informer.addHandlers({
      added: (object, initial) => {
        if (!initial) changed(object, true);
      },
      updated(object, old) {
        if (special && !sameUse(evaluator, object, old, now())) changed(object, false);
      },
      deleted: (object) => changed(object, false),
    });
    void factory?.start();
    const own = { evaluator, informer, ...(factory ? { factory } : {}) };
    watched.set(id, own);
    return own;
  }

  const countable = ({ ref, verbs, preferred }: ServedResource): boolean =>
    preferred && ref.namespaced && verbs.has('list') && verbs.has('watch') && verbs.has('create');

  async function refresh(): Promise<void> {
    const { resources, failed } = await discover(client);
    const next = new Map(failed.size > 0 ? evaluators : []);
    for (const resource of resources.filter(countable)) {
      const id = resourceId(resource.ref);
      const evaluator = evaluators.get(id)?.evaluator ?? quotaEvaluatorFor(asDefinition(resource.ref));
      if (evaluator) next.set(id, { evaluator, ref: resource.ref });
    }
    evaluators = next;
    for (const [id, { factory }] of watched) {
      if (evaluators.has(id) || !factory) continue;
      watched.delete(id);
      await factory.stop();
    }
  }

  return {
    refresh,
    async counting(names) {
      if (evaluators.size === 0) await refresh();
      const kinds = [...evaluators]
        .filter(([, { evaluator }]) => evaluator.matching(names).length > 0)
        .map(([id, { evaluator, ref }]) => watched.get(id) ?? watch(id, evaluator, ref));
      await Promise.all(kinds.map(({ informer }) => informer.synced));
      return stopped ? [] : kinds;
    },
    async stop() {
      stopped = true;
      await Promise.all([...watched.values()].map(({ factory }) => factory?.stop()));
    },
  };
}

const sameUse = (evaluator: QuotaEvaluator, a: KubeObject, b: KubeObject, now: Date): boolean => {
  const text = (object: KubeObject): string => JSON.stringify(evaluator.usage(object, now), (_, value) => (typeof value === 'bigint' ? String(value) : value));
  return text(a) === text(b);
};
