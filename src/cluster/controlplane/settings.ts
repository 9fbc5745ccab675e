/** What controllers are told of the cluster: plain data, since it crosses to another thread. */
import type { ControlPlaneOptions } from './controlplane.ts';
import { signingOf } from './security.ts';

export function controllerSettings(options: ControlPlaneOptions): Record<string, unknown> {
  const { pki, serviceCidr, podCidr, localVolumeDir } = options;
  const { signingKey, issuers } = signingOf(options);
  return {
    rootCa: pki.ca.certificate,
    signingCa: pki.ca,
    serviceAccountSigningKey: signingKey,
    serviceAccountIssuer: issuers[0],
    serviceCidr,
    clusterCidr: podCidr,
    nodeCidrMaskSize: 24,
    ...(localVolumeDir ? { localVolumeDir } : {}),
  };
}
