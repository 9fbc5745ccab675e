/** Creating an object. Source of the rules: apiserver `registry/generic/registry` and `endpoints/handlers`. */
import { hasStruct, structOf } from '../../api/schema.ts';
import { copyJson } from '../../apimachinery/copy.ts';
import { alreadyExists, invalid, StatusError } from '../../apimachinery/errors.ts';
import { path } from '../../apimachinery/fieldpath.ts';
import { generateName } from '../../apimachinery/random.ts';
import { validateObjectMeta } from '../../apimachinery/validation/objectmeta.ts';
import { zeroOf } from '../../apimachinery/zero.ts';
import { KeyExistsError } from '../../store/store.ts';
import { encodeStored } from '../cacher/bytes.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { AdmissionAttributes } from '../contracts.ts';
import { handled, runAdmission } from './admit.ts';
import { trackFields } from './fieldmanager.ts';
import { beginWrite } from './hooks.ts';
import { dedupeOwnerReferences, ensureNamespace, fillSystemFields, wipeSystemFields } from './metadata.ts';
import { checkStoredSize, fromStored, toStored } from './objects.ts';
import type { Storage, WriteRequest, Written } from './types.ts';
import { keyFor, strategyContext } from './types.ts';

/** How often a generated name is tried again when it is taken (upstream: `maxNameGenerationCreateAttempts`). */
const maxAttempts = 8;

export const admissionAttributes = (
  request: WriteRequest,
  operation: AdmissionAttributes['operation'],
  object: StoredObject | undefined,
  oldObject: StoredObject | undefined,
): AdmissionAttributes => ({
  operation,
  definition: request.resource.definition,
  subresource: request.subresource,
  namespace: request.namespace,
  name: object?.metadata.name || request.name,
  ...(object ? { object } : {}),
  ...(oldObject ? { oldObject } : {}),
  options: request.admissionOptions,
  user: request.context.user,
  dryRun: request.options.dryRun,
  warn: request.context.warn,
  annotate: request.context.annotate,
});

/** `object` is the request's own, in the served version, decoded and with its type. */
export async function createObject(storage: Storage, request: WriteRequest, object: StoredObject): Promise<Written> {
  const { resource, context, namespace } = request;
  ensureNamespace(object, resource.definition.namespaced ? namespace : '');
  wipeSystemFields(object);
  resource.definition.setDefaults?.(object);
  dedupeOwnerReferences(object, context);
  trackFields(request, object, undefined);
  const attributes = admissionAttributes(request, 'CREATE', object, undefined);
  if (await runAdmission(storage.admission, 'admit', attributes)) resource.definition.setDefaults?.(object);
  const generated = !object.metadata.name && !!object.metadata.generateName;
  if (!generated) return createOnce(storage, request, object);
  for (let attempt = 1; ; attempt++) {
    try {
      return await createOnce(storage, request, copyJson(object));
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists' || attempt === maxAttempts) throw error;
    }
  }
}

/** A status that is a value and no pointer is always there, if only as `{}`. */
function resetStatus(object: StoredObject, schema: string): void {
  const field = hasStruct(schema) ? structOf(schema).fields.get('status') : undefined;
  if (field?.presence === undefined || field.presence === 'pointer') delete object['status'];
  else object['status'] = zeroOf(field.type);
}

/** From the object after mutating admission to the store. Also what an update to a missing object runs. */
export async function createOnce(storage: Storage, request: WriteRequest, served: StoredObject): Promise<Written> {
  const { resource, context, namespace } = request;
  const { stored } = resource;
  const { definition } = stored;
  const strategy = strategyContext(request);
  fillSystemFields(served, context.now);
  const generated = !served.metadata.name && !!served.metadata.generateName;
  if (generated) served.metadata.name = generateName(served.metadata.generateName as string);
  // Validation refuses it; until then it is a name like any other.
  served.metadata.name ??= '';
  if (resource.terminating) {
    throw new StatusError(405, 'MethodNotAllowed', `create not allowed while custom resource definition is terminating`, { ...resource.groupResource });
  }
  const wrong = resource.validate?.(served, undefined, request.subresource) ?? [];
  const object = resource.remote ? await resource.remote.toStored(served) : toStored(resource, served);
  if (definition !== resource.definition) definition.setDefaults?.(object);
  if (definition.hasGeneration) object.metadata.generation = 1;
  else delete object.metadata.generation;
  if (definition.prepareForCreate) definition.prepareForCreate(object, strategy);
  else if (definition.subresources?.['status']) resetStatus(object, definition.schema);

  const { name } = object.metadata;
  const key = keyFor(resource, namespace, name);
  const write = await beginWrite(stored.hooks, object, undefined, request.options.dryRun);
  try {
    const errors = validateObjectMeta(
      object.metadata,
      {
        namespaced: definition.namespaced,
        standardFinalizers: !resource.custom && !definition.anyFinalizers,
        ...(definition.validateName ? { validateName: definition.validateName } : {}),
      },
      path('metadata'),
    );
    errors.push(...wrong, ...(definition.validate?.(object, strategy) ?? []));
    if (errors.length > 0) throw invalid({ group: definition.group, kind: definition.kind }, object.metadata.name, errors);
    for (const warning of definition.warnings?.(object, undefined, strategy) ?? []) context.warn(warning);

    const attributes = admissionAttributes(request, 'CREATE', served, undefined);
    if (resource.fromStored && !resource.remote && handled(storage.admission, 'validate', attributes))
      attributes.object = fromStored(resource, copyJson(object));
    await runAdmission(storage.admission, 'validate', attributes);
    // The store's own refusal upstream: everything else comes before it, and a dry run does not reach it.
    if (!request.options.dryRun && /^0*[1-9]\d*$/.test(served.metadata.resourceVersion ?? '')) {
      throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
    }
    const value = encodeStored(stored, object);
    let revision: number;
    if (request.options.dryRun) {
      await storage.cacher.fresh();
      if (stored.cache.entries.has(key)) throw new KeyExistsError(key);
      revision = 0;
    } else {
      checkStoredSize(value);
      const ttlSeconds = definition.ttlSeconds?.(object);
      revision = await storage.cacher.store.create(key, value, ttlSeconds ? { ttlSeconds } : {});
    }
    const { cacher } = storage;
    const stands = { key, value, createRevision: revision, modRevision: revision };
    const entry = request.options.dryRun ? cacher.entryOf(stands) : cacher.written(stands);
    write.commit();
    return { entry, created: true };
  } catch (error) {
    await write.rollback();
    throw error instanceof KeyExistsError ? takenName(storage, request, name, key, generated) : error;
  }
}

function takenName(storage: Storage, { resource }: WriteRequest, name: string, key: string, generated: boolean): Error {
  const of = resource.groupResource;
  if (generated) {
    return new StatusError(
      409,
      'AlreadyExists',
      `${resource.definition.plural}${of.group ? `.${of.group}` : ''} "${name}" already exists, the server was not able to generate a unique name for the object`,
      { name, ...(of.group ? { group: of.group } : {}), kind: of.resource, retryAfterSeconds: 1 },
    );
  }
  const error = alreadyExists(of, name);
  const entry = resource.stored.cache.entries.get(key);
  if (entry?.json.includes('"deletionTimestamp"')) {
    const { metadata } = storage.cacher.decoded.of(entry);
    if (metadata.deletionTimestamp) {
      error.status.message = `object is being deleted: ${error.message}`;
    }
  }
  return error;
}
