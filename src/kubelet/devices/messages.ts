/** What a device plugin and the kubelet say to each other: `v1beta1` of the device plugin API, names, types and numbers. */
import protobuf from 'protobufjs';

const text = (id: number) => ({ type: 'string', id });
const texts = (id: number) => ({ rule: 'repeated', type: 'string', id });
const list = (type: string, id: number) => ({ rule: 'repeated', type, id });
const map = (id: number) => ({ keyType: 'string', type: 'string', id });
const bool = (id: number) => ({ type: 'bool', id });
const method = (requestType: string, responseType: string) => ({ requestType, responseType });

const v1beta1 = {
  Registration: { methods: { Register: method('RegisterRequest', 'Empty') } },
  Empty: { fields: {} },
  RegisterRequest: { fields: { version: text(1), endpoint: text(2), resourceName: text(3), options: { type: 'DevicePluginOptions', id: 4 } } },
  DevicePluginOptions: { fields: { preStartRequired: bool(1), getPreferredAllocationAvailable: bool(2) } },
  DevicePlugin: {
    methods: {
      GetDevicePluginOptions: method('Empty', 'DevicePluginOptions'),
      ListAndWatch: { ...method('Empty', 'ListAndWatchResponse'), responseStream: true },
      GetPreferredAllocation: method('PreferredAllocationRequest', 'PreferredAllocationResponse'),
      Allocate: method('AllocateRequest', 'AllocateResponse'),
      PreStartContainer: method('PreStartContainerRequest', 'PreStartContainerResponse'),
    },
  },
  ListAndWatchResponse: { fields: { devices: list('Device', 1) } },
  Device: { fields: { ID: text(1), health: text(2), topology: { type: 'TopologyInfo', id: 3 } } },
  TopologyInfo: { fields: { nodes: list('NUMANode', 1) } },
  NUMANode: { fields: { ID: { type: 'int64', id: 1 } } },
  PreStartContainerRequest: { fields: { devicesIds: texts(1) } },
  PreStartContainerResponse: { fields: {} },
  PreferredAllocationRequest: { fields: { containerRequests: list('ContainerPreferredAllocationRequest', 1) } },
  ContainerPreferredAllocationRequest: {
    fields: { availableDeviceIDs: texts(1), mustIncludeDeviceIDs: texts(2), allocationSize: { type: 'int32', id: 3 } },
  },
  PreferredAllocationResponse: { fields: { containerResponses: list('ContainerPreferredAllocationResponse', 1) } },
  ContainerPreferredAllocationResponse: { fields: { deviceIDs: texts(1) } },
  AllocateRequest: { fields: { containerRequests: list('ContainerAllocateRequest', 1) } },
  ContainerAllocateRequest: { fields: { devicesIds: texts(1) } },
  AllocateResponse: { fields: { containerResponses: list('ContainerAllocateResponse', 1) } },
  ContainerAllocateResponse: {
    fields: { envs: map(1), mounts: list('Mount', 2), devices: list('DeviceSpec', 3), annotations: map(4), cdiDevices: list('CDIDevice', 5) },
  },
  Mount: { fields: { containerPath: text(1), hostPath: text(2), readOnly: bool(3) } },
  DeviceSpec: { fields: { containerPath: text(1), hostPath: text(2), permissions: text(3) } },
  CDIDevice: { fields: { name: text(1) } },
};

export const messages = protobuf.Root.fromJSON({ nested: { v1beta1: { nested: v1beta1 } } } as protobuf.INamespace);

export interface Device {
  ID: string;
  /** `Healthy` or anything else. */
  health: string;
  topology?: { nodes: { ID: number }[] } | null;
}

export interface PluginOptions {
  preStartRequired?: boolean;
  getPreferredAllocationAvailable?: boolean;
}

/** What a plugin wants done to a container that gets its devices. */
export interface Allocation {
  envs: Record<string, string>;
  mounts: { containerPath: string; hostPath: string; readOnly: boolean }[];
  devices: { containerPath: string; hostPath: string; permissions: string }[];
  annotations: Record<string, string>;
  cdiDevices: { name: string }[];
}
