/** Runs an object as a client sends it through its kind's declaration: decoded first, by the kind's own type. Only for tests. */
import { decodeObject } from '../../apimachinery/decode/object.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { KindDefinition } from '../kind.ts';
import { structOf } from '../schema.ts';
import * as strategy from './strategy.ts';

/** Read without asking whether it is there: a test fails where it is not. */
export type Any = KubeObject & Record<string, any>;

function decoded({ schema }: KindDefinition, value: Record<string, unknown>): Any {
  const { object } = decodeObject<Any>(structOf(schema), structuredClone(value), { validation: 'Ignore' });
  object.metadata.uid ??= '00000000-0000-0000-0000-000000000001';
  return object;
}

/** Defaulted and prepared for its creation. */
export const created = (definition: KindDefinition, value: Record<string, unknown>): Any => strategy.created<Any>(definition, decoded(definition, value));

/** What is wrong with a new object, as `field: what`. */
export const problems = (definition: KindDefinition, value: Record<string, unknown>): string[] =>
  strategy.createErrors<Any>(definition, decoded(definition, value));

/** What is wrong with a change of an object that was created from `value`; through a subresource, if one is named. */
export const changeProblems = (definition: KindDefinition, value: Record<string, unknown>, change: (object: Any) => void, subresource?: string): string[] =>
  strategy.updateErrors<Any>(definition, created(definition, value), change, subresource);
