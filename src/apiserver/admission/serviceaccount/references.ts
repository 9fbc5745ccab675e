/** Whether a pod's service account lets it refer to the Secrets that it names. */
import type { Container, EphemeralContainer, Pod, ServiceAccount } from '../../../api/core/v1/types.gen.ts';

const quoted = (name: string): string => `"${name}"`;

function containerViolation(container: Container | EphemeralContainer, kind: string, account: string, mountable: ReadonlySet<string>): string | undefined {
  const tail = (secret: string): string =>
    `referencing secret.secretName=${quoted(secret)} is not allowed because service account ${account} does not reference that secret`;
  for (const { name, valueFrom } of container.env ?? []) {
    const secret = valueFrom?.secretKeyRef?.name;
    if (secret !== undefined && !mountable.has(secret)) return `${kind} ${container.name} with envVar ${name} ${tail(secret)}`;
  }
  for (const { secretRef } of container.envFrom ?? []) {
    const secret = secretRef?.name;
    if (secret !== undefined && !mountable.has(secret)) return `${kind} ${container.name} with envFrom ${tail(secret)}`;
  }
  return undefined;
}

const mountableOf = (account: ServiceAccount): Set<string> => new Set((account.secrets ?? []).map(({ name }) => name ?? ''));

/** What the pod refers to though its service account does not list it; undefined when nothing. */
export function forbiddenReference(pod: Pod, account: ServiceAccount): string | undefined {
  const { name } = account.metadata;
  const mountable = mountableOf(account);
  for (const { secret } of pod.spec.volumes ?? []) {
    if (secret && !mountable.has(secret.secretName ?? ''))
      return `volume with secret.secretName=${quoted(secret.secretName ?? '')} is not allowed because service account ${name} does not reference that secret`;
  }
  for (const container of pod.spec.initContainers ?? []) {
    const violation = containerViolation(container, 'init container', name, mountable);
    if (violation) return violation;
  }
  for (const container of pod.spec.containers) {
    const violation = containerViolation(container, 'container', name, mountable);
    if (violation) return violation;
  }
  const pullable = new Set((account.imagePullSecrets ?? []).map((one) => one.name));
  const index = (pod.spec.imagePullSecrets ?? []).findIndex((one) => !pullable.has(one.name));
  if (index < 0) return undefined;
  const secret = pod.spec.imagePullSecrets?.[index]?.name ?? '';
  return `imagePullSecrets[${index}].name=${quoted(secret)} is not allowed because service account ${name} does not reference that imagePullSecret`;
}

/** The same for ephemeral containers alone, which come later than the pod. */
export function forbiddenEphemeralReference(pod: Pod, account: ServiceAccount): string | undefined {
  const mountable = mountableOf(account);
  for (const container of pod.spec.ephemeralContainers ?? []) {
    const violation = containerViolation(container, 'ephemeral container', account.metadata.name, mountable);
    if (violation) return violation;
  }
  return undefined;
}
