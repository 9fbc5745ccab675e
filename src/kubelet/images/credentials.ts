/** Credentials for registries from the pod's pull secrets. */
import { createHash } from 'node:crypto';
import { secrets } from '../../api/core/v1/secret.ts';
import type { Pod, Secret } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import type { KubeletContext } from '../context.ts';
import type { AuthConfig } from '../cri/types.gen.ts';
import { podTarget } from '../podworker/target.ts';
import { matchRegistry } from './reference.ts';

interface DockerAuth {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
}

function authsOf(secret: Secret): Record<string, DockerAuth> {
  const read = (key: string): Record<string, unknown> | undefined => {
    const data = secret.data?.[key];
    return data === undefined ? undefined : (JSON.parse(Buffer.from(String(data), 'base64').toString()) as Record<string, unknown>);
  };
  if (secret.type === 'kubernetes.io/dockerconfigjson') return (read('.dockerconfigjson')?.['auths'] ?? {}) as Record<string, DockerAuth>;
  if (secret.type === 'kubernetes.io/dockercfg') return (read('.dockercfg') ?? {}) as Record<string, DockerAuth>;
  return {};
}

export interface TrackedCredential {
  auth: AuthConfig;
  /** Where it comes from; neither for what belongs to the node itself. */
  secret?: { uid: string; namespace: string; name: string; credentialHash: string };
  serviceAccount?: { uid: string; namespace: string; name: string };
}

const hashOf = (auth: AuthConfig): string => createHash('sha256').update(JSON.stringify(auth)).digest('hex');

/** All that fit, best first. Missing secrets are reported and left out, as upstream does. */
export async function pullCredentials(context: KubeletContext, pod: Pod, image: string): Promise<TrackedCredential[]> {
  const found: { score: number; credential: TrackedCredential }[] = [];
  const missing: string[] = [];
  for (const { name = '' } of pod.spec.imagePullSecrets ?? []) {
    let secret: Secret;
    try {
      secret = await context.objects.get<Secret>(secrets, pod.metadata.namespace ?? '', name, pod.metadata.uid ?? '');
    } catch (error) {
      if (!isNotFound(error)) throw error;
      missing.push(name);
      continue;
    }
    for (const [pattern, entry] of Object.entries(authsOf(secret))) {
      const score = matchRegistry(pattern, image);
      if (score < 0) continue;
      const [user = '', ...rest] = entry.auth ? Buffer.from(entry.auth, 'base64').toString().split(':') : [];
      const auth = {
        username: entry.username ?? user,
        password: entry.password ?? rest.join(':'),
        identityToken: entry.identitytoken ?? '',
      };
      const { uid = '', namespace = '' } = secret.metadata;
      found.push({ score, credential: { auth, secret: { uid, namespace, name, credentialHash: hashOf(auth) } } });
    }
  }
  if (missing.length) {
    context.events.event(
      podTarget(pod),
      'Warning',
      'FailedToRetrieveImagePullSecret',
      `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
    );
  }
  return found.sort((a, b) => b.score - a.score).map(({ credential }) => credential);
}
