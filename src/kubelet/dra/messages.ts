/** What the kubelet and drivers of dynamic resources say to each other, `v1` and `v1beta1`: the same words in both. */
import protobuf from 'protobufjs';

const text = (id: number) => ({ type: 'string', id });
const list = (type: string, id: number) => ({ rule: 'repeated', type, id });
const byUid = (type: string) => ({ fields: { claims: { keyType: 'string', type, id: 1 } } });

const service = {
  DRAPlugin: {
    methods: {
      NodePrepareResources: { requestType: 'NodePrepareResourcesRequest', responseType: 'NodePrepareResourcesResponse' },
      NodeUnprepareResources: { requestType: 'NodeUnprepareResourcesRequest', responseType: 'NodeUnprepareResourcesResponse' },
    },
  },
  Claim: { fields: { namespace: text(1), uid: text(2), name: text(3) } },
  Device: { fields: { requestNames: list('string', 1), poolName: text(2), deviceName: text(3), cdiDeviceIds: list('string', 4), shareId: text(5) } },
  NodePrepareResourcesRequest: { fields: { claims: list('Claim', 1) } },
  NodePrepareResourcesResponse: byUid('NodePrepareResourceResponse'),
  NodePrepareResourceResponse: { fields: { devices: list('Device', 1), error: text(2) } },
  NodeUnprepareResourcesRequest: { fields: { claims: list('Claim', 1) } },
  NodeUnprepareResourcesResponse: byUid('NodeUnprepareResourceResponse'),
  NodeUnprepareResourceResponse: { fields: { error: text(1) } },
};

export interface ClaimRequest {
  namespace: string;
  uid: string;
  name: string;
}

export interface PreparedDevice {
  /** Requests of the claim that it is for; none means all. */
  requestNames: string[];
  poolName: string;
  deviceName: string;
  cdiDeviceIds: string[];
  shareId: string;
}

/** As drivers name them when they register, the better one first. */
export const services = ['v1.DRAPlugin', 'v1beta1.DRAPlugin'] as const;
export type ServiceName = (typeof services)[number];
const packageName = 'k8s.io.kubelet.pkg.apis.dra';
export const fullName = (name: ServiceName): string => `${packageName}.${name}`;

export const messages = new protobuf.Root();
for (const version of ['v1', 'v1beta1'])
  messages.define(`${packageName}.${version}`, { ...(JSON.parse(JSON.stringify(service)) as Record<string, protobuf.AnyNestedObject>) });
