/** Default requests and limits of containers, and bounds on what pods and claims ask for, per namespace. */
import { limitranges } from '../../../api/core/v1/limitrange.ts';
import { persistentvolumeclaims } from '../../../api/core/v1/persistentvolumeclaim.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { LimitRange, PersistentVolumeClaim, Pod } from '../../../api/core/v1/types.gen.ts';
import type { AdmissionAttributes, AdmissionPlugin, ObjectReader } from '../../contracts.ts';
import { aggregateMessages } from '../aggregate.ts';
import { isAbout, objectOf, refusal } from '../attributes.ts';
import { claimViolations, podViolations } from './constraints.ts';
import { applyDefaults } from './defaults.ts';

const aboutPod = (attributes: AdmissionAttributes): boolean =>
  attributes.operation === 'CREATE' ? isAbout(attributes, pods) : attributes.operation === 'UPDATE' && isAbout(attributes, pods, 'resize');
const aboutClaim = (attributes: AdmissionAttributes): boolean =>
  (attributes.operation === 'CREATE' || attributes.operation === 'UPDATE') && isAbout(attributes, persistentvolumeclaims);

export function limitRanger(reader: ObjectReader): AdmissionPlugin {
  const rangesOf = (namespace: string): Promise<readonly LimitRange[]> => reader.list<LimitRange>(limitranges, namespace);
  return {
    name: 'LimitRanger',
    handles: (attributes) => (aboutPod(attributes) || aboutClaim(attributes)) && attributes.oldObject?.metadata.deletionTimestamp === undefined,
    async admit(attributes) {
      if (!aboutPod(attributes)) return;
      for (const range of await rangesOf(attributes.namespace)) applyDefaults(range, objectOf<Pod>(attributes));
    },
    async validate(attributes) {
      const ofPod = aboutPod(attributes);
      for (const range of await rangesOf(attributes.namespace)) {
        const violations = ofPod ? podViolations(range, objectOf<Pod>(attributes)) : claimViolations(range, objectOf<PersistentVolumeClaim>(attributes));
        if (violations.length > 0) throw refusal(attributes, aggregateMessages(violations));
      }
    },
  };
}
