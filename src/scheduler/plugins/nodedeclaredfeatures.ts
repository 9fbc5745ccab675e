/** NodeDeclaredFeatures: a pod that uses something that not every kubelet can do goes where the kubelet says that it can (KEP-5328). */
import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { type SchedulerPlugin, unresolvable } from '../framework/plugin.ts';

const rejection = unresolvable('NodeDeclaredFeatures', "node(s) didn't match Pod's required features");

/** Features that a kubelet must declare before the pod can run there. */
function featuresOf({ spec }: Pod): string[] {
  const restarting = [...spec.containers, ...(spec.initContainers ?? [])].some((container) =>
    container.restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  );
  return [
    ...(restarting ? ['RestartAllContainersOnContainerExits'] : []),
    ...(spec.hostNetwork && spec.hostUsers === false ? ['UserNamespacesHostNetworkSupport'] : []),
  ];
}

export const nodeDeclaredFeatures: SchedulerPlugin = {
  filter({ pod }) {
    const wanted = featuresOf(pod);
    if (wanted.length === 0) return undefined;
    return { filter: ({ node }) => (wanted.every((feature) => node.status?.declaredFeatures?.includes(feature)) ? undefined : rejection) };
  },
  wakes: [
    { on: 'node/add' },
    {
      on: 'node/features',
      helps: (_pod, event) => event.resource === 'node' && !isDeepStrictEqual(event.old?.status?.declaredFeatures, event.object?.status?.declaredFeatures),
    },
  ],
};
