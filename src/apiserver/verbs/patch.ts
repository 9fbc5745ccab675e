/** PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply. Source of the rules: apiserver `endpoints/handlers/patch.go`. */
import { structOfKind } from '../../api/schema.ts';
import { hasDuplicateKeys, parseJson } from '../../apimachinery/codec/json.ts';
import { copyJson } from '../../apimachinery/copy.ts';
import { DecodeError, strictDecodingMessage } from '../../apimachinery/decode/errors.ts';
import { decodeObject, type FieldValidation } from '../../apimachinery/decode/object.ts';
import { badRequest, invalid, notFound, StatusError, unsupportedMediaType } from '../../apimachinery/errors.ts';
import { invalidValue } from '../../apimachinery/fieldpath.ts';
import { own } from '../../apimachinery/own.ts';
import { applyJsonPatch } from '../../apimachinery/patch/json.ts';
import { applyMergePatch } from '../../apimachinery/patch/merge.ts';
import { applyStrategicMergePatch } from '../../apimachinery/patch/strategic.ts';
import type { Struct } from '../../apimachinery/schema.ts';
import { formOf } from '../answer/form.ts';
import type { Decoder } from '../body.ts';
import { decoderOf, readRequestBody, reportStrict } from '../body.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { RequestContext } from '../context.ts';
import type { Reply } from '../exchange.ts';
import { applyObject } from '../storage/apply.ts';
import { parseWriteOptions } from '../storage/options.ts';
import { checkName, updateObject } from '../storage/update.ts';
import { readYaml } from '../yaml.ts';
import { encodingsOf } from './read.ts';
import type { Target } from './target.ts';
import { writeRequest, writtenReply } from './write.ts';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** Fails with 415 for a type that this resource does not take. */
export function patchTypeOf(contentType: string | undefined, custom: boolean): PatchType {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const found = own(patchTypes, type);
  if (found && !(custom && found === 'strategic')) return found;
  if (!custom) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  const accepted = Object.keys(patchTypes).filter((one) => patchTypes[one] !== 'strategic');
  throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`);
}

/** A patch that was read: what it makes of an object, still to be decoded. */
export interface PatchBody {
  type: PatchType;
  value: unknown;
  text: string;
  /** Duplicate keys in YAML. */
  prior: readonly string[];
}

export async function readPatch(context: RequestContext, type: PatchType): Promise<PatchBody> {
  const text = (await readRequestBody(context)).toString('utf8');
  try {
    if (type !== 'apply') return { type, text, value: parseJson(text), prior: [] };
    const { value, errors, json } = await readYaml(text);
    if (json !== undefined) context.body = Buffer.from(json);
    return { type, text, value, prior: errors };
  } catch (error) {
    throw badRequest(
      type === 'apply'
        ? `error decoding YAML: ${(error as Error).message}`
        : `${type === 'strategic' ? '' : 'error decoding patch: '}${(error as Error).message}`,
    );
  }
}

/** Applies the patch to `current`, and decodes the result as the type that it must be. */
export function patchObject(
  context: RequestContext,
  type: { struct: Struct; decode?: Decoder },
  patch: PatchBody,
  current: StoredObject,
  validation: FieldValidation,
): StoredObject {
  let patched: unknown;
  if (patch.type === 'json') patched = applyJsonPatch(current, patch.value);
  else if (patch.type === 'merge') patched = applyMergePatch(current, patch.value);
  // Upstream reads `null` as a map of nothing here.
  else patched = applyStrategicMergePatch(type.struct, current, patch.value ?? {});
  try {
    refuseOtherKind(patched, current);
    const { object, strictErrors } = decoderOf(type)(patched, { validation });
    reportStrict(context, [...duplicates(type.struct, patch, validation), ...strictErrors], validation);
    object.apiVersion = current.apiVersion as string;
    object.kind = current.kind as string;
    object.metadata ??= { name: '' };
    return object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw invalid({ group: '', kind: '' }, '', [invalidValue('patch', patch.text, error.message)]);
  }
}

/** Fields that a merge patch names twice. */
function duplicates(struct: Struct, { type, value, text }: PatchBody, validation: FieldValidation): string[] {
  if (type !== 'merge' || validation === 'Ignore' || !hasDuplicateKeys(text, value)) return [];
  const { strictErrors } = decodeObject<StoredObject>(struct, copyJson(value), { validation, text });
  return strictErrors.filter((error) => error.startsWith('duplicate field'));
}

/** What says that it is of another kind now is read as that; it must fit. */
function refuseOtherKind(patched: unknown, current: StoredObject): void {
  const { apiVersion, kind } = patched as { apiVersion?: unknown; kind?: unknown };
  if (kind === current.kind || typeof kind !== 'string' || typeof apiVersion !== 'string') return;
  const struct = structOfKind(apiVersion, kind);
  if (struct) decodeObject(struct, copyJson(patched), { validation: 'Ignore' });
}

export async function patchTarget(target: Target): Promise<Reply> {
  const { context, resource, storage } = target;
  const form = formOf(context, encodingsOf(resource));
  const type = patchTypeOf(context.exchange.headers['content-type'], resource.custom);
  const options = parseWriteOptions(context.info.query, 'PatchOptions', type === 'apply');
  const patch = await readPatch(context, type);
  const request = writeRequest(target, options, 'PatchOptions');
  if (options.force !== undefined) request.admissionOptions['force'] = options.force;
  if (type === 'apply') {
    if (patch.prior.length > 0 && options.fieldValidation === 'Strict') throw badRequest(`error strict decoding YAML: ${strictDecodingMessage(patch.prior)}`);
    return writtenReply(target, form, await applyObject(storage, request, patch.value));
  }
  const written = await updateObject(storage, request, {
    apply(current) {
      // Also where a PUT would create: there is nothing to patch.
      if (!current) throw notFound(resource.groupResource, request.name);
      const object = patchObject(context, resource, patch, current, options.fieldValidation);
      checkName(object, request.name, request.namespace);
      return object;
    },
  });
  return writtenReply(target, form, written);
}
