/** Runs an object through its kind's declaration as the API server does. Only for tests. */
import { decodeObject } from '../../apimachinery/decode/object.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { KindDefinition, StrategyContext } from '../kind.ts';
import { structOf } from '../schema.ts';

export const context: StrategyContext = {
  user: { username: 'tester', groups: ['system:authenticated'] },
  namespace: 'default',
  now: new Date('2026-01-02T03:04:05Z'),
  dryRun: false,
  warn() {},
};

/** Read without asking whether it is there: a test fails where it is not. */
export type Any = KubeObject & Record<string, any>;

/** Decoded, defaulted and prepared for its creation. */
export function created(definition: KindDefinition, value: Record<string, unknown>): Any {
  const { object } = decodeObject<Any>(structOf(definition.schema), structuredClone(value), { validation: 'Ignore' });
  object.metadata ??= { name: '' };
  object.metadata.uid ??= '00000000-0000-0000-0000-000000000001';
  definition.setDefaults?.(object);
  definition.prepareForCreate?.(object, context);
  return object;
}

/** What is wrong with a new object, as `field: what`. */
export function problems(definition: KindDefinition, value: Record<string, unknown>): string[] {
  const object = created(definition, value);
  return (definition.validate?.(object, context) ?? []).map((error) => error.message());
}

/** What is wrong with a change of an object that was created from `value`; through a subresource, if one is named. */
export function changeProblems(definition: KindDefinition, value: Record<string, unknown>, change: (object: Any) => void, subresource = ''): string[] {
  const old = created(definition, value);
  const object = structuredClone(old);
  change(object);
  const declared = definition.subresources?.[subresource];
  const strategy = subresource === '' ? definition : declared?.type === 'object' ? declared : {};
  definition.setDefaults?.(object);
  strategy.prepareForUpdate?.(object, old, context);
  return (strategy.validateUpdate?.(object, old, context) ?? []).map((error) => error.message());
}
