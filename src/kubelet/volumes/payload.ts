/** What the kubelet writes into volumes of configuration: the sources of `projected`, which the single-source kinds are too. */
import { configmaps } from '../../api/core/v1/configmap.ts';
import { secrets } from '../../api/core/v1/secret.ts';
import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, VolumeProjection } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { fieldValue, resourceValue } from '../containers/fields.ts';
import { containerNamed } from '../containers/resources.ts';
import type { ProjectedFile } from './atomic.ts';
import type { VolumeRequest } from './plugin.ts';
import { tokenFor } from './token.ts';
import { trustAnchors } from './trustbundle.ts';

export interface Content {
  files: Map<string, ProjectedFile>;
  refreshAt?: number;
}

type Data = Map<string, Buffer>;

const missingKey = { ConfigMap: 'configmap references non-existent config key', Secret: 'references non-existent secret key' } as const;

/** All keys, or those that `items` picks. */
function pick(data: Data, items: readonly KeyToPath[] | undefined, mode: number, optional: boolean, missing: string): Map<string, ProjectedFile> {
  if (!items?.length) return new Map([...data].map(([key, bytes]) => [key, { data: bytes, mode }]));
  const files = new Map<string, ProjectedFile>();
  for (const item of items) {
    const bytes = data.get(item.key);
    if (bytes) files.set(item.path, { data: bytes, mode: item.mode ?? mode });
    else if (!optional) throw new Error(`${missing}: ${item.key}`);
  }
  return files;
}

async function fetched(request: VolumeRequest, kind: 'ConfigMap' | 'Secret', name: string, optional: boolean): Promise<Data | undefined> {
  const { context, pod } = request;
  const namespace = pod.metadata.namespace ?? '';
  const uid = pod.metadata.uid ?? '';
  try {
    if (kind === 'Secret') {
      const { data } = await context.objects.get<Secret>(secrets, namespace, name, uid);
      return new Map(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(String(value), 'base64')]));
    }
    const { data, binaryData } = await context.objects.get<ConfigMap>(configmaps, namespace, name, uid);
    return new Map([
      ...Object.entries(data ?? {}).map(([key, value]): [string, Buffer] => [key, Buffer.from(value)]),
      ...Object.entries(binaryData ?? {}).map(([key, value]): [string, Buffer] => [key, Buffer.from(String(value), 'base64')]),
    ]);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (optional) return undefined;
    throw new Error(`${kind.toLowerCase()} "${name}" not found`, { cause: error });
  }
}

function downward(request: VolumeRequest, items: readonly DownwardAPIVolumeFile[], defaultMode: number): Map<string, ProjectedFile> {
  const { context, pod, facts } = request;
  const files = new Map<string, ProjectedFile>();
  for (const { path, fieldRef, resourceFieldRef, mode = defaultMode } of items) {
    let text = '';
    if (fieldRef) text = fieldValue(pod, fieldRef.fieldPath, facts);
    else if (resourceFieldRef) {
      const container = containerNamed(pod, resourceFieldRef.containerName ?? '');
      if (!container) throw new Error(`container ${resourceFieldRef.containerName} not found`);
      text = resourceValue(resourceFieldRef, pod, container, context.resources);
    }
    files.set(path, { data: Buffer.from(text), mode });
  }
  return files;
}

/** The user that all containers run as, if they agree: tokens are then theirs alone. */
function commonUser(pod: Pod): number | undefined {
  const users = new Set(
    [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(
      (container) => container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser,
    ),
  );
  return users.size === 1 ? [...users][0] : undefined;
}

const one = (path: string, file: ProjectedFile): Content => ({ files: new Map([[path, file]]) });

async function contentOf(request: VolumeRequest, source: VolumeProjection, defaultMode: number): Promise<Content> {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle } = source;
  if (configMap || secret) {
    const kind = configMap ? 'ConfigMap' : 'Secret';
    const { name = '', items, optional = false } = configMap ?? secret ?? {};
    const data = await fetched(request, kind, name, optional);
    return { files: data ? pick(data, items, defaultMode, optional, missingKey[kind]) : new Map() };
  }
  if (downwardAPI) return { files: downward(request, downwardAPI.items ?? [], defaultMode) };
  if (serviceAccountToken) {
    const uid = commonUser(request.pod);
    const shared = uid !== undefined || request.pod.spec.securityContext?.fsGroup !== undefined;
    const { token, refreshAt } = await tokenFor(request.context, request.pod, serviceAccountToken);
    return {
      ...one(serviceAccountToken.path, { data: Buffer.from(token), mode: shared ? 0o600 : defaultMode, ...(uid === undefined ? {} : { uid }) }),
      refreshAt,
    };
  }
  if (clusterTrustBundle)
    return one(clusterTrustBundle.path, { data: Buffer.from(await trustAnchors(request.context.client, clusterTrustBundle)), mode: defaultMode });
  throw new Error('projected volume source is not supported');
}

/** All sources at once; where two write the same file, the later one wins. */
export async function projectedContent(request: VolumeRequest, sources: readonly VolumeProjection[], defaultMode: number): Promise<Content> {
  const contents = await Promise.all(sources.map((source) => contentOf(request, source, defaultMode)));
  const times = contents.flatMap(({ refreshAt }) => refreshAt ?? []);
  return { files: new Map(contents.flatMap(({ files }) => [...files])), ...(times.length ? { refreshAt: Math.min(...times) } : {}) };
}
