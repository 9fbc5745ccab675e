/** API priority and fairness: takes a request in, makes it wait, or turns it away; and hears when it is done. */
import { tooManyRequests } from '../../apimachinery/errors.ts';
import type { RequestContext } from '../context.ts';
import type { Reply } from '../exchange.ts';
import { Backlog } from './backlog.ts';
import { Classifier } from './classifier.ts';
import type { FlowConfiguration } from './config.ts';
import { serveDump } from './dump.ts';
import { Flow } from './flow.ts';
import type { PriorityLevel } from './levels.ts';
import { Levels } from './levels.ts';
import { createInFlightLimit } from './maxinflight.ts';
import { FlowCounts, flowControlText } from './metrics.ts';
import type { QueueSetHost } from './queueset.ts';
import { Refusals } from './refusals.ts';
import { Sharing } from './sharing.ts';
import { Ticket } from './ticket.ts';
import type { IndexedFields } from './watches.ts';
import { WatchCounts } from './watches.ts';
import type { Work, WorkSources } from './work.ts';
import { estimateWork } from './work.ts';

export interface FlowControlOptions {
  /** Together they are the seats that levels share (upstream: `--max-requests-inflight`, `--max-mutating-requests-inflight`). */
  maxReadOnly?: number;
  maxMutating?: number;
  /** Default true. Without it the two limits above hold each by itself, and nobody waits (upstream: `--enable-priority-and-fairness`). */
  enabled?: boolean;
  /** Milliseconds of a steady clock, by which service is measured. Default `performance.now`. */
  now?(): number;
}

export interface FlowControlParts extends FlowControlOptions {
  sizeOf: WorkSources['sizeOf'];
  /** Told of everybody who asks. */
  sharing?: Sharing;
}

/** What only those know who know the resources. */
export interface WorkKnowledge {
  indexedFields?: IndexedFields;
  isSilent?: WorkSources['isSilent'];
}

/** A request that was let in: what stands for it is the business of who let it in. */
export type Admitted = object;

export interface FlowControl {
  /** Resolves when it is the request's turn. Fails with 429. Until there is a configuration everybody is let in. */
  enter(context: RequestContext, waitMs: number): Admitted | Promise<Admitted> | undefined;
  /** Resolves when the answer may be given to a request that is refused before it is known whose it is; undefined: at once. */
  refuse(now: number): Promise<void> | undefined;
  /** The request is done, or the watch has begun; calls after the first do nothing. */
  leave(admitted: Admitted): void;
  /** Counts a watch that was let in until what it gives is called. */
  watching(context: RequestContext): () => void;
  configure(configuration: FlowConfiguration): void;
  know(knowledge: WorkKnowledge): void;
  readonly inFlight: Readonly<Record<'mutating' | 'readOnly', number>>;
  metrics(): string;
  /** The state of it all, for `/debug/api_priority_and_fairness/…`. */
  dump(context: RequestContext): Reply | undefined;
  close(): void;
}

/** Seats move between levels this often, in milliseconds. */
const adjustMs = 10_000;
const sweepMs = 100;

const readOnlyVerbs = new Set(['get', 'list', 'watch', 'head', 'options']);
const kindOf = ({ info }: RequestContext): 'mutating' | 'readOnly' => (readOnlyVerbs.has(info.verb) ? 'readOnly' : 'mutating');
const oneSeat: Work = { initialSeats: 1, finalSeats: 0, lingerMs: 0 };

export const createFlowControl = ({ maxReadOnly = 400, maxMutating = 200, enabled = true, ...parts }: FlowControlParts): FlowControl =>
  enabled ? createPriorityAndFairness(maxReadOnly + maxMutating, parts) : createInFlightLimit({ readOnly: maxReadOnly, mutating: maxMutating });

