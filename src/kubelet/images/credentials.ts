/** Credentials for registries from the pod's pull secrets. */
import { secrets } from '../../api/core/v1/secret.ts';
import type { Pod, Secret } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import type { KubeletContext } from '../context.ts';
import type { AuthConfig } from '../cri/types.gen.ts';
import { podTarget } from '../podworker/target.ts';
import { registryOf } from './reference.ts';

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

/** How well `pattern` (a key of `auths`) fits the image: the length of the match, -1 for none. A `*` stands for one part of a host's name. */
export function matchRegistry(pattern: string, image: string): number {
  const { host, path } = registryOf(image);
  const bare = pattern
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '');
  const slash = bare.indexOf('/');
  const wantedHost = slash < 0 ? bare : bare.slice(0, slash);
  const wantedPath = slash < 0 ? '' : bare.slice(slash + 1);
  const normal = wantedHost === 'docker.io' ? 'index.docker.io' : wantedHost;
  const hostPattern = new RegExp(
    `^${normal
      .split('.')
      .map((part) => part.replace(/[\\^$+?.()|[\]{}]/g, '\\$&').replaceAll('*', '[^.]*'))
      .join('\\.')}$`,
  );
  if (!hostPattern.test(host)) return -1;
  if (wantedPath && path !== wantedPath && !path.startsWith(wantedPath)) return -1;
  return bare.length;
}

/** All that fit, best first. Missing secrets are reported and left out, as upstream does. */
export async function pullCredentials(context: KubeletContext, pod: Pod, image: string): Promise<AuthConfig[]> {
  const found: { score: number; auth: AuthConfig }[] = [];
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
      found.push({
        score,
        auth: {
          username: entry.username ?? user,
          password: entry.password ?? rest.join(':'),
          identityToken: entry.identitytoken ?? '',
          serverAddress: registryOf(image).host,
        },
      });
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
  return found.sort((a, b) => b.score - a.score).map(({ auth }) => auth);
}
