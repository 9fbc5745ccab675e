/** What controllers are told of the cluster: plain data, since it crosses to another thread. */
import type { ControlPlaneOptions } from './controlplane.ts';

export const controllerSettings = ({ pki, serviceCidr, podCidr, clusterDomain, localVolumeDir }: ControlPlaneOptions): Record<string, unknown> => ({
  rootCa: pki.ca.certificate,
  signingCa: pki.ca,
  serviceAccountSigningKey: pki.serviceAccount.privateKey,
  serviceAccountIssuer: `https://kubernetes.default.svc.${clusterDomain}`,
  serviceCidr,
  clusterCidr: podCidr,
  nodeCidrMaskSize: 24,
  ...(localVolumeDir ? { localVolumeDir } : {}),
});
