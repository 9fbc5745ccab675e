/** Finds what services and their reservations disagree about: after a crash between two writes, or a restore. */
import { services } from '../../../api/core/v1/service.ts';
import type { Service } from '../../../api/core/v1/types.gen.ts';
import { ipaddresses } from '../../../api/networking/v1/ipaddress.ts';
import type { IPAddress } from '../../../api/networking/v1/types.gen.ts';
import type { ServerCore } from '../../core.ts';
import type { AddressAllocator } from './addresses.ts';
import { AddressError, addressManager, canonicalIp, managedByLabel } from './addresses.ts';
import { addressesOf, portsOf } from './allocate.ts';
import { familyOf } from './families.ts';
import type { PortAllocator } from './nodeports.ts';
import { PortError } from './nodeports.ts';

/** A reservation that no service uses is given up when it was so in two rounds: a write may be under way. */
export function createRepair(core: ServerCore, addresses: AddressAllocator, ports: PortAllocator): () => Promise<void> {
  let suspectAddresses = new Set<string>();
  let suspectPorts = new Set<string>();

  async function missing(all: readonly Service[]): Promise<void> {
    const held = new Set((await core.reader.list<IPAddress>(ipaddresses)).map(({ metadata }) => metadata.name));
    const reserved = new Set(ports.reserved().map(({ port }) => port));
    for (const service of all) {
      const key = `${service.metadata.namespace}/${service.metadata.name}`;
      for (const address of addressesOf(service)) {
        if (held.has(canonicalIp(address))) continue;
        await quietly(key, () => addresses.allocate(service, familyOf(address), address, false));
      }
      for (const port of portsOf(service)) if (!reserved.has(port)) await quietly(key, () => ports.reserve(port, false));
    }
  }

  async function quietly(service: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AddressError) && !(error instanceof PortError)) throw error;
      core.log?.warn({ service, reason: error.message }, 'a service holds an address or port that cannot be reserved for it');
    }
  }

  async function orphaned(all: readonly Service[]): Promise<void> {
    const usedAddresses = new Set(all.flatMap(addressesOf).map(canonicalIp));
    const usedPorts = new Set(all.flatMap(portsOf));
    const nextAddresses = new Set<string>();
    for (const { metadata } of await core.reader.list<IPAddress>(ipaddresses)) {
      if (metadata.labels?.[managedByLabel] !== addressManager || usedAddresses.has(metadata.name)) continue;
      const key = `${metadata.name} ${metadata.uid}`;
      if (suspectAddresses.has(key)) await addresses.release(metadata.name);
      else nextAddresses.add(key);
    }
    const nextPorts = new Set<string>();
    for (const { port, revision } of ports.reserved()) {
      if (usedPorts.has(port)) continue;
      const key = `${port} ${revision}`;
      if (suspectPorts.has(key)) await ports.release(port);
      else nextPorts.add(key);
    }
    suspectAddresses = nextAddresses;
    suspectPorts = nextPorts;
  }

  return async () => {
    const all = await core.reader.list<Service>(services);
    await missing(all);
    await orphaned(all);
  };
}
