/** Paths inside volumes and containers. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { invalidValue } from '../../../../../apimachinery/fieldpath.ts';

const fileModeMessage = 'must be a number between 0 and 0777 (octal), both inclusive';

export const validateNoBacksteps = (target: string, path: FieldPath): FieldError[] =>
  target.split('/').includes('..') ? [invalidValue(path, target, "must not contain '..'")] : [];

/** Relative, and never up. */
export function validateDescendingPath(target: string, path: FieldPath): FieldError[] {
  const errors = target.startsWith('/') ? [invalidValue(path, target, 'must be a relative path')] : [];
  return [...errors, ...validateNoBacksteps(target, path)];
}

/** Also not beginning with two dots: such names are used for atomic updates of volumes. */
export function validateNonReservedPath(target: string, path: FieldPath): FieldError[] {
  const errors = validateDescendingPath(target, path);
  if (target.startsWith('..') && !target.startsWith('../')) errors.push(invalidValue(path, target, "must not start with '..'"));
  return errors;
}

export const validateFileMode = (mode: number | undefined, path: FieldPath): FieldError[] =>
  mode !== undefined && (mode < 0 || mode > 0o777) ? [invalidValue(path, mode, fileModeMessage)] : [];
