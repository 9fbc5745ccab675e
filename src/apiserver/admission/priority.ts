/** Turns a pod's priority class into a number and a preemption policy. */
import { pods } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { priorityclasses } from '../../api/scheduling/v1/priorityclass.ts';
import type { PriorityClass } from '../../api/scheduling/v1/types.gen.ts';
import type { AdmissionAttributes, AdmissionPlugin, ObjectReader } from '../contracts.ts';
import { handlesKind, isAbout, objectOf, oldObjectOf, refusal } from './attributes.ts';

const writesPod = handlesKind(pods, 'CREATE', 'UPDATE');
const writesClass = handlesKind(priorityclasses, 'CREATE', 'UPDATE');
const defaultPolicy = 'PreemptLowerPriority';

export function priority(reader: ObjectReader): AdmissionPlugin {
  /** Of several (two servers may have let one in each), the lowest. */
  async function globalDefault(): Promise<PriorityClass | undefined> {
    const defaults = (await reader.list<PriorityClass>(priorityclasses)).filter((one) => one.globalDefault);
    return defaults.reduce<PriorityClass | undefined>((lowest, one) => (!lowest || (one.value ?? 0) < (lowest.value ?? 0) ? one : lowest), undefined);
  }

  async function classOf(attributes: AdmissionAttributes, name: string): Promise<{ name: string; value: number; preemptionPolicy?: string }> {
    const found = name === '' ? await globalDefault() : await reader.get<PriorityClass>(priorityclasses, '', name);
    if (!found) {
      if (name !== '') throw refusal(attributes, `no PriorityClass with name ${name} was found`);
      return { name: '', value: 0, preemptionPolicy: defaultPolicy };
    }
    return { name: found.metadata.name, value: found.value ?? 0, ...(found.preemptionPolicy ? { preemptionPolicy: found.preemptionPolicy } : {}) };
  }

  async function admitCreate(attributes: AdmissionAttributes, { spec }: Pod): Promise<void> {
    const { name, value, preemptionPolicy } = await classOf(attributes, spec.priorityClassName ?? '');
    if (name !== '') spec.priorityClassName = name;
    if (spec.priority !== undefined && spec.priority !== value)
      throw refusal(
        attributes,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    spec.priority = value;
    if (preemptionPolicy === undefined) return;
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy)
      throw refusal(
        attributes,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
      );
    spec.preemptionPolicy = preemptionPolicy;
  }

  return {
    name: 'Priority',
    handles: (attributes) => writesPod(attributes) || writesClass(attributes),
    async admit(attributes) {
      if (!isAbout(attributes, pods)) return;
      const pod = objectOf<Pod>(attributes);
      if (attributes.operation === 'CREATE') return admitCreate(attributes, pod);
      // A client that leaves out what admission filled in does not mean to remove it.
      const { spec } = oldObjectOf<Pod>(attributes);
      if (spec.priority !== undefined) pod.spec.priority ??= spec.priority;
      if (spec.preemptionPolicy !== undefined) pod.spec.preemptionPolicy ??= spec.preemptionPolicy;
    },
    async validate(attributes) {
      if (!isAbout(attributes, priorityclasses)) return;
      const object = objectOf<PriorityClass>(attributes);
      if (!object.globalDefault) return;
      const other = await globalDefault();
      if (other && (attributes.operation === 'CREATE' || other.metadata.name !== object.metadata.name))
        throw refusal(attributes, `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`);
    },
  };
}
