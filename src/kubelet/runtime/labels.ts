/** Labels and annotations by which a kubelet finds its pods again in the runtime; the same as upstream's, so either adopts the other's. */
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';

export const podNameLabel = 'io.kubernetes.pod.name';
export const podNamespaceLabel = 'io.kubernetes.pod.namespace';
export const podUidLabel = 'io.kubernetes.pod.uid';
export const containerNameLabel = 'io.kubernetes.container.name';

export const hashAnnotation = 'io.kubernetes.container.hash';
export const restartCountAnnotation = 'io.kubernetes.container.restartCount';
export const messagePathAnnotation = 'io.kubernetes.container.terminationMessagePath';
export const messagePolicyAnnotation = 'io.kubernetes.container.terminationMessagePolicy';
const deletionGraceAnnotation = 'io.kubernetes.pod.deletionGracePeriod';
const terminationGraceAnnotation = 'io.kubernetes.pod.terminationGracePeriod';
const preStopAnnotation = 'io.kubernetes.container.preStopHandler';
const portsAnnotation = 'io.kubernetes.container.ports';

export const sandboxLabels = ({ metadata }: Pod): Record<string, string> => ({
  ...metadata.labels,
  [podNameLabel]: metadata.name,
  [podNamespaceLabel]: metadata.namespace ?? '',
  [podUidLabel]: metadata.uid ?? '',
});

export const containerLabels = ({ metadata }: Pod, container: Container): Record<string, string> => ({
  [podNameLabel]: metadata.name,
  [podNamespaceLabel]: metadata.namespace ?? '',
  [podUidLabel]: metadata.uid ?? '',
  [containerNameLabel]: container.name,
});

export function containerAnnotations(pod: Pod, container: Container, restartCount: number): Record<string, string> {
  const { deletionGracePeriodSeconds } = pod.metadata;
  const { terminationGracePeriodSeconds } = pod.spec;
  return {
    [hashAnnotation]: containerHash(container),
    [restartCountAnnotation]: String(restartCount),
    [messagePathAnnotation]: container.terminationMessagePath ?? '',
    [messagePolicyAnnotation]: container.terminationMessagePolicy ?? '',
    ...(deletionGracePeriodSeconds === undefined ? {} : { [deletionGraceAnnotation]: String(deletionGracePeriodSeconds) }),
    ...(terminationGracePeriodSeconds === undefined ? {} : { [terminationGraceAnnotation]: String(terminationGracePeriodSeconds) }),
    ...(container.lifecycle?.preStop ? { [preStopAnnotation]: JSON.stringify(container.lifecycle.preStop) } : {}),
    ...(container.ports?.length ? { [portsAnnotation]: JSON.stringify(container.ports) } : {}),
  };
}

/** FNV-1a (32 bit, hex) over name and image: the only fields whose change restarts a container. */
export function containerHash(container: Container): string {
  let hash = 0x811c9dc5;
  const picked = JSON.stringify({ image: container.image ?? '', name: container.name }).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
  for (const byte of Buffer.from(picked)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}

/** What the annotations tell of a container whose pod is no longer known: enough to end it properly. */
export function restoredContainer({ name, status }: { name: string; status: { annotations?: Record<string, string> } }): Container {
  const { [preStopAnnotation]: preStop, [portsAnnotation]: ports } = status.annotations ?? {};
  return {
    name,
    ...(ports ? { ports: JSON.parse(ports) as Container['ports'] } : {}),
    ...(preStop ? { lifecycle: { preStop: JSON.parse(preStop) as NonNullable<Container['lifecycle']>['preStop'] } } : {}),
  };
}

/** A pod that only the runtime still knows. */
export function restoredPod(runtime: {
  uid: string;
  namespace: string;
  name: string;
  containers: { status: { annotations?: Record<string, string> } }[];
}): Pod {
  const annotations = runtime.containers[0]?.status.annotations ?? {};
  const seconds = (key: string): number | undefined => (annotations[key] === undefined ? undefined : Number(annotations[key]));
  const deletion = seconds(deletionGraceAnnotation);
  const termination = seconds(terminationGraceAnnotation);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: runtime.name,
      namespace: runtime.namespace,
      uid: runtime.uid,
      ...(deletion === undefined ? {} : { deletionGracePeriodSeconds: deletion }),
    },
    spec: { containers: [], ...(termination === undefined ? {} : { terminationGracePeriodSeconds: termination }) },
  };
}
