/** Without priority and fairness: so many requests at a time that read, so many that write, and nobody waits. */
import { tooManyRequests } from '../../apimachinery/errors.ts';
import type { RequestContext } from '../context.ts';
import type { FlowControl } from './flowcontrol.ts';

export interface InFlightLimits {
  /** 0: no limit. */
  readOnly: number;
  mutating: number;
}

const readOnlyVerbs = new Set(['get', 'list', 'watch', 'head', 'options']);
const privilegedGroup = 'system:masters';
const retryAfterSeconds = 1;

type Kind = keyof InFlightLimits;

export function createInFlightLimit(limits: InFlightLimits): FlowControl {
  const inFlight = { mutating: 0, readOnly: 0 };
  const kinds = new WeakMap<object, Kind>();
  return {
    inFlight,
    enter({ info, user }: RequestContext) {
      // A watch holds its place for as long as it likes: it is not counted.
      if (info.verb === 'watch') return undefined;
      const kind: Kind = readOnlyVerbs.has(info.verb) ? 'readOnly' : 'mutating';
      if (limits[kind] > 0 && inFlight[kind] >= limits[kind]) {
        if (user.groups.includes(privilegedGroup)) return undefined;
        throw tooManyRequests('Too many requests, please try again later.', retryAfterSeconds);
      }
      inFlight[kind]++;
      const place = {};
      kinds.set(place, kind);
      return place;
    },
    leave(place) {
      const kind = kinds.get(place);
      if (kind === undefined) return;
      kinds.delete(place);
      inFlight[kind]--;
    },
    refuse: () => undefined,
    watching: () => () => {},
    configure() {},
    know() {},
    metrics: () => '',
    dump: () => undefined,
    close() {},
  };
}
