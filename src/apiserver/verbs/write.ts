/** POST, PUT and DELETE on objects. */

import { structOf } from '../../api/schema.ts';
import { copyJson } from '../../apimachinery/copy.ts';
import { badRequest, StatusError } from '../../apimachinery/errors.ts';
import { formOf } from '../answer/form.ts';
import { bodyReply, valueReply } from '../answer/reply.ts';
import type { Form } from '../answer/represent.ts';
import { representLongList, representObject } from '../answer/represent.ts';
import { decodeBody, readRequestBody } from '../body.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { RequestContext } from '../context.ts';
import type { Reply } from '../exchange.ts';
import { bodyEncoding } from '../negotiation/accept.ts';
import { createObject } from '../storage/create.ts';
import type { Deletion } from '../storage/delete.ts';
import { deleteObject } from '../storage/delete.ts';
import { listEntries } from '../storage/list.ts';
import { prepareServed } from '../storage/objects.ts';
import type { DeleteOptions, WriteOptions } from '../storage/options.ts';
import { parseDeleteOptions, parseListOptions, parseWriteOptions } from '../storage/options.ts';
import { selectionOf } from '../storage/selection.ts';
import type { WriteRequest, Written } from '../storage/types.ts';
import { checkName, updateObject } from '../storage/update.ts';
import { encodingsOf } from './read.ts';
import type { Target } from './target.ts';

/** Who owns the fields of a write: the named manager, or the first word of the client's name. */
export function managerOf(context: RequestContext, options: WriteOptions): string {
  if (options.fieldManager !== '') return options.fieldManager;
  const agent = context.exchange.headers['user-agent'] ?? '';
  const slash = agent.indexOf('/');
  return (slash < 0 ? agent : agent.slice(0, slash)).slice(0, 128) || 'unknown';
}

export function writeRequest({ context, resource }: Target, options: WriteOptions, kind: string): WriteRequest {
  const { info } = context;
  const admissionOptions: Record<string, unknown> = { kind, apiVersion: 'meta.k8s.io/v1' };
  if (options.dryRun) admissionOptions['dryRun'] = ['All'];
  if (options.fieldManager !== '') admissionOptions['fieldManager'] = options.fieldManager;
  if (info.query.has('fieldValidation')) admissionOptions['fieldValidation'] = options.fieldValidation;
  return {
    context,
    resource,
    namespace: resource.definition.namespaced ? info.namespace : '',
    name: info.name,
    subresource: info.subresource,
    options,
    admissionOptions,
    fieldManager: managerOf(context, options),
  };
}

const readerOf = ({ struct, decode }: Target['resource']) => (decode ? { struct, decode } : { struct });

/** The request's body as an object of the resource's own type. */
export async function objectOf({ context, resource }: Target, validation: WriteOptions['fieldValidation']): Promise<StoredObject> {
  const encoding = bodyEncoding(context.exchange.headers['content-type'], encodingsOf(resource));
  const bytes = await readRequestBody(context);
  const expected = { ...readerOf(resource), apiVersion: resource.apiVersion, kind: resource.definition.kind };
  const object = await decodeBody(context, encoding, bytes, expected, validation);
  context.audit?.requested(object, resource.definition.setDefaults);
  return object;
}

export async function writtenReply({ context, resource }: Target, form: Form, written: Written): Promise<Reply> {
  await prepareServed(resource, written.entry);
  return bodyReply(context, written.created ? 201 : 200, form.media, representObject(resource, written.entry, form));
}

export async function postObject(target: Target): Promise<Reply> {
  const { context, resource, storage } = target;
  const form = formOf(context, encodingsOf(resource));
  const options = parseWriteOptions(context.info.query, 'CreateOptions');
  const object = await objectOf(target, options.fieldValidation);
  const written = await createObject(storage, writeRequest(target, options, 'CreateOptions'), object);
  return writtenReply(target, form, written);
}

export async function putObject(target: Target): Promise<Reply> {
  const { context, resource, storage } = target;
  const form = formOf(context, encodingsOf(resource));
  const options = parseWriteOptions(context.info.query, 'UpdateOptions');
  const object = await objectOf(target, options.fieldValidation);
  const request = writeRequest(target, options, 'UpdateOptions');
  checkName(object, request.name, request.namespace);
  const written = await updateObject(storage, request, { apply: () => copyJson(object), uid: object.metadata.uid });
  return writtenReply(target, form, written);
}

