/** Clients that write as fast as they can over HTTPS, and remember what the server acknowledged. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { configmaps } from '../../src/api/core/v1/configmap.ts';
import { transportFromKubeconfig } from '../../src/client/kubeconfig.ts';
import { createClient } from '../../src/client/rest.ts';
import { eventually } from '../e2e/cluster.ts';

/** What is known of one object: versions that were acknowledged and asked for, and whether it was deleted. */
interface Fate {
  acknowledged: number;
  attempted: number;
  deletion: 'none' | 'attempted' | 'acknowledged';
}

export interface Writers {
  /** A copy of what is known so far. */
  acknowledged(): Map<string, Fate>;
  /** Ends after the writes under way; what is known at last. */
  stop(): Promise<Map<string, Fate>>;
}

/**
 * Each writer creates objects, updates every second and deletes every fourth. A server that goes away is waited for.
 * Sets of writers on one store need prefixes of their own: the fate of an object that two write to is nobody's to tell.
 */
export async function startWriters(kubeconfig: string, count: number, prefix = 'written'): Promise<Writers> {
  const fates = new Map<string, Fate>();
  let stopped = false;
  const copy = (): Map<string, Fate> => new Map([...fates].map(([name, fate]) => [name, { ...fate }]));
  async function write(writer: number): Promise<void> {
    const client = createClient(await transportFromKubeconfig(kubeconfig));
    const configs = client.resource(configmaps);
    for (let index = 0; !stopped; index++) {
      const name = `${prefix}-${writer}-${index}`;
      const fate: Fate = { acknowledged: 0, attempted: 1, deletion: 'none' };
      fates.set(name, fate);
      try {
        const created = await configs.create({ metadata: { name, namespace: 'default' }, data: { version: '1' } });
        fate.acknowledged = 1;
        if (index % 2 === 0) continue;
        fate.attempted = 2;
        await configs.update({ ...created, data: { version: '2' } });
        fate.acknowledged = 2;
        if (index % 4 === 1) continue;
        fate.deletion = 'attempted';
        await configs.delete('default', name);
        fate.deletion = 'acknowledged';
      } catch {
        await sleep(50); // the outcome is unknown, and both are right
      }
    }
    await client.close();
  }
  const writing = Array.from({ length: count }, (_, writer) => write(writer));
  return {
    acknowledged: copy,
    async stop() {
      stopped = true;
      await Promise.all(writing);
      return copy();
    },
  };
}

/** Of how many objects a write was acknowledged. */
export const written = (fates: Map<string, Fate>): number => [...fates.values()].filter(({ acknowledged }) => acknowledged > 0).length;

/** What is known as soon as writes of more objects than so many are acknowledged: a busy disk takes its time. */
export function moreThan(writers: Writers, count: number): Promise<Map<string, Fate>> {
  return eventually(`writes of more than ${count} objects`, async () => {
    const fates = writers.acknowledged();
    return written(fates) > count && fates;
  });
}

/**
 * Everything that was acknowledged is in the server. `later`: more may have been written after `fates` was taken,
 * so a newer version or a deletion of what stood then is right too.
 */
export async function assertKept(kubeconfig: string, fates: Map<string, Fate>, { later = false } = {}): Promise<void> {
  const client = createClient(await transportFromKubeconfig(kubeconfig));
  const { items } = await client.resource(configmaps).list('default');
  await client.close();
  const found = new Map(items.map(({ metadata, data }) => [metadata.name, Number(data?.['version'] ?? 0)]));
  const lost: string[] = [];
  for (const [name, { acknowledged, attempted, deletion }] of fates) {
    const version = found.get(name);
    if (deletion === 'acknowledged') {
      if (version !== undefined) lost.push(`${name}: its deletion`);
    } else if (version === undefined) {
      if (acknowledged > 0 && deletion === 'none' && !later) lost.push(`${name}: version ${acknowledged}`);
      if (acknowledged > 0 && later && Number(name.split('-')[2]) % 4 !== 3) lost.push(`${name}: version ${acknowledged}`);
    } else if (version < acknowledged || (!later && version > attempted)) lost.push(`${name}: version ${acknowledged}, found ${version}`);
  }
  assert.deepEqual(lost, [], `${lost.length} of ${fates.size} acknowledged writes are lost`);
  assert.ok(written(fates) > 20, `only ${written(fates)} writes: no load`);
}
