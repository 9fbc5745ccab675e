/** What the scheduler keeps of a pod: the rest is dropped before it enters the informer's cache. */
import type { Container, Pod } from '../api/core/v1/types.gen.ts';

const slimContainer = ({ name, image, ports, resources, restartPolicy, restartPolicyRules }: Container): Container => ({
  name,
  image,
  ports,
  resources,
  restartPolicy,
  ...(restartPolicyRules ? { restartPolicyRules } : {}),
});

/** Everything that filters, scores and events look at. */
export function slimPod(pod: Pod): Pod {
  const { metadata, spec, status } = pod;
  const { annotations: _annotations, ...kept } = metadata;
  return {
    // Items of a list don't name their kind; events about them must.
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: kept,
    spec: {
      ...spec,
      containers: spec.containers.map(slimContainer),
      ...(spec.initContainers ? { initContainers: spec.initContainers.map(slimContainer) } : {}),
      ephemeralContainers: undefined,
      securityContext: undefined,
    },
    status: status && {
      phase: status.phase,
      conditions: status.conditions,
      nominatedNodeName: status.nominatedNodeName,
      startTime: status.startTime,
      resourceClaimStatuses: status.resourceClaimStatuses,
      resize: status.resize,
      resources: status.resources,
      allocatedResources: status.allocatedResources,
      containerStatuses: status.containerStatuses?.map(slimStatus),
      initContainerStatuses: status.initContainerStatuses?.map(slimStatus),
    },
  };
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

const slimStatus = ({ name, resources, allocatedResources, image, imageID, ready, restartCount }: ContainerStatus): ContainerStatus => ({
  name,
  resources,
  allocatedResources,
  image,
  imageID,
  ready,
  restartCount,
});
