/**
 * What a node's side of the Container Storage Interface v1 and of plugin registration v1 say to each other: names, types
 * and numbers of the messages that are used here. Unknown fields are passed over, as protobuf has it.
 */
import protobuf from 'protobufjs';

const text = (id: number) => ({ type: 'string', id });
const map = (id: number) => ({ keyType: 'string', type: 'string', id });
const bool = (id: number) => ({ type: 'bool', id });

const csi = {
  Node: {
    methods: Object.fromEntries(
      ['NodeStageVolume', 'NodeUnstageVolume', 'NodePublishVolume', 'NodeUnpublishVolume', 'NodeGetCapabilities', 'NodeGetInfo'].map((name) => [
        name,
        { requestType: `${name}Request`, responseType: `${name}Response` },
      ]),
    ),
  },
  NodeStageVolumeRequest: {
    fields: {
      volumeId: text(1),
      publishContext: map(2),
      stagingTargetPath: text(3),
      volumeCapability: { type: 'VolumeCapability', id: 4 },
      secrets: map(5),
      volumeContext: map(6),
    },
  },
  NodeStageVolumeResponse: { fields: {} },
  NodeUnstageVolumeRequest: { fields: { volumeId: text(1), stagingTargetPath: text(2) } },
  NodeUnstageVolumeResponse: { fields: {} },
  NodePublishVolumeRequest: {
    fields: {
      volumeId: text(1),
      publishContext: map(2),
      stagingTargetPath: text(3),
      targetPath: text(4),
      volumeCapability: { type: 'VolumeCapability', id: 5 },
      readonly: bool(6),
      secrets: map(7),
      volumeContext: map(8),
    },
  },
  NodePublishVolumeResponse: { fields: {} },
  NodeUnpublishVolumeRequest: { fields: { volumeId: text(1), targetPath: text(2) } },
  NodeUnpublishVolumeResponse: { fields: {} },
  NodeGetCapabilitiesRequest: { fields: {} },
  NodeGetCapabilitiesResponse: { fields: { capabilities: { rule: 'repeated', type: 'NodeServiceCapability', id: 1 } } },
  NodeServiceCapability: {
    fields: { rpc: { type: 'RPC', id: 1 } },
    nested: {
      RPC: {
        fields: { type: { type: 'Type', id: 1 } },
        nested: {
          Type: {
            values: {
              UNKNOWN: 0,
              STAGE_UNSTAGE_VOLUME: 1,
              GET_VOLUME_STATS: 2,
              EXPAND_VOLUME: 3,
              VOLUME_CONDITION: 4,
              SINGLE_NODE_MULTI_WRITER: 5,
              VOLUME_MOUNT_GROUP: 6,
            },
          },
        },
      },
    },
  },
  NodeGetInfoRequest: { fields: {} },
  NodeGetInfoResponse: { fields: { nodeId: text(1), maxVolumesPerNode: { type: 'int64', id: 2 }, accessibleTopology: { type: 'Topology', id: 3 } } },
  Topology: { fields: { segments: map(1) } },
  VolumeCapability: {
    oneofs: { accessType: { oneof: ['block', 'mount'] } },
    fields: { block: { type: 'BlockVolume', id: 1 }, mount: { type: 'MountVolume', id: 2 }, accessMode: { type: 'AccessMode', id: 3 } },
    nested: {
      BlockVolume: { fields: {} },
      MountVolume: { fields: { fsType: text(1), mountFlags: { rule: 'repeated', type: 'string', id: 2 }, volumeMountGroup: text(3) } },
      AccessMode: {
        fields: { mode: { type: 'Mode', id: 1 } },
        nested: {
          Mode: {
            values: {
              UNKNOWN: 0,
              SINGLE_NODE_WRITER: 1,
              SINGLE_NODE_READER_ONLY: 2,
              MULTI_NODE_READER_ONLY: 3,
              MULTI_NODE_SINGLE_WRITER: 4,
              MULTI_NODE_MULTI_WRITER: 5,
              SINGLE_NODE_SINGLE_WRITER: 6,
              SINGLE_NODE_MULTI_WRITER: 7,
            },
          },
        },
      },
    },
  },
};

const pluginregistration = {
  Registration: {
    methods: {
      GetInfo: { requestType: 'InfoRequest', responseType: 'PluginInfo' },
      NotifyRegistrationStatus: { requestType: 'RegistrationStatus', responseType: 'RegistrationStatusResponse' },
    },
  },
  InfoRequest: { fields: {} },
  PluginInfo: { fields: { type: text(1), name: text(2), endpoint: text(3), supportedVersions: { rule: 'repeated', type: 'string', id: 4 } } },
  RegistrationStatus: { fields: { pluginRegistered: bool(1), error: text(2) } },
  RegistrationStatusResponse: { fields: {} },
};

export const messages = protobuf.Root.fromJSON({
  nested: { csi: { nested: { v1: { nested: csi } } }, pluginregistration: { nested: pluginregistration } },
} as protobuf.INamespace);
