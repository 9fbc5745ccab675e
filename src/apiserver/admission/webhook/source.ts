/** The webhooks of all configurations of a kind, compiled, in the order in which they are asked. */
import type { KindDefinition } from '../../../api/kind.ts';
import { type KubeObject, keyOf } from '../../../apimachinery/meta.ts';
import { mirror } from '../../authorization/mirror.ts';
import type { ObjectReader } from '../../contracts.ts';
import { type CompiledCondition, compileConditions } from '../matching/conditions.ts';
import { type Selectors, selectorsOf } from '../matching/selectors.ts';
import type { Webhook } from './review.ts';

export interface Hook<W extends Webhook = Webhook> {
  /** Tells webhooks of the same name in one configuration apart. */
  id: string;
  configuration: string;
  webhook: W;
  selectors: Selectors;
  conditions: readonly CompiledCondition[];
}

export interface HookSource<W extends Webhook> {
  /** Ordered by the names of their configurations, then as they stand there. */
  hooks(): readonly Hook<W>[];
  ready: Promise<void>;
}

interface Configuration<W extends Webhook> extends KubeObject {
  webhooks?: W[];
}

function compile<W extends Webhook>({ metadata, webhooks = [] }: Configuration<W>): Hook<W>[] {
  const seen = new Map<string, number>();
  return webhooks.map((webhook) => {
    const count = seen.get(webhook.name) ?? 0;
    seen.set(webhook.name, count + 1);
    return {
      id: `${metadata.name}/${webhook.name}/${count}`,
      configuration: metadata.name,
      webhook,
      selectors: selectorsOf(webhook),
      conditions: compileConditions(webhook.matchConditions ?? []),
    };
  });
}

export function createHookSource<W extends Webhook>(reader: ObjectReader, definition: KindDefinition<Configuration<W>>): HookSource<W> {
  const byConfiguration = new Map<string, Hook<W>[]>();
  let ordered: readonly Hook<W>[] | undefined;
  const ready = mirror(reader, definition, {
    put(configuration) {
      byConfiguration.set(keyOf(configuration), compile(configuration));
      ordered = undefined;
    },
    delete(configuration) {
      byConfiguration.delete(keyOf(configuration));
      ordered = undefined;
    },
  });
  return {
    hooks() {
      ordered ??= [...byConfiguration].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, hooks]) => hooks);
      return ordered;
    },
    ready,
  };
}
