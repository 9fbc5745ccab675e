/** Writing a status that was computed from the cache. */
import { isConflict } from '../../apimachinery/errors.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { ResourceClient } from '../../client/client.ts';

/** Writes what `withStatus` makes of the object; when that has changed meanwhile, once more of what it is now, if it is the same object still. */
export async function writeStatus<T extends KubeObject>(resource: ResourceClient<T>, object: T, withStatus: (object: T) => T): Promise<T> {
  try {
    return await resource.updateStatus(withStatus(object));
  } catch (error) {
    if (!isConflict(error)) throw error;
    const { namespace = '', name, uid } = object.metadata;
    const fresh = await resource.get(namespace, name);
    if (fresh.metadata.uid !== uid) throw error;
    return resource.updateStatus(withStatus(fresh));
  }
}
