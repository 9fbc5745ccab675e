/** Discovery documents: what is served, as `APIGroupList`, `APIResourceList` and their aggregated form. */
import { createHash } from 'node:crypto';
import type { Subresource } from '../../api/kind.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import { apiVersionOf } from '../../apimachinery/meta.ts';
import type { RemoteDocuments } from '../nonresource/openapi.ts';
import type { KindRegistry, Resource } from '../registry.ts';

interface Served {
  group: string;
  /** By version, in the order of preference; each with its resources by name. */
  versions: Map<string, Resource[]>;
}

/** A version that another server answers for (an aggregated API), as its own discovery describes it. */
export interface RemoteVersion {
  group: string;
  version: string;
  /** `APIResourceDiscovery` entries; stale when the server can't be reached. */
  resources: readonly unknown[];
  freshness: 'Current' | 'Stale';
  /** How it describes them, where it does. */
  openapi?: RemoteDocuments;
}

/** Groups in the order in which they were added; versions as their priority is. */
function groupsOf(registry: KindRegistry): Served[] {
  const groups = new Map<string, Served>();
  for (const resource of registry.all()) {
    const { group, version } = resource.definition;
    const served = groups.get(group) ?? { group, versions: new Map<string, Resource[]>() };
    groups.set(group, served);
    const resources = served.versions.get(version);
    if (resources) resources.push(resource);
    else served.versions.set(version, [resource]);
  }
  for (const { versions } of groups.values()) {
    for (const resources of versions.values()) resources.sort((a, b) => compare(a.definition.plural, b.definition.plural));
  }
  return [...groups.values()];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const scaleVerbs: readonly string[] = ['get', 'patch', 'update'];
const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

const verbsOf = (subresource: Subresource<KubeObject>): string[] => [...(subresource.type === 'scale' ? scaleVerbs : subresource.verbs)].sort();

function kindOf(resource: Resource, subresource: Subresource<KubeObject>): { group: string; version: string; kind: string } {
  const { group, version, kind } = resource.definition;
  if (subresource.type === 'scale') return scaleKind;
  return subresource.type === 'custom' ? subresource.responseKind : { group, version, kind };
}

const subresourcesOf = (resource: Resource): [string, Subresource<KubeObject>][] =>
  Object.entries(resource.definition.subresources ?? {}).sort(([a], [b]) => compare(a, b));

/** Eight bytes of a hash over the type that is stored, so that clients notice when it changes. */
function storageVersionHash({ stored }: Resource): string {
  const { group, version, storedUpstreamAs, kind } = stored.definition;
  return createHash('sha256')
    .update(`${group}/${storedUpstreamAs ?? version}/${kind}`)
    .digest()
    .subarray(0, 8)
    .toString('base64');
}

function plainResources(resource: Resource): object[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories, virtual, group, version } = resource.definition;
  // Upstream lists those of custom resources in an order of its own.
  const own: Record<string, unknown> = { name: plural, singularName: singular, namespaced, kind, verbs: resource.custom ? [...verbs] : [...verbs].sort() };
  if (shortNames?.length) own['shortNames'] = shortNames;
  if (categories?.length) own['categories'] = categories;
  // What can't be watched is not stored.
  if (!virtual && verbs.includes('watch')) own['storageVersionHash'] = storageVersionHash(resource);
  const entries: object[] = [own];
  for (const [name, subresource] of subresourcesOf(resource)) {
    const of = kindOf(resource, subresource);
    const elsewhere = of.group !== group || of.version !== version ? { group: of.group, version: of.version } : {};
    entries.push({ name: `${plural}/${name}`, singularName: '', namespaced, ...elsewhere, kind: of.kind, verbs: verbsOf(subresource) });
  }
  return entries;
}

function aggregatedResource(resource: Resource): object {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories, group, version } = resource.definition;
  const subresources = subresourcesOf(resource).map(([name, subresource]) => {
    const of = kindOf(resource, subresource);
    const responseKind = of.group === group && of.version === version ? { group: '', version: '', kind: of.kind } : of;
    return { subresource: name, responseKind, verbs: verbsOf(subresource) };
  });
  return {
    resource: plural,
    responseKind: { group: '', version: '', kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: [...verbs].sort(),
    ...(shortNames?.length ? { shortNames } : {}),
    ...(categories?.length ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

export interface Documents {
  /** `APIVersions` of `/api`; without the server's own address. */
  coreVersions: { kind: 'APIVersions'; versions: string[] };
  groupList: object;
  groups: ReadonlyMap<string, object>;
  /** `APIResourceList` by group version. */
  resourceLists: ReadonlyMap<string, object>;
  /** `APIGroupDiscoveryList`s: of `/api`, and of `/apis`; without their apiVersion. */
  aggregatedCore: object;
  aggregatedGroups: object;
}

/** Makes all documents of the present registry. */
export function discoveryDocuments(registry: KindRegistry, remote: readonly RemoteVersion[] = []): Documents {
  const all = groupsOf(registry);
  const resourceLists = new Map<string, object>();
  const groups = new Map<string, object>();
  const aggregated = new Map<string, { metadata: object; versions: object[] }>();
  for (const { group, versions } of all) {
    const listed: { groupVersion: string; version: string }[] = [];
    const discovered: object[] = [];
    for (const [version, resources] of versions) {
      const groupVersion = apiVersionOf(group, version);
      listed.push({ groupVersion, version });
      // Upstream leaves the core group's list without its version.
      const type = { kind: 'APIResourceList', ...(group === '' ? {} : { apiVersion: 'v1' }) };
      resourceLists.set(groupVersion, { ...type, groupVersion, resources: resources.flatMap(plainResources) });
      discovered.push({ version, resources: resources.map(aggregatedResource), freshness: 'Current' });
    }
    if (group !== '') groups.set(group, { name: group, versions: listed, preferredVersion: listed[0] });
    aggregated.set(group, { metadata: group === '' ? {} : { name: group }, versions: discovered });
  }
  for (const { group, version, resources, freshness } of remote) {
    const groupVersion = { groupVersion: apiVersionOf(group, version), version };
    const known = groups.get(group) as { versions: object[] } | undefined;
    if (known) known.versions.push(groupVersion);
    else groups.set(group, { name: group, versions: [groupVersion], preferredVersion: groupVersion });
    const entry = aggregated.get(group) ?? { metadata: { name: group }, versions: [] };
    entry.versions.push({ version, resources, freshness });
    aggregated.set(group, entry);
  }
  const list = (items: object[]): object => ({ metadata: {}, items });
  const core = aggregated.get('');
  aggregated.delete('');
  return {
    coreVersions: { kind: 'APIVersions', versions: [...(all.find(({ group }) => group === '')?.versions.keys() ?? [])] },
    groupList: { kind: 'APIGroupList', apiVersion: 'v1', groups: [...groups.values()] },
    groups,
    resourceLists,
    aggregatedCore: list(core ? [core] : []),
    aggregatedGroups: list([...aggregated.values()]),
  };
}
