/** How a patch that can't be read or applied is answered. */
import { StatusError } from '../errors.ts';

/**
 * The patch is readable but does not fit the object: 422. The reason why stays in the server's log, as upstream does;
 * the client gets a fixed sentence.
 */
export const doesNotApply = (why: string): StatusError =>
  new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {}, { cause: new Error(why) });

/** What upstream answers when its patch library fails in a way that it does not classify: 500 without a reason. */
export const unclassified = (message: string): StatusError => new StatusError(500, '', message);

/** The name of a JSON value's type, in Go's words. */
export function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value !== null && typeof value === 'object') return 'object';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
