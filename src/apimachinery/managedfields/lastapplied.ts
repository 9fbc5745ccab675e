/** The way from client-side apply (`kubectl apply` with its annotation) to server-side apply. */
import type { KubeObject } from '../meta.ts';
import type { Struct } from '../schema.ts';
import { compare, fieldsOf } from './compare.ts';
import { difference, has } from './fieldset.ts';
import { typeOfStruct } from './ownership.ts';
import { typeErrors } from './validate.ts';

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * What kubectl applied from the client and what still stands so: kubectl may take it without force.
 * Undefined when the annotation is missing or of no use.
 */
export function allowedByLastApplied(live: KubeObject, struct: Struct, apiVersion: string): ((path: readonly string[]) => boolean) | undefined {
  const text = live.metadata.annotations?.[lastAppliedAnnotation];
  if (!text) return undefined;
  const applied = parse(text);
  if (applied?.apiVersion !== apiVersion || typeErrors(struct, applied) !== '') return undefined;
  const type = typeOfStruct(struct);
  const { added, modified, removed } = compare(type, applied, live);
  const owned = difference(difference(difference(fieldsOf(type, applied), modified), added), removed);
  return (path) => has(owned, path);
}

function parse(text: string): KubeObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as KubeObject) : undefined;
  } catch {
    return undefined;
  }
}

/** kubectl's server-side apply keeps the annotation in step where an object has it, so that one may go back. */
export function syncLastApplied(object: KubeObject, applied: KubeObject): void {
  const annotations = object.metadata.annotations;
  if (!annotations?.[lastAppliedAnnotation]) return;
  const copy = structuredClone(applied);
  const own = copy.metadata?.annotations;
  if (own) {
    delete own[lastAppliedAnnotation];
    if (Object.keys(own).length === 0) delete copy.metadata.annotations;
  }
  const text = `${JSON.stringify(sorted(copy))}\n`;
  if (text.length <= maxAnnotationBytes) annotations[lastAppliedAnnotation] = text;
  else delete annotations[lastAppliedAnnotation];
}

/** What all annotations of an object may take together; an object that is larger goes without. */
const maxAnnotationBytes = 256 * 1024;

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(fields)
      .sort()
      .map((key) => [key, sorted(fields[key])]),
  );
}
