/** Names of types in the documents. */
import type { KindDefinition } from '../kind.ts';

/** Custom kinds are named by their group turned round: `com.example.v1.Widget`. */
function customName({ group, version, kind }: KindDefinition): string {
  return [...group.split('.').reverse(), version, kind].join('.');
}

/** Of a kind and its list; kinds without a schema in the table are custom ones. */
export function refNames(definition: KindDefinition): { object: string; list: string } {
  const object = definition.schema === '' ? customName(definition) : definition.schema;
  const list = definition.listKind ?? `${definition.kind}List`;
  return { object, list: object.slice(0, object.lastIndexOf('.') + 1) + list };
}
