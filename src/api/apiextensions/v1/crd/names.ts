/** The names of a custom kind. Source of the rules: upstream's `apiextensions/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDns1035Label } from '../../../../apimachinery/names.ts';
import type { CustomResourceDefinitionNames } from '../types.gen.ts';

/** Names that a definition must have; those that were accepted may be missing. */
export const requiredNames = (names: CustomResourceDefinitionNames, at: FieldPath): FieldError[] =>
  (['plural', 'singular', 'kind', 'listKind'] as const).flatMap((name) => (names[name] ? [] : [required(at.child(name))]));

/** Of the definition, and of what was accepted of it: an empty name is not judged. */
export function validateNames(names: CustomResourceDefinitionNames, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const label = (value: string, field: FieldPath, mixedCase = false): void => {
    const wrong = validateDns1035Label(mixedCase ? value.toLowerCase() : value);
    if (wrong.length === 0) return;
    errors.push(invalidValue(field, value, (mixedCase ? 'may have mixed case, but should otherwise match: ' : '') + wrong.join(',')));
  };
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = names;
  if (plural) label(plural, at.child('plural'));
  if (singular) label(singular, at.child('singular'));
  if (kind) label(kind, at.child('kind'), true);
  if (listKind) label(listKind, at.child('listKind'), true);
  for (const [index, name] of shortNames.entries()) label(name, at.child('shortNames').index(index));
  if (kind && kind === listKind) errors.push(invalidValue(at.child('listKind'), listKind, 'kind and listKind may not be the same'));
  for (const [index, name] of categories.entries()) label(name, at.child('categories').index(index));
  return errors;
}
