/** The evaluator of every kind: four kinds have amounts of their own, all others are counted. */
import type { KubeObject } from '../../../../apimachinery/meta.ts';
import type { KindDefinition } from '../../../kind.ts';
import { one } from './amounts.ts';
import { claimQuota } from './claims.ts';
import { countName, type QuotaEvaluator } from './evaluator.ts';
import { podQuota } from './pods.ts';
import { resourceClaimQuota } from './resourceclaims.ts';
import { serviceQuota } from './services.ts';

export { listOf, quantitiesOf, sum } from './amounts.ts';
export { type QuotaEvaluator, quotaApplies, scopesOf } from './evaluator.ts';

const key = ({ group, plural }: KindDefinition): string => `${group}/${plural}`;

/** Those that count more than objects. */
export const specialEvaluators: readonly QuotaEvaluator[] = [
  podQuota,
  serviceQuota,
  claimQuota,
  resourceClaimQuota,
] as readonly QuotaEvaluator<never>[] as readonly QuotaEvaluator[];
const special = new Map(specialEvaluators.map((evaluator) => [key(evaluator.definition), evaluator]));

/** Kinds that were counted by their bare name before there was `count/…`. */
const countedByName: ReadonlySet<string> = new Set(['/configmaps', '/resourcequotas', '/replicationcontrollers', '/secrets']);
/** Events come and go by the thousand; what is not stored can't be counted. */
const ignored: ReadonlySet<string> = new Set(['/events', 'events.k8s.io/events', '/bindings', '/componentstatuses']);

function counting(definition: KindDefinition): QuotaEvaluator {
  const names = [countName(definition), ...(countedByName.has(key(definition)) ? [definition.plural] : [])];
  return {
    definition,
    handles: ({ operation, subresource }) => subresource === '' && operation === 'CREATE',
    matching: (given) => given.filter((name) => names.includes(name)),
    usage: (_object: KubeObject) => Object.fromEntries(names.map((name) => [name, one])),
  };
}

const made = new WeakMap<KindDefinition, QuotaEvaluator>();

/** Undefined for kinds that no quota counts. */
export function quotaEvaluatorFor(definition: KindDefinition): QuotaEvaluator | undefined {
  if (!definition.namespaced || definition.virtual || ignored.has(key(definition))) return undefined;
  const known = special.get(key(definition)) ?? made.get(definition);
  if (known) return known;
  const evaluator = counting(definition);
  made.set(definition, evaluator);
  return evaluator;
}
