/** How much a request is thought to ask of the server: seats while it is served, and seats for what its event causes afterwards. */
import type { RequestInfo } from '../contracts.ts';

export interface Work {
  initialSeats: number;
  finalSeats: number;
  lingerMs: number;
}

export interface StoredSize {
  objects: number;
  /** About, per object. */
  bytes: number;
}

export interface WorkSources {
  /** How much of a resource there is; undefined for what is not stored here. */
  sizeOf(info: RequestInfo): StoredSize | undefined;
  /** How many watches hear of a write. */
  watchesOf(info: RequestInfo): number;
  /** A write that no watch hears of. */
  isSilent?(info: RequestInfo): boolean;
}

/** Upstream's figures. */
const bytesPerSeat = 100_000;
/** Lists from the cache are sent as they are made: more than this is not held at once. */
const mostBytesAtOnce = 1_000_000;
const mostListSeats = 100;
const mostMutatingSeats = 10;
const watchesPerSeat = 10;
const eventMs = 5;

const one: Work = { initialSeats: 1, finalSeats: 0, lingerMs: 0 };
/** Most requests take one seat or few: those are the same objects each time. */
const wide = Array.from({ length: mostListSeats + 1 }, (_, seats): Work => ({ initialSeats: Math.max(1, seats), finalSeats: 0, lingerMs: 0 }));

/** `mostSeats` is the level's own limit for one request. */
export function estimateWork(info: RequestInfo, mostSeats: number, sources: WorkSources): Work {
  switch (info.verb) {
    case 'list':
      return listWork(info, mostSeats, sources);
    case 'watch': {
      const { query } = info;
      const revision = query.get('resourceVersion') ?? '';
      const withState = query.get('sendInitialEvents') === 'true' || revision === '' || revision === '0';
      return withState ? listWork(info, mostSeats, sources) : one;
    }
    case 'create':
    case 'update':
    case 'patch':
    case 'delete':
      return info.isResourceRequest ? mutatingWork(info, mostSeats, sources) : one;
    default:
      return one;
  }
}

function listWork(info: RequestInfo, mostSeats: number, { sizeOf }: WorkSources): Work {
  const size = sizeOf(info);
  if (!size) return one;
  const limit = info.verb === 'list' ? Number(info.query.get('limit') ?? 0) : 0;
  const objects = info.name !== '' ? 1 : limit > 0 ? Math.min(limit, size.objects) : size.objects;
  const seats = Math.ceil(Math.min(objects * size.bytes, mostBytesAtOnce) / bytesPerSeat);
  return wide[Math.min(seats, mostSeats, mostListSeats)] ?? one;
}

function mutatingWork(info: RequestInfo, mostSeats: number, { watchesOf, isSilent }: WorkSources): Work {
  const watches = watchesOf(info);
  if (watches < watchesPerSeat || isSilent?.(info)) return one;
  const wanted = Math.ceil(watches / watchesPerSeat);
  const finalSeats = Math.min(wanted, mostSeats, mostMutatingSeats);
  return { initialSeats: 1, finalSeats, lingerMs: (wanted * eventMs) / finalSeats };
}
