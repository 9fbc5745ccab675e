/** Finds pods by the node that they are on. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { Informer } from '../../client/informer.ts';
import { sharedIndex } from './ownership.ts';

const index = 'nodeName';

export function podsOnNodes(pods: Informer<Pod>): (nodeName: string) => Pod[] {
  sharedIndex(pods, index, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
  return (nodeName) => pods.byIndex(index, nodeName);
}
