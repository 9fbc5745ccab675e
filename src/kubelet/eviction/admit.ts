/** Whether a node under pressure takes a further pod. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { qosClassOf } from '../containers/resources.ts';
import { isCriticalPod } from '../podworker/critical.ts';
import type { PressureType } from './thresholds.ts';

const memoryTaint = 'node.kubernetes.io/memory-pressure';

export function pressureRefusal(pod: Pod, conditions: ReadonlySet<PressureType>): { reason: string; message: string } | undefined {
  if (conditions.size === 0 || isCriticalPod(pod)) return undefined;
  if (conditions.size === 1 && conditions.has('MemoryPressure')) {
    if (qosClassOf(pod) !== 'BestEffort') return undefined;
    const tolerates = (pod.spec.tolerations ?? []).some(
      ({ key = '', operator = 'Equal', value = '', effect = '' }) =>
        (effect === '' || effect === 'NoSchedule') && (key === memoryTaint || (key === '' && operator === 'Exists')) && (operator === 'Exists' || value === ''),
    );
    if (tolerates) return undefined;
  }
  return { reason: 'Evicted', message: `The node had condition: [${[...conditions].join(' ')}]. ` };
}
