/** Objects within objects have a kind and metadata too. Source of the rules: apiextensions `schema/objectmeta`. */
import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path, quote, required } from '../../../apimachinery/fieldpath.ts';
import type { ObjectMeta } from '../../../apimachinery/meta.ts';
import { validateDns1035Label, validatePathSegment } from '../../../apimachinery/names.ts';
import { own } from '../../../apimachinery/own.ts';
import { validateObjectMeta } from '../../../apimachinery/validation/objectmeta.ts';
import type { JSONSchemaProps } from '../v1/types.gen.ts';
import { isSchema, itemsOf } from './struct.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

function validateText(value: unknown, at: FieldPath, wrong: (text: string) => string | undefined): FieldError[] {
  if (value === undefined) return [required(at)];
  if (typeof value !== 'string') return [invalidValue(at, value, 'must be a string')];
  if (value === '') return [invalidValue(at, value, 'must not be empty')];
  const detail = wrong(value);
  return detail === undefined ? [] : [invalidValue(at, value, detail)];
}

const versionProblem = (text: string): string | undefined => (text.split('/').length > 2 ? `unexpected GroupVersion string: ${text}` : undefined);

function kindProblem(text: string): string | undefined {
  const wrong = validateDns1035Label(text.toLowerCase());
  return wrong.length > 0 ? `may have mixed case, but should otherwise match: ${wrong.join(',')}` : undefined;
}

function validateMetadata(metadata: unknown, at: FieldPath): FieldError[] {
  if (metadata === undefined) return [];
  if (!isObject(metadata)) {
    const found = Array.isArray(metadata) ? 'array' : typeof metadata;
    return [invalidValue(at, metadata, `json: cannot unmarshal ${found} into Go value of type v1.ObjectMeta`)];
  }
  const text = Object.entries(metadata).find(([name, value]) => ['name', 'generateName', 'namespace'].includes(name) && typeof value !== 'string');
  if (text) {
    const [name, value] = text;
    return [invalidValue(at, metadata, `json: cannot unmarshal ${typeof value} into Go struct field ObjectMeta.${name} of type string`)];
  }
  const meta = { ...metadata, name: metadata['name'] || 'fakename' } as ObjectMeta;
  return validateObjectMeta(meta, { namespaced: !!meta.namespace, standardFinalizers: true, validateName: validatePathSegment }, at);
}

/** All that is wrong with the types and the metadata of embedded objects. */
export function validateEmbedded(value: unknown, schema: JSONSchemaProps | undefined, at?: FieldPath): FieldError[] {
  if (!schema) return [];
  const here = at ?? path();
  if (Array.isArray(value)) return value.flatMap((item, index) => validateEmbedded(item, itemsOf(schema), here.index(index)));
  if (!isObject(value)) return [];
  const errors: FieldError[] = [];
  if (at && schema['x-kubernetes-embedded-resource']) {
    errors.push(
      ...validateText(value['apiVersion'], here.child('apiVersion'), versionProblem),
      ...validateText(value['kind'], here.child('kind'), kindProblem),
      ...validateMetadata(value['metadata'], here.child('metadata')),
    );
  }
  for (const [name, inner] of Object.entries(value)) {
    const property = own(schema.properties, name);
    if (property) errors.push(...validateEmbedded(inner, property, here.child(name)));
    else if (isSchema(schema.additionalProperties)) errors.push(...validateEmbedded(inner, schema.additionalProperties, here.key(name)));
  }
  return errors;
}

const accessorProblem = (text: string, value: unknown, wanted: string): string => {
  const found = typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : Array.isArray(value) ? '[]interface {}' : 'float64';
  return `${text} accessor error: ${typeof value === 'string' ? value : JSON.stringify(value)} is of the type ${found}, expected ${wanted}`;
};

/** What a dotted path leads to, or what stands in its way. */
function follow(object: Json, dotted: string, wanted: 'int64' | 'string'): { value: unknown; problem?: string } {
  const names = dotted.replace(/^\./, '').split('.');
  let value: unknown = object;
  for (const [index, name] of names.entries()) {
    if (!isObject(value)) {
      return value === undefined ? { value } : { value, problem: accessorProblem(`.${names.slice(0, index + 1).join('.')}`, value, 'map[string]interface{}') };
    }
    value = own(value, name);
    if (value === undefined) return { value };
  }
  const fits = wanted === 'int64' ? typeof value === 'number' && Number.isInteger(value) : typeof value === 'string';
  return fits ? { value } : { value, problem: accessorProblem(`.${names.join('.')}`, value, wanted) };
}

/** What is counted for `scale` must be a count, and what selects a text. Paths are as the definition has them, dot first. */
export function validateScalePaths(object: Json, counts: readonly string[], selector: string | undefined): FieldError[] {
  const errors = counts.flatMap((dotted) => {
    const { value, problem } = follow(object, dotted, 'int64');
    if (problem !== undefined) return [invalidValue(dotted, 0, problem)];
    if (typeof value !== 'number') return [];
    if (value < 0) return [invalidValue(dotted, value, 'should be a non-negative integer')];
    return value > 2 ** 31 - 1 ? [invalidValue(dotted, value, `should be less than or equal to ${2 ** 31 - 1}`)] : [];
  });
  const { problem } = selector ? follow(object, selector, 'string') : {};
  return problem === undefined || !selector ? errors : [...errors, invalidValue(selector, '', problem)];
}

/** What a scale without a count is answered with. */
export const missingReplicas = (dotted: string): string => `the spec replicas field ${quote(dotted)} does not exist`;
