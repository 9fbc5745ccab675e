/** A pod in place grows no larger than its node. */
import { nodes } from '../../api/core/v1/node.ts';
import { podRequests } from '../../api/core/v1/pod/helpers.ts';
import { pods } from '../../api/core/v1/pod.ts';
import type { Node, Pod } from '../../api/core/v1/types.gen.ts';
import { own } from '../../apimachinery/own.ts';
import { compareQuantities, milliValue, value } from '../../apimachinery/quantity.ts';
import type { AdmissionPlugin, ObjectReader } from '../contracts.ts';
import { isAbout, objectOf, oldObjectOf, refusal } from './attributes.ts';

function tooLarge(pod: Pod, { status }: Node): string | undefined {
  const requests = podRequests(pod);
  const parts = (['cpu', 'memory'] as const).flatMap((name) => {
    const [asked, there] = [requests[name] ?? 0, own(status?.allocatable, name) ?? 0];
    const number = name === 'cpu' ? milliValue : value;
    return compareQuantities(asked, there) > 0 ? [`${name}, requested: ${number(asked)}, allocatable: ${number(there)}`] : [];
  });
  return parts.length > 0 ? `node didn't have enough allocatable resources: ${parts.join('; ')}` : undefined;
}

export const podResizeValidator = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'PodResizeValidator',
  handles: (attributes) => attributes.operation === 'UPDATE' && isAbout(attributes, pods, 'resize'),
  async validate(attributes) {
    const pod = objectOf<Pod>(attributes);
    const nodeName = pod.spec.nodeName ?? '';
    if (nodeName === '' || pod.metadata.generation === oldObjectOf(attributes).metadata.generation) return;
    const node = await reader.get<Node>(nodes, '', nodeName);
    if (!node) throw refusal(attributes, `node ${JSON.stringify(nodeName)} not found`);
    const os = node.metadata.labels?.['kubernetes.io/os'];
    if (os !== undefined && os !== 'linux')
      throw refusal(attributes, `pod resize is only supported on linux nodes, node ${JSON.stringify(nodeName)} is ${JSON.stringify(os)}`, [
        { reason: 'UnsupportedPlatform' },
      ]);
    const why = tooLarge(pod, node);
    if (why) throw refusal(attributes, why, [{ reason: 'NodeCapacity' }]);
  },
});
