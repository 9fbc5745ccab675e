/** What a kubelet is told from outside, besides its `KubeletConfiguration`. */
import type { Logger } from 'pino';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import type { InformerFactory } from '../client/informer.ts';
import type { KubeletConfiguration } from './config/configuration.ts';

export interface KubeletOptions {
  nodeName: string;
  /** With the identity `system:node:<nodeName>`. */
  client: Client;
  informers: InformerFactory;
  /** Records as `source.component` `kubelet` and `source.host` the node's name. */
  events: EventRecorder;
  log: Logger;
  /** `unix:///…` or a path. */
  criEndpoint: string;
  /** `<data>/kubelet`: pods, their volumes, checkpoints. */
  rootDir: string;
  /** Where containers log: `/var/log/pods` on a host of its own. */
  podLogsDir: string;
  cgroup: CgroupOptions;
  clusterDns: string[];
  clusterDomain: string;
  /** Addresses of this node, the first is the primary one. */
  nodeIps: string[];
  hostname?: string;
  /** What the pods' `dnsPolicy: Default` is taken from. */
  resolvConf?: string;
  server: ServerOptions;
  /** `10.244.1.0/24`; told to the runtime, which hands it to CNI. */
  podCidr?: string;
  labels?: Record<string, string>;
  /** What is not given has upstream's default. */
  configuration?: Partial<KubeletConfiguration>;
  /** Images that are never removed, since nothing can pull them again: the sandbox's. */
  pinnedImages?: readonly string[];
  /** A `CredentialProviderConfig` file, and the directory of the programs that it names. */
  credentialProviders?: { config: string; binDir: string };
  enableServer?: boolean;
  kubernetesVersion?: string;
}

export interface CgroupOptions {
  driver: 'cgroupfs' | 'systemd';
  /** Parent of `kubepods`; `/` on a host of its own, `/knarr/<node>` beside others. */
  root: string;
}

export interface ServerOptions {
  /** `0.0.0.0` by default. */
  address?: string;
  port: number;
  /** PEM. Without them the server makes itself a certificate of its own. */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** The pair as it stands, where it is renewed while the server runs. */
  current?(): { cert: string; key: string };
  /** PEM of the CA that signs clients' certificates. */
  clientCa?: string | Buffer;
  /** Lets everybody in: tests only. */
  insecureAllowAll?: boolean;
}

export const defaultVersion = 'v1.36.2';
