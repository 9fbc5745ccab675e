/** Cluster IPs: each that is taken is an IPAddress object, so that servers beside each other never give one out twice. */
import { randomInt } from 'node:crypto';
import type { Service } from '../../../api/core/v1/types.gen.ts';
import { ipaddresses } from '../../../api/networking/v1/ipaddress.ts';
import { servicecidrs } from '../../../api/networking/v1/servicecidr.ts';
import type { IPAddress, ServiceCIDR } from '../../../api/networking/v1/types.gen.ts';
import { isAlreadyExists, isNotFound } from '../../../apimachinery/errors.ts';
import type { Cidr } from '../../../apimachinery/ip.ts';
import { cidrContains, cidrSize, formatCidr, formatIp, ipAt, parseCidr, parseIp } from '../../../apimachinery/ip.ts';
import type { Client } from '../../../client/client.ts';
import type { ServerCore } from '../../core.ts';
import type { Family } from './families.ts';
import { familyOf } from './families.ts';

export const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
export const addressManager = 'ipallocator.k8s.io';
const familyLabel = 'ipaddress.kubernetes.io/ip-family';

/** What a client may be told about an address that it can't have. */
export class AddressError extends Error {
  /** No address is left, which is nobody's mistake. */
  readonly full: boolean;
  constructor(message: string, full = false) {
    super(message);
    this.full = full;
  }
}

/** A service keeps its address as it was written; what stands for it is named by its canonical form. */
export const canonicalIp = (address: string): string => {
  const ip = parseIp(address);
  return ip ? formatIp(ip) : address;
};

export interface AddressAllocator {
  /** The families that are configured, the default one first. */
  readonly families: readonly Family[];
  /** Reserves that address, or any of the family. Fails with {@link AddressError}. On a dry run nothing is reserved. */
  allocate(service: Service, family: Family, address: string, dryRun: boolean): Promise<string>;
  release(address: string): Promise<void>;
}

/** Offset of the part of a range from which addresses are given out first; those before it are for clients who choose (KEP 3070). */
function dynamicOffset(size: bigint): bigint {
  const [min, max] = [16n, 256n];
  if (size <= min) return 0n;
  const part = size / 16n;
  return part < min ? min : part > max ? max : part;
}

/** Usable offsets in a range: not the network's own address, nor IPv4's broadcast address. */
function bounds(cidr: Cidr): { first: bigint; last: bigint } {
  const size = cidrSize(cidr);
  return { first: 1n, last: cidr.network.family === 4 ? size - 2n : size - 1n };
}

const randomBelow = (limit: bigint): bigint => BigInt(randomInt(Number(limit > 0xffff_ffffn ? 0xffff_ffffn : limit)));

export function createAddressAllocator(core: ServerCore, client: Client, configured: readonly string[]): AddressAllocator {
  const own = configured.map((text) => {
    const cidr = parseCidr(text);
    if (!cidr) throw new Error(`invalid service CIDR ${text}`);
    return cidr;
  });
  const families = [...new Set(own.map((cidr): Family => (cidr.network.family === 4 ? 'IPv4' : 'IPv6')))];
  const addresses = client.resource(ipaddresses);
  const { cache } = core.registry.of(ipaddresses).stored;
  const taken = (address: string): boolean => cache.entries.has(`${cache.prefix}${address}`);

  /** The ranges of the server's options, and those that ServiceCIDR objects add. */
  async function ranges(family: Family): Promise<Cidr[]> {
    const all = new Map(own.map((cidr) => [formatCidr(cidr), cidr]));
    for (const object of await core.reader.list<ServiceCIDR>(servicecidrs)) {
      const ready = object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      if (!ready || object.metadata.deletionTimestamp !== undefined) continue;
      for (const text of object.spec?.cidrs ?? []) {
        const cidr = parseCidr(text);
        if (cidr) all.set(formatCidr(cidr), cidr);
      }
    }
    const number = family === 'IPv4' ? 4 : 6;
    return [...all.values()].filter((cidr) => cidr.network.family === number);
  }

  async function reserve({ metadata }: Service, address: string): Promise<boolean> {
    const { name, namespace = '' } = metadata;
    const object: IPAddress = {
      metadata: { name: address, labels: { [familyLabel]: familyOf(address), [managedByLabel]: addressManager } },
      spec: { parentRef: { group: '', resource: 'services', namespace, name } },
    };
    try {
      await addresses.create(object);
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  async function exactly(service: Service, family: Family, text: string, dryRun: boolean): Promise<string> {
    const ip = parseIp(text);
    if (!ip) throw new AddressError(`failed to parse service IP ${JSON.stringify(text)}`);
    const candidates = await ranges(family);
    const within = candidates.find((cidr) => cidrContains(cidr, ip));
    const offset = within ? ip.bits - within.network.bits : 0n;
    if (!within || offset < bounds(within).first || offset > bounds(within).last) {
      throw new AddressError('the provided network does not match the current range');
    }
    const address = formatIp(ip);
    if (!dryRun && (taken(address) || !(await reserve(service, address)))) throw new AddressError('provided IP is already allocated');
    return text;
  }

  /** Tries the offsets from `low` to `high`, beginning anywhere. */
  async function within(service: Service, cidr: Cidr, low: bigint, high: bigint): Promise<string | undefined> {
    const size = high - low + 1n;
    if (size <= 0n) return undefined;
    const start = randomBelow(size);
    for (let step = 0n; step < size; step++) {
      const address = formatIp(ipAt(cidr, low + ((start + step) % size)));
      if (!taken(address) && (await reserve(service, address))) return address;
    }
    return undefined;
  }

  async function any(service: Service, family: Family, dryRun: boolean): Promise<string> {
    for (const cidr of await ranges(family)) {
      const { first, last } = bounds(cidr);
      if (dryRun) return formatIp(cidr.network);
      const middle = first + dynamicOffset(last - first + 1n);
      const found = (await within(service, cidr, middle, last)) ?? (await within(service, cidr, first, middle - 1n));
      if (found !== undefined) return found;
    }
    throw new AddressError('range is full', true);
  }

  return {
    families,
    allocate: (service, family, address, dryRun) => (address === '' ? any(service, family, dryRun) : exactly(service, family, address, dryRun)),
    async release(address) {
      try {
        await addresses.delete('', canonicalIp(address));
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  };
}
