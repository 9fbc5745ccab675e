/** What the pods of a template have alike is held once, though every pod comes with its own: they are most of what controllers hold. */
import type { Volume } from '../../api/core/v1/types.gen.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';

/** Of a generation; two are held, so that what is in use stays. */
const maxKnown = 512;

interface PodLike extends KubeObject {
  spec?: { containers?: unknown; initContainers?: unknown; tolerations?: unknown; volumes?: Volume[] };
}

/** Gives a function that replaces parts of an object by equal ones that it met before. */
export function createSharing(): <T extends KubeObject>(object: T) => T {
  let young = new Map<string, unknown>();
  let old = new Map<string, unknown>();

  function shared<V>(value: V): V {
    if (value === undefined || value === null) return value;
    const text = JSON.stringify(value);
    const known = (young.get(text) ?? old.get(text) ?? value) as V;
    if (!young.has(text)) {
      if (young.size >= maxKnown) [old, young] = [young, new Map()];
      young.set(text, known);
    }
    return known;
  }

  return (object) => {
    const { metadata, spec } = object as PodLike;
    if (metadata.ownerReferences) metadata.ownerReferences = shared(metadata.ownerReferences);
    if (!spec?.containers) return object;
    if (metadata.labels) metadata.labels = shared(metadata.labels);
    spec.containers = shared(spec.containers);
    if (spec.initContainers) spec.initContainers = shared(spec.initContainers);
    if (spec.tolerations) spec.tolerations = shared(spec.tolerations);
    for (const volume of spec.volumes ?? []) if (volume.projected) volume.projected = shared(volume.projected);
    return object;
  };
}
