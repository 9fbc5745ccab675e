/** The `scale` subresource: three fields of any scalable kind, seen as `autoscaling/v1 Scale`. */

import { missingReplicas } from '../../api/apiextensions/schema/embedded.ts';
import type { ScaleSubresource } from '../../api/kind.ts';
import { structOf } from '../../api/schema.ts';
import { copyJson } from '../../apimachinery/copy.ts';
import { internalError, invalid, notFound } from '../../apimachinery/errors.ts';
import { invalidValue, path } from '../../apimachinery/fieldpath.ts';
import type { FieldManagerInput } from '../../apimachinery/managedfields/index.ts';
import { applyServerSide, scaleManagedFields, trackUpdate, withScaleManagedFields } from '../../apimachinery/managedfields/index.ts';
import type { KubeObject, LabelSelector, ManagedFieldsEntry, ObjectMeta } from '../../apimachinery/meta.ts';
import { own } from '../../apimachinery/own.ts';
import { formatLabelSelector } from '../../apimachinery/selectors.ts';
import { formOf } from '../answer/form.ts';
import { valueReply } from '../answer/reply.ts';
import { decodeBody, readRequestBody } from '../body.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { Reply } from '../exchange.ts';
import { bodyEncoding } from '../negotiation/accept.ts';
import type { Resource } from '../registry.ts';
import { fromStored, servedObject, storedObject } from '../storage/objects.ts';
import type { WriteOptions } from '../storage/options.ts';
import { parseWriteOptions } from '../storage/options.ts';
import { checkName, updateObject } from '../storage/update.ts';
import { patchObject, patchTypeOf, readPatch } from './patch.ts';
import { entryFor } from './read.ts';
import type { Target } from './target.ts';
import { writeRequest } from './write.ts';

const apiVersion = 'autoscaling/v1';
const kind = 'Scale';
const scaleStruct = () => structOf('io.k8s.api.autoscaling.v1.Scale');

interface Scale extends StoredObject {
  spec?: { replicas?: number };
  status?: { replicas: number; selector?: string };
}

const read = (object: unknown, dotted: string): unknown =>
  dotted.split('.').reduce<unknown>((value, key) => own(value as Record<string, unknown> | undefined, key), object);

function write(object: StoredObject, dotted: string, value: unknown): void {
  const keys = dotted.split('.');
  const last = keys.pop() as string;
  let holder = object as Record<string, unknown>;
  for (const key of keys) {
    const inner = own(holder, key) ?? {};
    holder[key] = inner;
    holder = inner as Record<string, unknown>;
  }
  holder[last] = value;
}

/** A selector as text, whatever its form. */
function selectorText(selector: unknown): string {
  if (typeof selector === 'string') return selector;
  if (typeof selector !== 'object' || selector === null) return '';
  if ('matchLabels' in selector || 'matchExpressions' in selector) return formatLabelSelector(selector as LabelSelector);
  return formatLabelSelector({ matchLabels: selector as Record<string, string> });
}

function scaleOf(scale: ScaleSubresource, object: StoredObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const metadata: ObjectMeta = { name };
  if (namespace !== undefined) metadata.namespace = namespace;
  Object.assign(metadata, { uid, resourceVersion, creationTimestamp });
  const managedFields = scaleManagedFields(object.metadata.managedFields, scale.specReplicasPath);
  if (managedFields) metadata.managedFields = managedFields;
  const selector = scale.selectorPath === undefined ? '' : selectorText(read(object, scale.selectorPath));
  const replicas = (read(object, scale.specReplicasPath) as number | undefined) ?? scale.defaultReplicas ?? 0;
  return {
    kind,
    apiVersion,
    metadata,
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: (read(object, scale.statusReplicasPath) as number | undefined) ?? 0, ...(selector === '' ? {} : { selector }) },
  };
}

/** Of custom objects upstream does not keep when the count came to be owned; such entries are listed first. */
function timelessScale(entries: readonly ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const own = entries.filter(({ subresource }) => subresource === 'scale').map(({ time: _, ...entry }) => entry);
  return [...own, ...entries.filter(({ subresource }) => subresource !== 'scale')];
}

