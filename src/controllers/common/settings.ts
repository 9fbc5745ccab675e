/** The cluster-wide settings that controllers read, by name and type. Plain data: they come from another thread. */
import type { ControllerContext } from '../controller.ts';

export interface ControllerSettings {
  /** PEM of the CA that signed the API server's certificate: `kube-root-ca.crt`, and `ca.crt` of token Secrets. */
  rootCa?: string;
  /** PEM. Signs what certificate signing requests ask for. */
  signingCa?: { certificate: string; key: string };
  /** PEM. Signs the tokens of `kubernetes.io/service-account-token` Secrets. */
  serviceAccountSigningKey?: string;
  /** Ranges of pod addresses, separated by commas; nodes get a part each. Absent: nodes get no range from us. */
  clusterCidr?: string;
  /** Ranges of service addresses, separated by commas. */
  serviceCidr?: string;
  /** Prefix length of a node's IPv4 range, 24 unless given. */
  nodeCidrMaskSize?: number;
  /** Prefix length of a node's IPv6 range, 64 unless given. */
  nodeCidrMaskSizeIpv6?: number;
  /** Where volumes of `knarr.dev/local` stand on nodes; `/var/lib/knarr/local-volumes` unless given. */
  localVolumeDir?: string;
  /** Milliseconds without a heartbeat after which a node counts as lost; 50 s unless given. */
  nodeMonitorGraceMs?: number;
  /** Milliseconds between looks at all nodes; 5 s unless given. */
  nodeMonitorPeriodMs?: number;
}

export const settingsOf = ({ settings }: Pick<ControllerContext, 'settings'>): ControllerSettings => settings as ControllerSettings;
