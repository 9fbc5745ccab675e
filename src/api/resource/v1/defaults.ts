/** What a request means that does not say how many devices it wants. */
import type { DeviceClaim, ExactDeviceRequest } from './types.gen.ts';

function setRequestDefaults(request: ExactDeviceRequest): void {
  request.allocationMode ||= 'ExactCount';
  if (request.allocationMode === 'ExactCount') request.count ||= 1;
  for (const toleration of request.tolerations ?? []) toleration.operator ||= 'Equal';
}

export function setClaimDefaults(claim: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable = [] } of claim?.requests ?? []) {
    for (const request of [...(exactly ? [exactly] : []), ...firstAvailable]) setRequestDefaults(request);
  }
}