/** Who owns the field is only told with the object itself. */
function shownScale({ custom }: Resource, scale: ScaleSubresource, object: StoredObject): Scale {
  const missing = custom && read(object, scale.specReplicasPath) === undefined;
  if (missing) throw internalError(new Error(missingReplicas(`.${scale.specReplicasPath}`)));
  const shown = scaleOf(scale, object);
  delete shown.metadata.managedFields;
  return shown;
}

export async function getScale(target: Target, scale: ScaleSubresource): Promise<Reply> {
  const form = formOf(target.context);
  const object = servedObject(target.resource, await entryFor(target));
  return valueReply(target.context, 200, form, shownScale(target.resource, scale, object));
}

export async function putScale(target: Target, scale: ScaleSubresource): Promise<Reply> {
  const { context } = target;
  const options = parseWriteOptions(context.info.query, 'UpdateOptions');
  const encoding = bodyEncoding(context.exchange.headers['content-type']);
  const expected = { struct: scaleStruct(), apiVersion, kind, anyVersion: true };
  const wanted = (await decodeBody(context, encoding, await readRequestBody(context), expected, options.fieldValidation)) as Scale;
  checkName(wanted, context.info.name, context.info.namespace);
  return changeScale(target, scale, options, 'UpdateOptions', (current, input) => {
    const next = copyJson(wanted);
    trackUpdate({ ...input, old: current, new: next });
    return next;
  });
}

export async function patchScale(target: Target, scale: ScaleSubresource): Promise<Reply> {
  const { context, resource } = target;
  const type = patchTypeOf(context.exchange.headers['content-type'], resource.custom);
  const options = parseWriteOptions(context.info.query, 'PatchOptions', type === 'apply');
  const patch = await readPatch(context, type);
  return changeScale(target, scale, options, 'PatchOptions', (current, input) => {
    if (type === 'apply') return applyServerSide({ ...input, kind, live: current, applied: patch.value as KubeObject, force: options.force ?? false }) as Scale;
    const next = patchObject(context, { struct: scaleStruct() }, patch, current, options.fieldValidation) as Scale;
    checkName(next, context.info.name, context.info.namespace);
    trackUpdate({ ...input, old: current, new: next });
    return next;
  });
}

type Change = (current: Scale, input: FieldManagerInput) => Scale;

async function changeScale(target: Target, scale: ScaleSubresource, options: WriteOptions, optionsKind: string, change: Change): Promise<Reply> {
  const { context, resource, storage } = target;
  const form = formOf(context);
  const request = writeRequest(target, options, optionsKind);
  const input: FieldManagerInput = { struct: scaleStruct(), apiVersion, manager: request.fieldManager, subresource: request.subresource, now: context.now };
  const replace = (object: StoredObject, wanted: Scale): void => {
    const replicas = wanted.spec?.replicas ?? 0;
    // Of custom objects the validation knows.
    if (replicas < 0 && !resource.custom) {
      const errors = [invalidValue(path('spec', 'replicas'), replicas, 'must be greater than or equal to 0')];
      throw invalid({ group: 'autoscaling', kind }, context.info.name, errors);
    }
    write(object, scale.specReplicasPath, replicas);
  };
  const written = await updateObject(storage, request, {
    tracksFields: true,
    view: { of: (object) => scaleOf(scale, object), apply: replace },
    apply(current) {
      if (!current) throw notFound(resource.groupResource, request.name);
      const wanted = change(scaleOf(scale, current), input);
      replace(current, wanted);
      const managedFields = withScaleManagedFields(current.metadata.managedFields, wanted.metadata.managedFields, scale.specReplicasPath, resource.apiVersion);
      if (managedFields) current.metadata.managedFields = resource.custom ? timelessScale(managedFields) : managedFields;
      else delete current.metadata.managedFields;
      current.metadata.resourceVersion = wanted.metadata.resourceVersion ?? '';
      return current;
    },
  });
  const object = fromStored(resource, storedObject(resource, written.entry));
  return valueReply(context, 200, form, shownScale(resource, scale, object));
}
