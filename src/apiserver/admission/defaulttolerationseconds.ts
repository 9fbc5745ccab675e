/** Pods stay for five minutes on a node that is not ready or unreachable, unless they say otherwise. */
import { pods } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { AdmissionPlugin } from '../contracts.ts';
import { handlesKind, objectOf } from './attributes.ts';

const taints: readonly string[] = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** @param seconds how long a pod tolerates each */
export const defaultTolerationSeconds = (seconds = 300): AdmissionPlugin => ({
  name: 'DefaultTolerationSeconds',
  handles: handlesKind(pods, 'CREATE', 'UPDATE'),
  admit(attributes) {
    const { spec } = objectOf<Pod>(attributes);
    const own = spec.tolerations ?? [];
    const missing = taints.filter((taint) => !own.some(({ key, effect }) => (!key || key === taint) && (!effect || effect === 'NoExecute')));
    if (missing.length === 0) return;
    spec.tolerations = [...own, ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }))];
  },
});
