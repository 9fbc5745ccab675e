/** What goes wrong in decoding, in the words of upstream's JSON decoder, since clients and tests match on them. */
import { badRequest, type StatusError } from '../errors.ts';

/** The text of a body does not fit the type; `message` is the decoder's own, without the kind around it. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** How the decoder names a JSON value of the wrong type. */
export function valueKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

/** `path` holds the names of fields from the root, without indices and map keys. */
export function typeMismatch(value: string, goType: string, struct: string, path: readonly string[]): DecodeError {
  const where = path.length === 0 ? 'Go value' : `Go struct field ${struct}.${path.join('.')}`;
  return new DecodeError(`json: cannot unmarshal ${value} into ${where} of type ${goType}`);
}

/** One text for all that strict decoding found. */
export const strictDecodingMessage = (errors: readonly string[]): string => `strict decoding error: ${errors.join(', ')}`;

/** `Warning:` texts for what strict decoding found: one each, and one for each line of YAML's. */
export function strictDecodingWarnings(errors: readonly string[]): string[] {
  return errors.flatMap((error) => {
    if (!error.startsWith('yaml: unmarshal errors:\n')) return [error];
    return error
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
      .filter((line) => line !== '');
  });
}

/** The answer to a body that can't be decoded: 400 BadRequest. */
export const cannotBeHandled = (kind: string, version: string, asKind: string, message: string): StatusError =>
  badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${asKind}: ${message}`);
