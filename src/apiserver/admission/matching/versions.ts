/** A request as another version of the same resource: rules may name any of them. */
import type { KindDefinition } from '../../../api/kind.ts';
import { copyJson } from '../../../apimachinery/copy.ts';
import { decodeObject } from '../../../apimachinery/decode/object.ts';
import { type GroupVersionKind, type KubeObject, parseApiVersion } from '../../../apimachinery/meta.ts';
import type { StoredObject } from '../../cacher/resource-cache.ts';
import type { AdmissionAttributes } from '../../contracts.ts';
import type { KindRegistry, Resource } from '../../registry.ts';

/** All served versions, the definition's own first. */
export function versionsOf(registry: KindRegistry, definition: KindDefinition): KindDefinition[] {
  const own = registry.find(definition.group, definition.version, definition.plural);
  if (!own) return [definition];
  const others = [...registry.all()].filter((resource) => resource.stored === own.stored && resource !== own);
  return [definition, ...others.map((resource) => resource.definition)];
}

function convertBetween(from: Resource, to: Resource, object: KubeObject): KubeObject {
  const copy = copyJson(object) as StoredObject;
  const stored = from.toStored ? from.toStored(copy) : copy;
  return to.fromStored ? to.fromStored(stored, to.stored.apiVersion) : stored;
}

/** What a request is about, as one version sees it. Made once per version and request. */
export interface VersionedRequest {
  definition: KindDefinition;
  /** Of the object: for some subresources another kind than the resource's. */
  kind: GroupVersionKind;
  object?: KubeObject;
  oldObject?: KubeObject;
}

/** The kind of the body, or of the options of a connection; the resource's own when it does not say. */
function kindOf({ definition, subresource, object, oldObject }: AdmissionAttributes): GroupVersionKind {
  const { group, version, kind } = definition;
  const typed = object ?? oldObject;
  if (subresource !== '' && typed?.kind && typed.kind !== kind && typed.apiVersion) return { ...parseApiVersion(typed.apiVersion), kind: typed.kind };
  return { group, version, kind };
}

const isOwnKind = ({ definition }: AdmissionAttributes, { kind }: GroupVersionKind): boolean => kind === definition.kind;

/** The request in that version; the objects are copies where they had to be converted. */
export function versionedRequest(registry: KindRegistry, attributes: AdmissionAttributes, definition: KindDefinition): VersionedRequest {
  const { object, oldObject } = attributes;
  const kind = kindOf(attributes);
  const same = definition === attributes.definition || !isOwnKind(attributes, kind);
  const convert = (one: KubeObject): KubeObject => (same ? one : convertBetween(registry.of(attributes.definition), registry.of(definition), one));
  return {
    definition,
    kind: same ? kind : { group: definition.group, version: definition.version, kind: definition.kind },
    ...(object ? { object: convert(object) } : {}),
    ...(oldObject ? { oldObject: convert(oldObject) } : {}),
  };
}

/**
 * Takes over what a plugin made of the object, in whatever version: decoded as a request's body is, with defaults.
 * `attributes.object` stays the same object with new contents, since others hold it.
 * @throws a decoding error when a field has the wrong type
 */
export function replaceObject(registry: KindRegistry, attributes: AdmissionAttributes, definition: KindDefinition, changed: KubeObject): void {
  const target = attributes.object as unknown as Record<string, unknown>;
  let object = changed;
  const ownKind = isOwnKind(attributes, kindOf(attributes));
  if (ownKind) {
    const resource = registry.of(definition);
    object = decodeObject<KubeObject & Record<string, unknown>>(resource.struct, changed, { validation: 'Ignore' }).object;
    object.apiVersion = resource.apiVersion;
    object.kind = definition.kind;
    definition.setDefaults?.(object);
    if (definition !== attributes.definition) object = convertBetween(resource, registry.of(attributes.definition), object);
  }
  for (const key of Object.keys(target)) delete target[key];
  Object.assign(target, object);
}
