/** The pod resources API, `v1`: names, types and numbers of its messages. */
import protobuf from 'protobufjs';

const text = (id: number) => ({ type: 'string', id });
const list = (type: string, id: number) => ({ rule: 'repeated', type, id });
const topology = (id: number) => ({ type: 'TopologyInfo', id });
const method = (requestType: string, responseType: string) => ({ requestType, responseType });

const v1 = {
  PodResourcesLister: {
    methods: {
      List: method('ListPodResourcesRequest', 'ListPodResourcesResponse'),
      GetAllocatableResources: method('AllocatableResourcesRequest', 'AllocatableResourcesResponse'),
      Get: method('GetPodResourcesRequest', 'GetPodResourcesResponse'),
    },
  },
  AllocatableResourcesRequest: { fields: {} },
  AllocatableResourcesResponse: { fields: { devices: list('ContainerDevices', 1), cpuIds: list('int64', 2), memory: list('ContainerMemory', 3) } },
  ListPodResourcesRequest: { fields: {} },
  ListPodResourcesResponse: { fields: { podResources: list('PodResources', 1) } },
  GetPodResourcesRequest: { fields: { podName: text(1), podNamespace: text(2) } },
  GetPodResourcesResponse: { fields: { podResources: { type: 'PodResources', id: 1 } } },
  PodResources: { fields: { name: text(1), namespace: text(2), containers: list('ContainerResources', 3) } },
  ContainerResources: {
    fields: {
      name: text(1),
      devices: list('ContainerDevices', 2),
      cpuIds: list('int64', 3),
      memory: list('ContainerMemory', 4),
      dynamicResources: list('DynamicResource', 5),
    },
  },
  ContainerMemory: { fields: { memoryType: text(1), size: { type: 'uint64', id: 2 }, topology: topology(3) } },
  ContainerDevices: { fields: { resourceName: text(1), deviceIds: list('string', 2), topology: topology(3) } },
  TopologyInfo: { fields: { nodes: list('NUMANode', 1) } },
  NUMANode: { fields: { ID: { type: 'int64', id: 1 } } },
  DynamicResource: { fields: { claimName: text(2), claimNamespace: text(3), claimResources: list('ClaimResource', 4) } },
  ClaimResource: { fields: { cdiDevices: list('CDIDevice', 1), driverName: text(2), poolName: text(3), deviceName: text(4), shareId: text(5) } },
  CDIDevice: { fields: { name: text(1) } },
};

export const messages = protobuf.Root.fromJSON({ nested: { v1: { nested: v1 } } } as protobuf.INamespace);
