/** A container's environment: from services, ConfigMaps, Secrets, fields and literal values, in upstream's order of precedence. */
import { join } from 'node:path';
import { configmaps } from '../../api/core/v1/configmap.ts';
import { secrets } from '../../api/core/v1/secret.ts';
import type { ConfigMap, Container, EnvVarSource, FileKeySelector, Pod, Secret } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import type { KubeletContext } from '../context.ts';
import type { MountedVolumes } from '../volumes/manager.ts';
import { variableFromFile } from './envfile.ts';
import { expand } from './expansion.ts';
import { fieldValue, type PodFacts, resourceValue } from './fields.ts';

type Texts = Record<string, string>;

const textsOfSecret = (secret: Secret): Texts =>
  Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()]));

/** Throws what upstream reports as `CreateContainerConfigError`. */
export async function environmentOf(
  context: KubeletContext,
  pod: Pod,
  container: Container,
  facts: PodFacts,
  volumes: MountedVolumes = new Map(),
): Promise<Map<string, string>> {
  const { objects, services, resources } = context;
  if (!services.hasSynced()) throw new Error('services have not yet been read at least once, cannot construct envvars');
  const namespace = pod.metadata.namespace ?? '';
  const uid = pod.metadata.uid ?? '';

  const texts = async (source: 'ConfigMap' | 'Secret', name: string, optional: boolean): Promise<Texts | undefined> => {
    try {
      if (source === 'ConfigMap') return ((await objects.get<ConfigMap>(configmaps, namespace, name, uid)).data ?? {}) as Texts;
      return textsOfSecret(await objects.get<Secret>(secrets, namespace, name, uid));
    } catch (error) {
      if (optional && isNotFound(error)) return undefined;
      throw error;
    }
  };
  const fromKey = async (
    source: 'ConfigMap' | 'Secret',
    { name = '', key, optional = false }: { name?: string; key: string; optional?: boolean },
  ): Promise<string | undefined> => {
    const all = await texts(source, name, optional);
    if (!all) return undefined;
    const value = all[key];
    if (value === undefined && !optional) throw new Error(`couldn't find key ${key} in ${source} ${namespace}/${name}`);
    return value;
  };
  const fromFile = async ({ volumeName, path, key, optional = false }: FileKeySelector): Promise<string | undefined> => {
    const volume = volumes.get(volumeName);
    if (!volume) throw new Error(`cannot find the volume "${volumeName}" referenced by FileKeyRef`);
    const value = await variableFromFile(volume.path, path, key).catch((error: unknown) => {
      throw new Error("couldn't parse env file", { cause: error });
    });
    if (!value && !optional) throw new Error(`environment variable key "${key}" not found in file "${join(volume.path, path)}"`);
    return value || undefined;
  };
  const resolve = (from: EnvVarSource): Promise<string | undefined> | string => {
    if (from.fieldRef) return fieldValue(pod, from.fieldRef.fieldPath, facts);
    if (from.resourceFieldRef) return resourceValue(from.resourceFieldRef, pod, container, resources);
    if (from.configMapKeyRef) return fromKey('ConfigMap', from.configMapKeyRef);
    if (from.secretKeyRef) return fromKey('Secret', from.secretKeyRef);
    if (from.fileKeyRef) return fromFile(from.fileKeyRef);
    return '';
  };

  const serviceVariables = services.variables(namespace, pod.spec.enableServiceLinks ?? true);
  const result = new Map<string, string>();
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const all = configMapRef
      ? await texts('ConfigMap', configMapRef.name ?? '', configMapRef.optional ?? false)
      : secretRef && (await texts('Secret', secretRef.name ?? '', secretRef.optional ?? false));
    for (const [key, value] of Object.entries(all ?? {})) result.set(prefix + key, value);
  }
  const lookup = (name: string): string | undefined => result.get(name) ?? serviceVariables[name];
  for (const { name, value, valueFrom } of container.env ?? []) {
    const text = value ? expand(value, lookup) : valueFrom ? await resolve(valueFrom) : '';
    if (text !== undefined) result.set(name, text);
  }
  for (const [name, value] of Object.entries(serviceVariables)) if (!result.has(name)) result.set(name, value);
  return result;
}
