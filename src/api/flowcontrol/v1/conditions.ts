/** Conditions of both kinds of flow control. */
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { duplicate, path, required } from '../../../apimachinery/fieldpath.ts';

interface WithConditions {
  status?: { conditions?: { type?: string }[] };
}

/** Each has a type of its own. */
export function validateFlowControlStatus({ status }: WithConditions): FieldError[] {
  const conditions = status?.conditions ?? [];
  return conditions.flatMap(({ type = '' }, index) => {
    const at = path('status', 'conditions').index(index).child('type');
    const repeated = conditions.findIndex((condition) => (condition.type ?? '') === type) < index;
    return [...(repeated ? [duplicate(at, type)] : []), ...(type === '' ? [required(at)] : [])];
  });
}
