/** `/checkpoint`: has the runtime write a running container's state to an archive. Source of the rule: KEP-2008. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { containerNamed } from '../containers/resources.ts';
import { messageOf } from '../context.ts';
import { findContainer } from '../runtime/model.ts';
import type { ServerParts } from './server.ts';
import { HttpError, podOf } from './streaming.ts';

/** Less is not waited for, whatever the caller says: upstream's `--runtime-request-timeout`. */
const leastSeconds = 120;

function secondsOf(query: URLSearchParams): number {
  const asked = query.getAll('timeout').at(-1);
  if (asked === undefined) return leastSeconds;
  if (!/^[+-]?\d+$/.test(asked)) throw new HttpError(404, 'cannot parse value of timeout parameter');
  if (Number(asked) < 0) throw new Error('CheckpointContainer requires the timeout value to be > 0');
  return Math.max(Number(asked), leastSeconds);
}

/** Where the archive is; segments are `<namespace>/<pod>/<container>`. Archives hold what was in memory, so root alone may read them. */
export async function checkpoint(parts: ServerParts, segments: readonly string[], query: URLSearchParams): Promise<{ items: string[] }> {
  const { context, cache } = parts;
  const [namespace = '', name = '', container = ''] = segments;
  const { uid, pod } = podOf(parts, { namespace, pod: name, uid: '', container });
  if (!containerNamed(pod, container)) throw new HttpError(404, `container ${container} does not exist`);
  try {
    const timeout = secondsOf(query);
    const found = findContainer(await cache.get(uid), container);
    if (found?.state !== 'running') throw new Error(`container ${container} not found`);
    const directory = join(context.options.rootDir, 'checkpoints');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const time = context
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    const location = join(directory, `checkpoint-${name}_${namespace}-${container}-${time}.tar`);
    await context.cri.checkpointContainer({ containerId: found.id, location, timeout });
    return { items: [location] };
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(500, `checkpointing of ${namespace}/${name}/${container} failed (${messageOf(error)})`);
  }
}
