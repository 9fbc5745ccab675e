/** Runs a declaration as the API server would, without one. Only for tests. */
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { KindDefinition, StrategyContext } from '../kind.ts';

export const context = (over: Partial<StrategyContext> = {}): StrategyContext => ({
  user: { username: 'admin', groups: [] },
  apiVersion: 'v1',
  namespace: 'default',
  now: new Date('2026-01-02T03:04:05Z'),
  dryRun: false,
  warn() {},
  ...over,
});

/** Defaulted and prepared, as a create leaves it before validation. */
export function created<T extends KubeObject>(definition: KindDefinition<T>, object: T, over?: Partial<StrategyContext>): T {
  const copy = structuredClone(object);
  definition.setDefaults?.(copy);
  definition.prepareForCreate?.(copy, context(over));
  return copy;
}

/** The messages of a create. */
export const createErrors = <T extends KubeObject>(definition: KindDefinition<T>, object: T, over?: Partial<StrategyContext>): string[] =>
  (definition.validate?.(created(definition, object, over), context(over)) ?? []).map((error) => error.message());

/** The messages of an update, or of one through a subresource. `change` works on a copy of `old`. */
export function updateErrors<T extends KubeObject>(
  definition: KindDefinition<T>,
  old: T,
  change: (object: T) => void,
  subresource?: string,
  over?: Partial<StrategyContext>,
): string[] {
  const object = structuredClone(old);
  change(object);
  definition.setDefaults?.(object);
  const part = subresource ? definition.subresources?.[subresource] : definition;
  if (!part || ('type' in part && part.type !== 'object')) throw new Error(`${definition.kind} has no such subresource`);
  part.prepareForUpdate?.(object, old, context(over));
  return (part.validateUpdate?.(object, old, context(over)) ?? []).map((error) => error.message());
}

/** The cells that `kubectl get -o wide` shows. */
export const cells = <T extends KubeObject>(definition: KindDefinition<T>, object: T, now = context().now): unknown[] =>
  (definition.columns ?? []).map((column) => column.value(object, now));
