/** Server-side apply. */
import { unsupportedMediaType } from '../../apimachinery/errors.ts';
import type { Storage, WriteRequest, Written } from './types.ts';

/** `applied` is the parsed configuration of the client. */
export async function applyObject(_storage: Storage, _request: WriteRequest, _applied: unknown): Promise<Written> {
  throw unsupportedMediaType('server-side apply is not served by this server');
}