/** Options of a deletion, from the body when there is one. */
export async function deleteOptionsOf({ context }: Target): Promise<DeleteOptions> {
  const bytes = await readRequestBody(context);
  if (bytes.length === 0) return parseDeleteOptions(context.info.query, undefined);
  const encoding = bodyEncoding(context.exchange.headers['content-type']);
  // Registered in every group: clients name their own group's version, `v1` or `meta.k8s.io/v1`.
  const struct = structOf('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
  const body = await decodeBody(context, encoding, bytes, { struct, apiVersion: 'v1', kind: 'DeleteOptions', anyVersion: true, options: true }, 'Ignore');
  if (body.kind !== undefined && body.kind !== '' && body.kind !== 'DeleteOptions') throw badRequest('decoded object cannot be converted to DeleteOptions');
  return parseDeleteOptions(context.info.query, body);
}

function deleteRequest(target: Target, options: DeleteOptions): WriteRequest {
  const { dryRun, ...rest } = options;
  const write = writeRequest(target, { dryRun, fieldManager: '', fieldValidation: 'Ignore', force: undefined }, 'DeleteOptions');
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) write.admissionOptions[name] = value;
  return write;
}

export async function removeObject(target: Target): Promise<Reply> {
  const { context, resource, storage } = target;
  const form = formOf(context, encodingsOf(resource));
  const options = await deleteOptionsOf(target);
  warnAboutOrphans(target, options);
  const deletion = await deleteObject(storage, deleteRequest(target, options), options);
  if (deletion.deleted && !resource.definition.returnsDeletedObject) return valueReply(context, 200, form, deletedStatus(target, deletion));
  await prepareServed(resource, deletion.entry);
  const cascading = options.orphanDependents === false;
  return bodyReply(context, !deletion.deleted && cascading ? 202 : 200, form.media, representObject(resource, deletion.entry, form));
}

/** A kind whose dependents survive by default may say so. */
function warnAboutOrphans({ context, resource }: Target, { propagationPolicy, orphanDependents }: DeleteOptions): void {
  const { orphanWarning } = resource.definition;
  if (orphanWarning && propagationPolicy === undefined && orphanDependents === undefined) context.warn(orphanWarning);
}

function deletedStatus({ context, resource, storage }: Target, { entry }: Deletion): object {
  const { group, resource: kind } = resource.groupResource;
  const { uid } = storage.cacher.decoded.of(entry).metadata;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: context.info.name, ...(group ? { group } : {}), kind, ...(uid ? { uid } : {}) },
  };
}

/** How many objects of a collection are deleted at the same time. */
const collectionConcurrency = 32;

export async function removeCollection(target: Target): Promise<Reply> {
  const { context, resource, storage } = target;
  const form = formOf(context, encodingsOf(resource));
  const options = parseListOptions(context.info.query, false);
  const deletion = await deleteOptionsOf(target);
  warnAboutOrphans(target, deletion);
  const selection = selectionOf(resource, storage.cacher, options.labelSelector, options.fieldSelector);
  const namespace = resource.definition.namespaced ? context.info.namespace : '';
  const listed = await listEntries(storage, resource, namespace, options, selection);
  await resource.remote?.prepare(listed.entries);
  const request = deleteRequest(target, deletion);
  const queue = [...listed.entries];
  const worker = async (): Promise<void> => {
    for (let entry = queue.pop(); entry; entry = queue.pop()) {
      try {
        await deleteObject(storage, { ...request, namespace: entry.namespace, name: entry.name }, { ...deletion });
      } catch (error) {
        // Somebody else was quicker: gone is gone.
        if (!(error instanceof StatusError && error.reason === 'NotFound')) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(collectionConcurrency, queue.length) }, worker));
  const metadata = { resourceVersion: String(listed.revision), ...(listed.continue === '' ? {} : { continue: listed.continue }) };
  return bodyReply(context, 200, form.media, await representLongList(resource, listed.entries, metadata, form));
}
