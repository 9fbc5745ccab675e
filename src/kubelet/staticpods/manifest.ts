/** One manifest of a static pod: from text to the pod as this node runs it. */
import { createHash } from 'node:crypto';
import { setPodDefaults } from '../../api/core/v1/pod/defaults.ts';
import { apiReference } from '../../api/core/v1/pod/references.ts';
import { validatePodCreate } from '../../api/core/v1/pod/validation.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { structOf } from '../../api/schema.ts';
import { parseYaml } from '../../apimachinery/codec/yaml.ts';
import { decodeObject } from '../../apimachinery/decode/object.ts';
import { path } from '../../apimachinery/fieldpath.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import { validateObjectMeta } from '../../apimachinery/validation/objectmeta.ts';
import { hashAnnotation, seenAnnotation, sourceAnnotation } from '../podworker/critical.ts';

/** The uid is a digest of manifest, file and node: the same pod keeps it when the kubelet starts anew. */
function uidOf(pod: Pod, file: string, node: string): string {
  return (
    pod.metadata.uid ||
    createHash('md5')
      .update(`${JSON.stringify(pod)}host:${node}file:${file}`)
      .digest('hex')
  );
}

/** Throws with what is wrong. `file` is where the text comes from. */
export function parseManifest(text: string, file: string, node: string, now: Date): Pod {
  const value = parseYaml(text);
  const { apiVersion, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
  if (apiVersion !== 'v1' || kind !== 'Pod') throw new Error(`invalid pod: ${String(kind)} of ${String(apiVersion)} is no Pod`);
  const { object: pod } = decodeObject<Pod>(structOf('io.k8s.api.core.v1.Pod'), value, { validation: 'Ignore' });
  if (!pod.metadata?.name) throw new Error('invalid pod: name is needed for the pod');
  const uid = uidOf(pod, file, node);
  pod.apiVersion = 'v1';
  pod.kind = 'Pod';
  pod.metadata = {
    ...pod.metadata,
    uid,
    name: `${pod.metadata.name}-${node.toLowerCase()}`,
    namespace: pod.metadata.namespace || 'default',
    annotations: { ...pod.metadata.annotations, [hashAnnotation]: uid, [sourceAnnotation]: 'file', [seenAnnotation]: timeOf(now) },
  };
  pod.spec ??= { containers: [] };
  pod.spec.nodeName = node;
  // Nothing that befalls the node puts it out.
  const always = { operator: 'Exists', effect: 'NoExecute' };
  const tolerated = (pod.spec.tolerations ?? []).some(({ key, operator, effect }) => !key && operator === always.operator && effect === always.effect);
  if (!tolerated) pod.spec.tolerations = [...(pod.spec.tolerations ?? []), always];
  setPodDefaults(pod);
  pod.status = { phase: 'Pending' };
  const errors = [...validateObjectMeta(pod.metadata, { namespaced: true }, path('metadata')), ...validatePodCreate(pod)];
  if (errors.length) throw new Error(`invalid pod: [${errors.map((error) => error.message()).join(', ')}]`);
  const reference = apiReference(pod);
  if (reference) throw new Error(`static pods may not reference ${reference}`);
  return pod;
}
