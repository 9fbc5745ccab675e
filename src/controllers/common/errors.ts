/** Answers that a controller takes as an end rather than a failure. */
import { StatusError } from '../../apimachinery/errors.ts';

/** The namespace is being deleted: nothing new can be made in it, and nothing need be. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof StatusError && (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating');

/** Something that others must do first: to be looked at again with back-off, and no fault of anybody. */
export class NotYet extends Error {}
