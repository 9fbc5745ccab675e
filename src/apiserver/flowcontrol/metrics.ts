/** What is told of flow control, under upstream's names. */
import { Distribution, familyText, labelText } from '../../apimachinery/metrics.ts';
import type { Flow } from './flow.ts';
import type { Levels, PriorityLevel } from './levels.ts';

const durationBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const seatBuckets = [1, 2, 4, 8, 16, 32, 64, 100];
const watchBuckets = [0, 1, 10, 100, 1000, 10_000];
const lengthBuckets = [0, 10, 25, 50, 100, 250, 500, 1000];

/** Of one schema with one level; outlives changes of the configuration. */
export class FlowCounts {
  readonly labels: string;
  dispatched = 0;
  executing = 0;
  executingSeats = 0;
  waiting = 0;
  waitingSeats = 0;
  blocked = 0;
  readonly rejected = new Map<string, number>();
  readonly executed = new Distribution(durationBuckets);
  readonly watchesStarted = new Distribution(durationBuckets);
  readonly waited = new Distribution(durationBuckets);
  readonly waitedInVain = new Distribution(durationBuckets);
  readonly seats = new Distribution(seatBuckets);
  readonly watches = new Distribution(watchBuckets);
  readonly queueLength = new Distribution(lengthBuckets);

  constructor(schema: string, level: string) {
    this.labels = labelText({ flow_schema: schema, priority_level: level });
  }

  reject(reason: string): void {
    this.rejected.set(reason, (this.rejected.get(reason) ?? 0) + 1);
  }
}

const prefix = 'apiserver_flowcontrol_';

type OfCounts = readonly [name: string, type: 'counter' | 'gauge', help: string, value: (counts: FlowCounts) => number];
type OfLevel = readonly [name: string, help: string, value: (level: PriorityLevel<Flow>) => number];

const ofCounts: readonly OfCounts[] = [
  ['dispatched_requests_total', 'counter', 'Requests that were given their seats.', ({ dispatched }) => dispatched],
  ['current_inqueue_requests', 'gauge', 'Requests that wait in queues.', ({ waiting }) => waiting],
  ['current_inqueue_seats', 'gauge', 'Seats that requests in queues wait for.', ({ waitingSeats }) => waitingSeats],
  ['current_executing_requests', 'gauge', 'Requests that are served; watches while they begin.', ({ executing }) => executing],
  ['current_executing_seats', 'gauge', 'Seats of requests that are served.', ({ executingSeats }) => executingSeats],
  ['request_dispatch_no_accommodation_total', 'counter', 'Times that the next request needed more seats than were free.', ({ blocked }) => blocked],
];

const ofLevels: readonly OfLevel[] = [
  ['nominal_limit_seats', 'The share of a level in all seats.', ({ nominal }) => nominal],
  ['lower_limit_seats', 'What a level has when it lends all that it may.', ({ lower }) => lower],
  ['upper_limit_seats', 'What a level has when it borrows all that it may.', ({ upper }) => upper],
  ['current_limit_seats', 'What a level has now.', ({ current }) => current],
  ['demand_seats_high_watermark', 'The most seats that were wanted in the last period.', ({ queues }) => queues.demand.highWatermark],
  ['demand_seats_average', 'Seats wanted in the last period, on average over its time.', ({ queues }) => queues.demand.average],
  ['demand_seats_stdev', 'Standard deviation of the seats wanted in the last period.', ({ queues }) => queues.demand.deviation],
  ['demand_seats_smoothed', 'Seats wanted, smoothed.', ({ queues }) => queues.demand.smoothed],
  ['target_seats', 'What a level is meant to have, before that is cut to what there is.', ({ target }) => target],
];

export function flowControlText(levels: Levels<Flow>, counts: Iterable<FlowCounts>): string {
  const flows = [...counts];
  const named = [...levels.byName.values()].map((level) => ({ level, labels: labelText({ priority_level: level.config.name }) }));
  const histogram = (name: string, help: string, of: (counts: FlowCounts) => readonly (readonly [Distribution, string])[]): string =>
    familyText(
      prefix + name,
      'histogram',
      help,
      flows.flatMap((one) => of(one).flatMap(([distribution, labels]) => (distribution.count === 0 ? [] : distribution.samples(prefix + name, labels)))),
    );
  return [
    familyText(
      `${prefix}rejected_requests_total`,
      'counter',
      'Requests that were turned away, by reason.',
      flows.flatMap(({ labels, rejected }) =>
        [...rejected].map(([reason, count]) => `${prefix}rejected_requests_total{${labels},reason="${reason}"} ${count}`),
      ),
    ),
    ...ofCounts.map(([name, type, help, value]) =>
      familyText(
        prefix + name,
        type,
        help,
        flows.map((one) => `${prefix}${name}{${one.labels}} ${value(one)}`),
      ),
    ),
    histogram('request_wait_duration_seconds', 'Time that requests spent in queues.', ({ labels, waited, waitedInVain }) => [
      [waited, `execute="true",${labels}`],
      [waitedInVain, `execute="false",${labels}`],
    ]),
    histogram('request_execution_seconds', 'Time that requests were served; of watches, until they had begun.', ({ labels, executed, watchesStarted }) => [
      [executed, `${labels},type="regular"`],
      [watchesStarted, `${labels},type="watch"`],
    ]),
    histogram('work_estimated_seats', 'Seats that requests were thought to need.', ({ labels, seats }) => [[seats, labels]]),
    histogram('watch_count_samples', 'Watches that hear of a write.', ({ labels, watches }) => [[watches, labels]]),
    histogram('request_queue_length_after_enqueue', 'Length of a queue, with the request that was just put in.', ({ labels, queueLength }) => [
      [queueLength, labels],
    ]),
    ...ofLevels.map(([name, help, value]) =>
      familyText(
        prefix + name,
        'gauge',
        help,
        named.map(({ level, labels }) => `${prefix}${name}{${labels}} ${value(level)}`),
      ),
    ),
    familyText(`${prefix}seat_fair_frac`, 'gauge', 'By how much what levels want is cut, or could be raised.', [
      `${prefix}seat_fair_frac ${levels.fairFraction}`,
    ]),
  ].join('');
}
