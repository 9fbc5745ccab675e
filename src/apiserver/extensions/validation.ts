/** What is wrong with a custom object. Source of the rules: apiextensions `registry/customresource`. */
import { validateEmbedded, validateScalePaths } from '../../api/apiextensions/schema/embedded.ts';
import { validateLists } from '../../api/apiextensions/schema/lists.ts';
import { ratchet } from '../../api/apiextensions/schema/ratchet.ts';
import { hasRules, validateRules } from '../../api/apiextensions/schema/rules.ts';
import { validateSchema } from '../../api/apiextensions/schema/validate.ts';
import type { CustomResourceDefinitionVersion, CustomResourceSubresourceScale } from '../../api/apiextensions/v1/types.gen.ts';
import type { FieldError } from '../../apimachinery/fieldpath.ts';
import { invalidValue } from '../../apimachinery/fieldpath.ts';
import type { CustomVersion } from '../registry.ts';

/** Rules can't be asked about an object that is wrong in such a way. */
const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const unchecked = 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

type Json = Record<string, unknown>;

function validateScale(value: Json, scale: CustomResourceSubresourceScale | undefined, ofStatus: boolean): FieldError[] {
  if (!scale) return [];
  return validateScalePaths(value, ofStatus ? [scale.statusReplicasPath] : [scale.specReplicasPath, scale.statusReplicasPath], scale.labelSelectorPath);
}

/** What this endpoint does not write is not what the client has to answer for. */
function written(object: Json, old: Json | undefined, hasStatus: boolean, subresource: string): Json {
  if (!hasStatus) return object;
  const status = subresource === 'status' ? object['status'] : old?.['status'];
  const value: Json = { ...(subresource === 'status' && old ? old : object), status };
  if (status === undefined) delete value['status'];
  return value;
}

export function validatorOf({ schema: holder, subresources }: CustomResourceDefinitionVersion): NonNullable<CustomVersion['validate']> {
  const schema = holder?.openAPIV3Schema;
  const rules = hasRules(schema);
  const { scale } = subresources ?? {};
  const hasStatus = subresources?.status !== undefined;
  return (object, old, subresource) => {
    const value = written(object, old, hasStatus, subresource);
    const ofStatus = subresource === 'status';
    if (!schema) return validateScale(value, scale, ofStatus);
    const found = validateSchema(value, schema);
    const errors = [...(old ? ratchet(found, value, old, schema) : found), ...validateScale(value, scale, ofStatus)];
    if (!ofStatus) errors.push(...validateEmbedded(value, schema));
    if (!old || validateLists(old, schema).length === 0) errors.push(...validateLists(value, schema));
    if (!rules) return errors;
    // The name is judged with the rest of the metadata.
    if (!object.metadata.name || errors.some(({ type }) => blocking.has(type))) return [...errors, invalidValue('<nil>', null, unchecked)];
    return [...errors, ...validateRules(value, old, schema, { forgiving: true })];
  };
}
