/** What `syntax.ts` writes message literals and optional entries as. */
import { Optional } from '@marcbachmann/cel-js';
import { elementsFunction, entriesFunction, optionalElementFunction, optionalKeyFunction, structFunction, valueFunction } from '../syntax.ts';
import { CelStruct, entriesOf } from '../values.ts';
import { define, type Library, namespace } from './register.ts';

/** No text that somebody writes begins like this. */
const mark = '\u0000?';

function resolve(value: unknown): { present: boolean; value: unknown } {
  if (!(value instanceof Optional)) throw new Error('optional value expected');
  return value.hasValue() ? { present: true, value: value.value() } : { present: false, value: undefined };
}

function entries(map: object, optional: (key: string) => string | undefined): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of entriesOf(map)) {
    const name = optional(String(key));
    if (name === undefined) result[String(key)] = value;
    else if (resolve(value).present) result[name] = resolve(value).value;
  }
  return result;
}

class OptionalElement {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

export const literals: Library = (environment) => {
  environment.registerType('CelStruct', CelStruct);
  environment.registerType('CelOptionalElement', OptionalElement);
  define(
    environment,
    `${structFunction}(string, map): dyn`,
    (type: string, fields: object) =>
      new CelStruct(
        type,
        entries(fields, (key) => (key.startsWith('?') ? key.slice(1) : undefined)),
      ),
  );
  define(environment, `${optionalKeyFunction}(string): string`, (key: string) => mark + key);
  define(environment, `${entriesFunction}(map): map<string, dyn>`, (map: object) =>
    entries(map, (key) => (key.startsWith(mark) ? key.slice(mark.length) : undefined)),
  );
  define(environment, `${optionalElementFunction}(dyn): dyn`, (value: unknown) => new OptionalElement(value));
  define(environment, `${elementsFunction}(list): list<dyn>`, (list: readonly unknown[]) =>
    list.flatMap((one) => {
      if (!(one instanceof OptionalElement)) return [one];
      const { present, value } = resolve(one.value);
      return present ? [value] : [];
    }),
  );
  define(environment, `optional.${valueFunction}(): dyn`, (optional: Optional) => {
    if (!optional.hasValue()) throw new Error('optional.none() dereference');
    return optional.value();
  });
  environment.registerOperator('optional == null', () => false);
  // The one function that goes with the literals: a key as a segment of a JSON pointer (RFC 6901).
  namespace(environment, 'jsonpatch', 'JsonPatchNamespace');
  define(environment, 'JsonPatchNamespace.escapeKey(string): string', (_: unknown, key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'));
};