function createPriorityAndFairness(seats: number, { now: ownClock, sizeOf, sharing = new Sharing() }: FlowControlParts): FlowControl {
  const now = ownClock ?? (() => performance.now());
  const inFlight = { mutating: 0, readOnly: 0 };
  const counts = new Map<string, FlowCounts>();
  const host: QueueSetHost<Flow> = {
    now,
    after: (milliseconds, then) => void setTimeout(then, milliseconds),
    started(ticket) {
      const { counts } = ticket.flow;
      counts.dispatched++;
      counts.executing++;
      counts.executingSeats += ticket.seats;
      if (ticket.context) inFlight[kindOf(ticket.context)]++;
    },
    queued({ flow, seats, queue }, by) {
      backlog.queued(by);
      flow.counts.waiting += by;
      flow.counts.waitingSeats += by * seats;
      if (by > 0 && queue) flow.counts.queueLength.observe(queue.waiting.size);
    },
    blocked: ({ flow }) => void flow.counts.blocked++,
    freed: () => backlog.freed(),
  };
  const levels = new Levels<Flow>(seats, host);
  const backlog = new Backlog(levels, sharing);
  const refusals = new Refusals(sharing);
  let classifier: Classifier<Flow> | undefined;
  let watches = new WatchCounts();
  let isSilent: WorkSources['isSilent'];
  const sources: WorkSources = { sizeOf, watchesOf: (info) => watches.of(info), isSilent: (info) => isSilent?.(info) ?? false };
  let sweeper: NodeJS.Timeout | undefined;
  const adjuster = setInterval(() => levels.adjust(), adjustMs).unref();

  const sweep = (): void => {
    sweeper = undefined;
    let waiting = 0;
    for (const { queues } of levels.byName.values()) {
      queues.expire();
      waiting += queues.waiting;
    }
    if (waiting > 0) sweeper = setTimeout(sweep, sweepMs).unref();
  };

  function countsOf(schema: string, level: string): FlowCounts {
    const key = `${schema}\0${level}`;
    let found = counts.get(key);
    if (!found) counts.set(key, (found = new FlowCounts(schema, level)));
    return found;
  }

  function refuse({ flow }: Ticket<Flow>, reason: string): Error {
    flow.counts.reject(reason);
    return tooManyRequests('Too many requests, please try again later.', flow.level.retryAfter.dropped(Math.floor(Date.now() / 1000)));
  }

  function waitFor(ticket: Ticket<Flow>, { exchange }: RequestContext, waitMs: number): Promise<Admitted> {
    const { flow } = ticket;
    ticket.expires = ticket.arrived + waitMs;
    sweeper ??= setTimeout(sweep, sweepMs).unref();
    return new Promise((resolve, reject) => {
      ticket.settle = (run) => {
        ticket.settle = undefined;
        const seconds = (now() - ticket.arrived) / 1000;
        (run ? flow.counts.waited : flow.counts.waitedInVain).observe(seconds);
        if (run) resolve(ticket);
        else reject(refuse(ticket, 'time-out'));
      };
      exchange.onClose(() => flow.level.queues.cancel(ticket));
    });
  }

  return {
    inFlight,
    enter(context, waitMs) {
      if (!classifier) return undefined;
      const { info, user } = context;
      const flow = classifier.classify(user, info);
      const { level, config } = flow;
      context.flow = flow;
      const { exempt } = level.config;
      const work = exempt ? oneSeat : estimateWork(info, level.mostSeats || Number.POSITIVE_INFINITY, sources);
      const distinguisher = config.distinguisher === 'ByUser' ? user.username : config.distinguisher === 'ByNamespace' ? info.namespace : '';
      const ticket = new Ticket(flow, distinguisher, exempt ? noHand : flow.handOf(distinguisher), work, context);
      // What the server itself asks is not in anybody's way, nor is anybody else there because of it.
      if (!context.exchange.identity) sharing.heard(config, distinguisher, context.started);
      flow.counts.seats.observe(ticket.seats);
      switch (level.queues.admit(ticket, exempt || backlog.mayBegin(context.started), ownClock ? ownClock() : context.started)) {
        case 'run':
          backlog.began(ticket);
          if (ticket.hand.length > 0) flow.counts.waited.observe(0);
          return ticket;
        case 'wait':
          backlog.waits(level);
          return waitFor(ticket, context, waitMs);
        default:
          throw refuse(ticket, ticket.hand.length > 0 ? 'queue-full' : 'concurrency-limit');
      }
    },
    leave(admitted) {
      const ticket = admitted as Ticket<Flow>;
      const { flow, context } = ticket;
      if (ticket.place < 0) return;
      const at = now();
      const seconds = (at - ticket.started) / 1000;
      (context?.info.verb === 'watch' ? flow.counts.watchesStarted : flow.counts.executed).observe(seconds);
      flow.counts.executing--;
      flow.counts.executingSeats -= ticket.seats;
      if (context) inFlight[kindOf(context)]--;
      flow.level.queues.finish(ticket, at);
      if (levels.isOver(flow.level)) levels.byName.delete(flow.level.config.name);
      backlog.freed();
    },
    refuse: (now) => refusals.enter(now),
    watching: ({ info }) => watches.open(info),
    configure(configuration) {
      levels.configure(configuration.levels);
      const flows = configuration.schemas.flatMap((schema) => {
        const level = levels.byName.get(schema.level) as PriorityLevel<Flow> | undefined;
        return level && !level.quiescing ? [new Flow(schema, level, countsOf(schema.name, level.config.name))] : [];
      });
      const fallback = flows.find(({ config }) => config.name === configuration.fallback) ?? flows.at(-1);
      classifier = fallback && new Classifier(flows, fallback);
    },
    know(knowledge) {
      watches = new WatchCounts(knowledge.indexedFields);
      isSilent = knowledge.isSilent;
    },
    metrics: () => flowControlText(levels, counts.values()),
    dump: (context) => serveDump(context, levels),
    close() {
      clearInterval(adjuster);
      clearTimeout(sweeper);
    },
  };
}

const noHand: readonly number[] = [];
