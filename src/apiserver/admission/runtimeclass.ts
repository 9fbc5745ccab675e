/** A pod gets the overhead of its runtime class, and the node selector and tolerations by which it reaches nodes that have it. */
import { pods } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { runtimeclasses } from '../../api/node/v1/runtimeclass.ts';
import type { RuntimeClass } from '../../api/node/v1/types.gen.ts';
import { StatusError } from '../../apimachinery/errors.ts';
import { own } from '../../apimachinery/own.ts';
import { equalQuantities } from '../../apimachinery/quantity.ts';
import type { AdmissionAttributes, AdmissionPlugin, ObjectReader } from '../contracts.ts';
import { handlesKind, objectOf, refusal } from './attributes.ts';
import { mergeTolerations } from './tolerations.ts';

type Amounts = Readonly<Record<string, string | number>>;

function sameAmounts(a: Amounts, b: Amounts): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && equalQuantities(a[name] ?? 0, b[name] ?? 0));
}

const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

export function runtimeClass(reader: ObjectReader): AdmissionPlugin {
  async function classOf(attributes: AdmissionAttributes, { spec }: Pod): Promise<RuntimeClass | undefined> {
    if (spec.runtimeClassName === undefined) return undefined;
    // Upstream's client refuses to ask.
    if (spec.runtimeClassName === '') throw new StatusError(500, '', 'resource name may not be empty');
    const found = await reader.get<RuntimeClass>(runtimeclasses, '', spec.runtimeClassName);
    if (!found) throw refusal(attributes, `pod rejected: RuntimeClass ${JSON.stringify(spec.runtimeClassName)} not found`);
    return found;
  }

  function setOverhead(attributes: AdmissionAttributes, { spec }: Pod, { overhead }: RuntimeClass): void {
    if (!overhead) return;
    const fixed = overhead.podFixed ?? {};
    if (Object.keys(spec.overhead ?? {}).length > 0 && !sameAmounts(fixed, spec.overhead ?? {})) throw refusal(attributes, mismatch);
    spec.overhead = { ...fixed };
  }

  function setScheduling(attributes: AdmissionAttributes, { spec }: Pod, { scheduling }: RuntimeClass): void {
    if (!scheduling) return;
    for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
      const asked = own(spec.nodeSelector, key);
      if (asked !== undefined && asked !== value)
        throw refusal(attributes, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${asked}`);
    }
    if (scheduling.nodeSelector) spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector };
    if (spec.tolerations || scheduling.tolerations) spec.tolerations = mergeTolerations(spec.tolerations ?? [], scheduling.tolerations ?? []);
  }

  return {
    name: 'RuntimeClass',
    handles: handlesKind(pods, 'CREATE'),
    async admit(attributes) {
      const pod = objectOf<Pod>(attributes);
      const found = await classOf(attributes, pod);
      if (!found) return;
      setOverhead(attributes, pod, found);
      setScheduling(attributes, pod, found);
    },
    async validate(attributes) {
      const pod = objectOf<Pod>(attributes);
      const found = await classOf(attributes, pod);
      if (found?.overhead) {
        if (!sameAmounts(found.overhead.podFixed ?? {}, pod.spec.overhead ?? {})) throw refusal(attributes, mismatch);
      } else if (pod.spec.overhead !== undefined)
        throw refusal(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
    },
  };
}
