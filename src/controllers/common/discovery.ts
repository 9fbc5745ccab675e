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

interface GroupList {
  groups: { name: string; versions: { groupVersion: string }[]; preferredVersion?: { groupVersion: string } }[];
}

interface ResourceList {
  resources: { name: string; kind: string; namespaced: boolean; verbs?: string[]; group?: string; version?: string }[];
}

/** `group/resource`, the same for all versions. */
export const resourceId = ({ group, plural }: Pick<ResourceRef, 'group' | 'plural'>): string => `${group}/${plural}`;

/** Fails only when the list of groups can't be read. Subresources are left out. */
export async function discover(client: Client): Promise<Discovered> {
  const { groups } = (await client.raw('GET', '/apis')) as GroupList;
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

  const ordered = [
    'v1',
    ...groups.flatMap(({ versions, preferredVersion }) => {
      const names = versions.map(({ groupVersion }) => groupVersion);
      return preferredVersion ? [preferredVersion.groupVersion, ...names.filter((name) => name !== preferredVersion.groupVersion)] : names;
    }),
  ];
  const resources = (await Promise.all(ordered.map(read))).flat();
  const seen = new Set<string>();
  for (const resource of resources) {
    const id = resourceId(resource.ref);
    resource.preferred = !seen.has(id);
    seen.add(id);
  }
  return { resources, failed };
}
