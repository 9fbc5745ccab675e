/** The answer to an apply that sets what others own. Clients parse the causes and the message. */
import { StatusError } from '../errors.ts';
import { quote } from '../fieldpath.ts';
import { showPath } from './element.ts';
import { forEachMember } from './fieldset.ts';
import type { Manager, Managers } from './managers.ts';
import type { Conflicts } from './ownership.ts';

export interface Conflict {
  identity: string;
  path: readonly string[];
}

/** One conflict per field, by manager. */
export function listConflicts(conflicts: Conflicts): Conflict[] {
  const list: Conflict[] = [];
  for (const { identity, fields } of [...conflicts].sort((a, b) => (a.identity < b.identity ? -1 : 1))) {
    forEachMember(fields, (path) => list.push({ identity, path: [...path] }));
  }
  return list;
}

function describe({ manager, subresource, operation, apiVersion }: Manager): string {
  const name = subresource === '' ? quote(manager) : `${quote(manager)} with subresource ${quote(subresource)}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}

/** 409 Conflict with a cause `FieldManagerConflict` for each field. */
export function conflictError(conflicts: readonly Conflict[], managers: Managers): StatusError {
  const described = conflicts.map(({ identity, path }) => ({ by: describe(managers.get(identity) as Manager), field: showPath(path) }));
  const causes = described.map(({ by, field }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${by}`, field }));
  return new StatusError(409, 'Conflict', messageOf(described), { causes });
}

function messageOf(described: readonly { by: string; field: string }[]): string {
  const [first] = described;
  if (described.length === 1 && first) return `Apply failed with 1 conflict: conflict with ${first.by}: ${first.field}`;
  const byManager = Map.groupBy(described, ({ by }) => by);
  const lines = [...byManager].flatMap(([by, fields]) => [`conflicts with ${by}:`, ...fields.map(({ field }) => `- ${field}`)]);
  return `Apply failed with ${described.length} conflicts: ${lines.join('\n')}`;
}
