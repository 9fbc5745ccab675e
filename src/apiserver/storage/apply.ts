/** Server-side apply. */
import { copyJson } from '../../apimachinery/copy.ts';
import { badRequest, conflict } from '../../apimachinery/errors.ts';
import { applyServerSide } from '../../apimachinery/managedfields/index.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import { fieldManagerInput } from './fieldmanager.ts';
import type { Storage, WriteRequest, Written } from './types.ts';
import { checkName, updateObject } from './update.ts';

/** `applied` is the parsed configuration of the client. What does not exist is created. */
export function applyObject(storage: Storage, request: WriteRequest, applied: unknown): Promise<Written> {
  const { resource, options, name, namespace } = request;
  if (typeof applied !== 'object' || applied === null || Array.isArray(applied)) throw badRequest('error decoding YAML: the patch is no object');
  const uid = (applied as KubeObject).metadata?.uid;
  return updateObject(storage, request, {
    forceCreate: true,
    tracksFields: true,
    apply(live) {
      if (uid && !live)
        throw conflict(resource.groupResource, name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
      const object = applyServerSide({
        ...fieldManagerInput(request),
        kind: resource.definition.kind,
        live,
        applied: copyJson(applied) as KubeObject,
        force: options.force ?? false,
      }) as StoredObject;
      checkName(object, name, namespace);
      return object;
    },
  });
}
