/** Columns of policies and their bindings. */
import { formatLabelSelector } from '../../../apimachinery/selectors.ts';
import type { ParamKind, ParamRef } from './types.gen.ts';

export const paramKindCell = (kind: ParamKind | undefined): string => (kind ? `${kind.apiVersion}/${kind.kind}` : '<unset>');

/** Whether the parameter is in a namespace can't be told from here. */
export function paramRefCell(reference: ParamRef | undefined): string {
  if (!reference) return '<unset>';
  const { name, namespace, selector } = reference;
  if (name) return `${namespace || '*'}/${name}`;
  return selector ? formatLabelSelector(selector) : '<unset>';
}
