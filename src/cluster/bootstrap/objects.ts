/** What every cluster has from the start besides roles: namespaces, priority classes, the DNS service, the default storage class, what joining machines read. */

import type { ConfigMap, Namespace, Service } from '../../api/core/v1/types.gen.ts';
import { localProvisioner } from '../../api/core/v1/volumes.ts';
import type { PriorityClass } from '../../api/scheduling/v1/types.gen.ts';
import type { StorageClass } from '../../api/storage/v1/types.gen.ts';

export const systemNamespaces = (): Namespace[] =>
  ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => ({ metadata: { name }, spec: {} }));

const systemPriority = 2_000_000_000;

export const systemPriorityClasses = (): PriorityClass[] => [
  {
    metadata: { name: 'system-node-critical' },
    value: systemPriority + 1000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: systemPriority,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

/** Where cluster DNS listens on the address of every node. */
export const nodeDnsPort = 10053;

/** Answered by each node's own DNS server, so there is no selector: the address is what matters. */
export const dnsService = (clusterIP: string): Service => ({
  metadata: {
    name: 'kube-dns',
    namespace: 'kube-system',
    labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
  },
  spec: {
    clusterIP,
    clusterIPs: [clusterIP],
    type: 'ClusterIP',
    // A pod asks the server of its own node as long as there is one.
    trafficDistribution: 'PreferSameNode',
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP', targetPort: nodeDnsPort },
      { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: nodeDnsPort },
    ],
  },
});

/** Volumes are directories on the node where the first pod that uses them is scheduled. */
export const defaultStorageClass = (): StorageClass => ({
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: localProvisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
});

/** Read without credentials by machines that want to join; tokens sign it (the bootstrap signer adds `jws-kubeconfig-<id>`). */
export const clusterInfo = (serverUrl: string, clusterCa: string): ConfigMap => ({
  metadata: { name: 'cluster-info', namespace: 'kube-public' },
  data: {
    kubeconfig: [
      'apiVersion: v1',
      'clusters:',
      '- cluster:',
      `    certificate-authority-data: ${Buffer.from(clusterCa).toString('base64')}`,
      `    server: ${serverUrl}`,
      '  name: ""',
      'contexts: null',
      'current-context: ""',
      'kind: Config',
      'preferences: {}',
      'users: null',
      '',
    ].join('\n'),
  },
});

export interface FrontProxySettings {
  /** PEM bundle that signs the certificate with which the aggregator calls extension API servers. */
  ca: string;
  allowedNames: readonly string[];
}

/** What extension API servers need to trust the requests that this server passes on. */
export const extensionAuthentication = (clientCa: string, frontProxy: FrontProxySettings | undefined): ConfigMap => ({
  metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
  data: {
    'client-ca-file': clientCa,
    ...(frontProxy
      ? {
          'requestheader-client-ca-file': frontProxy.ca,
          'requestheader-allowed-names': JSON.stringify(frontProxy.allowedNames),
          'requestheader-extra-headers-prefix': JSON.stringify(['X-Remote-Extra-']),
          'requestheader-group-headers': JSON.stringify(['X-Remote-Group']),
          'requestheader-uid-headers': JSON.stringify(['X-Remote-Uid']),
          'requestheader-username-headers': JSON.stringify(['X-Remote-User']),
        }
      : {}),
  },
});
