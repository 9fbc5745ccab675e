/** Everything that an API server holds, of every kind it tells of. */
import type { KubeList, KubeObject } from '../../../src/apimachinery/meta.ts';
import type { Client } from '../../../src/client/client.ts';

interface Discovered {
  resources: { name: string; kind: string; verbs: string[]; namespaced: boolean }[];
}
interface Groups {
  groups: { preferredVersion: { groupVersion: string } }[];
}

export interface Everything {
  all: readonly KubeObject[];
  uids: ReadonlySet<string>;
  /** Of a kind, in a namespace or in all. */
  of<T extends KubeObject>(kind: string, namespace?: string): T[];
}

/** Leases, events and measurements come and go by themselves; the reviews and statuses of components are nothing that is kept. */
const fleeting = new Set(['Event', 'Lease', 'ComponentStatus', 'NodeMetrics', 'PodMetrics']);

export async function everything(client: Client): Promise<Everything> {
  const { groups } = (await client.raw('GET', '/apis')) as Groups;
  const paths = ['/api/v1', ...groups.map(({ preferredVersion: { groupVersion } }) => `/apis/${groupVersion}`)];
  const all: KubeObject[] = [];
  for (const path of paths) {
    const { resources } = (await client.raw('GET', path)) as Discovered;
    for (const { name, kind, verbs } of resources) {
      if (name.includes('/') || !verbs.includes('list') || fleeting.has(kind)) continue;
      const { items } = (await client.raw('GET', `${path}/${name}`)) as KubeList<KubeObject>;
      all.push(...items.map((item) => ({ ...item, kind })));
    }
  }
  return {
    all,
    uids: new Set(all.map(({ metadata }) => metadata.uid ?? '')),
    of: <T extends KubeObject>(kind: string, namespace?: string) =>
      all.filter((one) => one.kind === kind && (namespace === undefined || one.metadata.namespace === namespace)) as T[],
  };
}

/** What two looks at a cluster at rest have in common: nobody has written in between. Nodes report themselves. */
export const fingerprint = ({ all }: Everything): string =>
  all
    .filter(({ kind }) => kind !== 'Node')
    .map(({ metadata }) => `${metadata.uid}@${metadata.resourceVersion}`)
    .sort()
    .join(' ');
