/** What plugins ask of a request, and how they refuse it. */
import type { KindDefinition } from '../../api/kind.ts';
import { forbidden, type StatusCause, type StatusError } from '../../apimachinery/errors.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { AdmissionAttributes } from '../contracts.ts';

/** Whether the request is about that resource (in whatever version) and that subresource; without one, about the object itself. */
export const isAbout = ({ definition, subresource }: AdmissionAttributes, kind: KindDefinition, of = ''): boolean =>
  definition.plural === kind.plural && definition.group === kind.group && subresource === of;

/** `handles` of a plugin that sees some operations on the objects of one kind. */
export const handlesKind =
  (kind: KindDefinition, ...operations: readonly AdmissionAttributes['operation'][]) =>
  (attributes: AdmissionAttributes): boolean =>
    operations.includes(attributes.operation) && isAbout(attributes, kind);

/** The object of a CREATE or UPDATE, as the kind that the plugin has checked it to be. */
export function objectOf<T extends KubeObject>({ object, definition }: AdmissionAttributes): T {
  if (!object) throw new Error(`${definition.kind}: admission without an object`);
  return object as T;
}

/** What stood before an UPDATE or DELETE. */
export function oldObjectOf<T extends KubeObject>({ oldObject, definition }: AdmissionAttributes): T {
  if (!oldObject) throw new Error(`${definition.kind}: admission without the object that stands`);
  return oldObject as T;
}

/** The name as refusals show it: names are generated after admission. */
const shownName = ({ name, object }: AdmissionAttributes): string => name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown';

/** The 403 of a plugin. */
export function refusal(attributes: AdmissionAttributes, why: string, causes: StatusCause[] = []): StatusError {
  const { group, plural } = attributes.definition;
  const error = forbidden({ group, resource: plural }, shownName(attributes), why);
  if (causes.length > 0) error.status.details = { ...error.status.details, causes };
  return error;
}
