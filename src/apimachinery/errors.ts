/**
 * Errors of the API: `metav1.Status` as a value that can be thrown.
 * Codes, reasons and messages are those that client-go and kubectl act on (apimachinery `api/errors`).
 */
import type { FieldError } from './fieldpath.ts';

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, unknown>;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

/** A failure with the `Status` that the client gets. */
export class StatusError extends Error {
  readonly status: Status;

  constructor(code: number, reason: string, message: string, details?: StatusDetails, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StatusError';
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason ? { reason } : {}),
      ...(details ? { details } : {}),
      code,
    };
  }

  /** From a `Status` that a server answered. */
  static from(status: Partial<Status> & { code: number }): StatusError {
    return new StatusError(status.code, status.reason ?? '', status.message ?? `the server answered ${status.code}`, status.details);
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** A resource as error messages name it: `pods`, `deployments.apps`. */
export interface GroupResource {
  group: string;
  resource: string;
}

export const groupResourceName = ({ group, resource }: GroupResource): string => (group === '' ? resource : `${resource}.${group}`);

const about = ({ group, resource }: GroupResource, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(group ? { group } : {}),
  kind: resource,
});

export const notFound = (of: GroupResource, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${groupResourceName(of)} "${name}" not found`, about(of, name));

/** The answer for a path that is no resource at all. */
export const noSuchPath = (): StatusError => new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});

export const alreadyExists = (of: GroupResource, name: string): StatusError =>
  new StatusError(409, 'AlreadyExists', `${groupResourceName(of)} "${name}" already exists`, about(of, name));

export const conflict = (of: GroupResource, name: string, why: string): StatusError =>
  new StatusError(409, 'Conflict', `Operation cannot be fulfilled on ${groupResourceName(of)} "${name}": ${why}`, about(of, name));

/** What an update with a stale `resourceVersion` gets. */
export const staleObject = (of: GroupResource, name: string): StatusError =>
  conflict(of, name, 'the object has been modified; please apply your changes to the latest version and try again');

export const forbidden = (of: GroupResource, name: string, why: string): StatusError =>
  new StatusError(
    403,
    'Forbidden',
    of.resource === ''
      ? `forbidden: ${why}`
      : name === ''
        ? `${groupResourceName(of)} is forbidden: ${why}`
        : `${groupResourceName(of)} "${name}" is forbidden: ${why}`,
    of.resource === '' ? {} : about(of, name),
  );

export const unauthorized = (message = 'Unauthorized'): StatusError => new StatusError(401, 'Unauthorized', message);
export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);
/** A resourceVersion or continue token whose history is compacted away. */
export const expired = (message: string): StatusError => new StatusError(410, 'Expired', message);
export const methodNotSupported = (of: GroupResource, action: string): StatusError =>
  new StatusError(405, 'MethodNotAllowed', `${action} is not supported on resources of kind "${groupResourceName(of)}"`, {
    ...(of.group ? { group: of.group } : {}),
    kind: of.resource,
  });
export const tooLarge = (message: string): StatusError => new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`);
export const unsupportedMediaType = (message: string): StatusError => new StatusError(415, 'UnsupportedMediaType', message);
export const notAcceptable = (message: string): StatusError => new StatusError(406, 'NotAcceptable', message);
export const tooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  new StatusError(429, 'TooManyRequests', message, { retryAfterSeconds });
export const internalError = (cause: unknown): StatusError => {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] }, { cause });
};
export const serviceUnavailable = (message: string): StatusError => new StatusError(503, 'ServiceUnavailable', message);
export const timeout = (message: string, retryAfterSeconds = 0): StatusError =>
  new StatusError(504, 'Timeout', `Timeout: ${message}`, retryAfterSeconds ? { retryAfterSeconds } : {});

/** 422 with one cause per field error, in the order in which validation found them. */
export function invalid(of: { group: string; kind: string }, name: string | undefined, errors: readonly FieldError[]): StatusError {
  const unique = [...new Set(errors.map((error) => error.message()))];
  const text = unique.length === 0 ? '' : unique.length === 1 ? `: ${unique[0]}` : `: [${unique.join(', ')}]`;
  const kind = of.group === '' ? of.kind : `${of.kind}.${of.group}`;
  return new StatusError(422, 'Invalid', `${kind} "${name ?? ''}" is invalid${text}`, {
    ...(name ? { name } : {}),
    ...(of.group ? { group: of.group } : {}),
    ...(of.kind ? { kind: of.kind } : {}),
    causes: errors.map((error) => ({ reason: error.type, message: error.body(), field: error.field })),
  });
}

export const isStatus = (error: unknown, reason: string): error is StatusError => error instanceof StatusError && error.reason === reason;
export const isNotFound = (error: unknown): error is StatusError => isStatus(error, 'NotFound');
export const isAlreadyExists = (error: unknown): error is StatusError => isStatus(error, 'AlreadyExists');
export const isConflict = (error: unknown): error is StatusError => isStatus(error, 'Conflict');
export const isGone = (error: unknown): error is StatusError => error instanceof StatusError && error.code === 410;
