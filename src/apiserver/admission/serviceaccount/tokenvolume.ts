/** The volume through which a pod's containers get their token, the cluster's CA and the pod's namespace. */
import type { Pod, Volume } from '../../../api/core/v1/types.gen.ts';
import { generateName } from '../../../apimachinery/random.ts';

const prefix = 'kube-api-access-';
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** An hour, and some seconds by which TokenRequest knows that a default was asked for. */
const expirationSeconds = 3607;

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
  },
});

/** Adds the volume, and a mount of it to every container that has none at that path; containers that bring their own keep it. */
export function mountToken({ spec }: Pod): void {
  const present = spec.volumes?.find(({ name }) => name.startsWith(prefix));
  const name = present?.name ?? generateName(prefix);
  let needed = false;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    if (container.volumeMounts?.some((mount) => mount.mountPath === mountPath)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
    needed = true;
  }
  if (needed && !present) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}
