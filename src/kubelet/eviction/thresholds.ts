/** Eviction thresholds: what of memory, disk, inodes and process numbers must stay free. Source of the rule: KEP-less node-pressure eviction, `evictionHard` and its kin. */
import { parseDuration } from '../../apimachinery/duration.ts';
import { formatQuantity, parseQuantity, quantityOf, quantitySign, value } from '../../apimachinery/quantity.ts';

export type Signal =
  | 'memory.available'
  | 'nodefs.available'
  | 'nodefs.inodesFree'
  | 'imagefs.available'
  | 'imagefs.inodesFree'
  | 'containerfs.available'
  | 'containerfs.inodesFree'
  | 'pid.available';

export type PressureType = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';
/** As upstream's messages name what runs out. */
export type StarvedResource = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids';

const disk = { condition: 'DiskPressure', resource: 'ephemeral-storage' } as const;
const inodes = { condition: 'DiskPressure', resource: 'inodes' } as const;
export const signals: Readonly<Record<Signal, { condition: PressureType; resource: StarvedResource }>> = {
  'memory.available': { condition: 'MemoryPressure', resource: 'memory' },
  'nodefs.available': disk,
  'nodefs.inodesFree': inodes,
  'imagefs.available': disk,
  'imagefs.inodesFree': inodes,
  'containerfs.available': disk,
  'containerfs.inodesFree': inodes,
  'pid.available': { condition: 'PIDPressure', resource: 'pids' },
};

export const defaultHardEviction: Readonly<Record<string, string>> = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
};

/** Of the capacity, or so much. */
export type Amount = { share: number } | { amount: number };

export interface Threshold {
  signal: Signal;
  limit: Amount;
  /** Milliseconds that a soft threshold may be crossed; a hard one has none. */
  grace?: number;
  minReclaim?: Amount;
}

export interface Observation {
  available: number;
  capacity: number;
}
export type Observations = Readonly<Partial<Record<Signal, Observation>>>;

export interface EvictionSettings {
  evictionHard: Readonly<Record<string, string>>;
  evictionSoft: Readonly<Record<string, string>>;
  evictionSoftGracePeriod: Readonly<Record<string, string>>;
  evictionMinimumReclaim: Readonly<Record<string, string>>;
}

function signalOf(name: string): Signal {
  if (!Object.hasOwn(signals, name)) throw new Error(`unsupported eviction signal ${name}`);
  return name as Signal;
}

function shareOf(text: string): number {
  const number = Number(text.slice(0, -1));
  if (text === '%' || Number.isNaN(number)) throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(text.slice(0, -1))}: invalid syntax`);
  return number / 100;
}

function limitOf(signal: Signal, text: string): Amount | undefined {
  if (!text.endsWith('%')) {
    const parsed = parseQuantity(text);
    if (quantitySign(parsed) <= 0) throw new Error(`eviction threshold ${signal} must be positive: ${formatQuantity(parsed)}`);
    return { amount: value(parsed) };
  }
  if (text === '0%' || text === '100%') return undefined; // switched off
  const share = shareOf(text);
  if (share < 0) throw new Error(`eviction percentage threshold ${signal} must be >= 0%: ${text}`);
  if (share > 1) throw new Error(`eviction percentage threshold ${signal} must be <= 100%: ${text}`);
  return { share };
}

function reclaimOf(signal: Signal, text: string): Amount {
  if (text.endsWith('%')) {
    const share = shareOf(text);
    if (share <= 0) throw new Error(`eviction percentage minimum reclaim ${signal} must be positive: ${text}`);
    return { share };
  }
  const parsed = parseQuantity(text);
  if (quantitySign(parsed) < 0) throw new Error(`negative eviction minimum reclaim specified for ${signal}`);
  return { amount: value(parsed) };
}

function graceOf(text: string): number {
  const grace = parseDuration(text);
  if (grace < 0) throw new Error(`invalid eviction grace period specified: ${text}, must be a positive value`);
  return grace;
}

/** Throws for what can't be a threshold, in upstream's words. */
export function thresholdsOf({ evictionHard, evictionSoft, evictionSoftGracePeriod, evictionMinimumReclaim }: EvictionSettings): Threshold[] {
  const read = (statements: Readonly<Record<string, string>>): Threshold[] =>
    Object.entries(statements).flatMap(([name, text]) => {
      const signal = signalOf(name);
      const limit = limitOf(signal, text);
      return limit ? [{ signal, limit }] : [];
    });
  const graces = Object.fromEntries(Object.entries(evictionSoftGracePeriod).map(([name, text]) => [signalOf(name), graceOf(text)]));
  const reclaims = Object.fromEntries(
    Object.entries(evictionMinimumReclaim).map(([name, text]) => {
      const signal = signalOf(name);
      return [signal, reclaimOf(signal, text)];
    }),
  );
  const soft = read(evictionSoft).map((threshold) => {
    const grace = graces[threshold.signal];
    if (grace === undefined) throw new Error(`grace period must be specified for the soft eviction threshold ${threshold.signal}`);
    return { ...threshold, grace };
  });
  return [...read(evictionHard), ...soft].map((threshold) => {
    const minReclaim = reclaims[threshold.signal];
    return minReclaim ? { ...threshold, minReclaim } : threshold;
  });
}

const amountOf = (of: Amount, capacity: number): number => ('share' in of ? capacity * of.share : of.amount);

/** In words, as upstream's messages quote it. */
export const limitText = ({ signal, limit }: Threshold, capacity: number): string => {
  const counted = signals[signal].resource === 'inodes' || signals[signal].resource === 'pids';
  return formatQuantity(quantityOf(Math.floor(amountOf(limit, capacity)), counted ? 'DecimalSI' : 'BinarySI'));
};

/** The thresholds that are crossed. `reclaimed` asks that what an eviction has to win back at the least is free as well. */
export function crossed(thresholds: readonly Threshold[], observations: Observations, reclaimed = false): Threshold[] {
  return thresholds.filter(({ signal, limit, minReclaim }) => {
    const seen = observations[signal];
    if (!seen || seen.capacity <= 0) return false; // some file systems report no inodes at all: those never run out
    const wanted = amountOf(limit, seen.capacity) + (reclaimed && minReclaim ? amountOf(minReclaim, seen.capacity) : 0);
    return seen.available < wanted;
  });
}
