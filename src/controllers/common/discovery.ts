/** What the server serves, by its discovery documents: for controllers that act on every resource. */
import { isNotFound } from '../../apimachinery/errors.ts';
import { parseApiVersion } from '../../apimachinery/meta.ts';
import type { Client, ResourceRef } from '../../client/client.ts';

export interface ServedResource {
  ref: ResourceRef;
  verbs: ReadonlySet<string>;
  /** The version to use when any will do: the group's preferred one, where it has the resource. */
  preferred: boolean;
  /** It has a `scale` subresource. */
  scalable: boolean;
}

export interface Discovered {
  resources: ServedResource[];
  /** Group versions whose documents could not be read, with why: an aggregated API that is down. */
  failed: Map<string, unknown>;
}

interface Group {
  versions: { groupVersion: string }[];
  preferredVersion?: { groupVersion: string };
}

interface ResourceList {
  resources: { name: string; kind: string; namespaced: boolean; verbs?: string[]; group?: string; version?: string }[];
}

/** `group/resource`, the same for all versions. */
export const resourceId = ({ group, plural }: Pick<ResourceRef, 'group' | 'plural'>): string => `${group}/${plural}`;

/** Preferred first. */
function versionsOf({ versions, preferredVersion }: Group): string[] {
  const names = versions.map(({ groupVersion }) => groupVersion);
  return preferredVersion ? [preferredVersion.groupVersion, ...names.filter((name) => name !== preferredVersion.groupVersion)] : names;
}

async function versions(client: Client, group: string | undefined): Promise<string[]> {
  if (group === '') return ['v1'];
  if (group === undefined) return ['v1', ...((await client.raw('GET', '/apis')) as { groups: Group[] }).groups.flatMap(versionsOf)];
  try {
    return versionsOf((await client.raw('GET', `/apis/${group}`)) as Group);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/**
 * Fails only when the list of groups can't be read. Subresources are left out. Everything costs a request for each version of each group:
 * whoever looks for one kind again and again asks for its group only.
 */
export async function discover(client: Client, group?: string): Promise<Discovered> {
  const failed = new Map<string, unknown>();

  async function read(groupVersion: string): Promise<ServedResource[]> {
    const path = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
    try {
      const { resources } = (await client.raw('GET', path)) as ResourceList;
      const { group, version } = parseApiVersion(groupVersion);
      const names = new Set(resources.map(({ name }) => name));
      return resources
        .filter(({ name }) => !name.includes('/'))
        .map(({ name, kind, namespaced, verbs = [] }) => ({
          ref: { group, version, plural: name, kind, namespaced },
          verbs: new Set(verbs),
          preferred: false,
          scalable: names.has(`${name}/scale`),
        }));
    } catch (error) {
      // Withdrawn since the list was made.
      if (!isNotFound(error)) failed.set(groupVersion, error);
      return [];
    }
  }

  const resources = (await Promise.all((await versions(client, group)).map(read))).flat();
  const seen = new Set<string>();
  for (const resource of resources) {
    const id = resourceId(resource.ref);
    resource.preferred = !seen.has(id);
    seen.add(id);
  }
  return { resources, failed };
}
