/** `/debug/api_priority_and_fairness/dump_…`: the state of levels, queues and requests, as upstream's tables. */
import type { RequestContext } from '../context.ts';
import type { Reply } from '../exchange.ts';
import { textReply } from '../exchange.ts';
import type { Flow } from './flow.ts';
import type { Levels } from './levels.ts';
import type { Ticket } from './ticket.ts';

const prefix = '/debug/api_priority_and_fairness/dump_';

/** Columns are as wide as their widest cell; the last one is not padded. */
function table(rows: readonly (readonly (string | number | boolean)[])[]): string {
  const cells = rows.map((row) => row.map((cell, index) => (index === row.length - 1 ? String(cell) : `${cell},`)));
  const widths = cells[0]?.map((_, column) => Math.max(7, ...cells.map((row) => row[column]?.length ?? 0)) + 1) ?? [];
  return cells.map((row) => `${row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] as number))).join('')}\n`).join('');
}

const levelColumns = ['PriorityLevelName', 'ActiveQueues', 'IsIdle', 'IsQuiescing', 'WaitingRequests', 'ExecutingRequests', 'DispatchedRequests'];
const queueColumns = ['PriorityLevelName', 'Index', 'PendingRequests', 'ExecutingRequests', 'SeatsInUse', 'NextDispatchR', 'InitialSeatsSum', 'MaxSeatsSum'];
const requestColumns = ['PriorityLevelName', 'FlowSchemaName', 'QueueIndex', 'RequestIndexInQueue', 'FlowDistingsher', 'ArriveTime', 'InitialSeats'];
const detailColumns = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'];

const sorted = (levels: Levels<Flow>) => [...levels.byName.values()].sort((a, b) => (a.config.name < b.config.name ? -1 : 1));
const seatSeconds = (value: number): string => `${value.toFixed(8)}ss`;

const levelRows = (levels: Levels<Flow>) =>
  sorted(levels).map(({ config, queues, quiescing }) => [
    config.name,
    queues.queues.filter(({ waiting }) => waiting.size > 0).length,
    queues.idle,
    quiescing,
    queues.waiting,
    queues.executing.length,
    queues.dispatched,
    queues.rejected,
    0,
    queues.cancelled,
  ]);

const queueRows = (levels: Levels<Flow>) =>
  sorted(levels).flatMap(({ config, queues }) =>
    queues.queues.map((queue) => [
      config.name,
      queue.index,
      queue.waiting.size,
      queue.executing,
      queue.seatsInUse,
      seatSeconds(queue.nextDispatchR),
      [...queue.waiting].reduce((sum, { initialSeats }) => sum + initialSeats, 0),
      queue.waitingSeats,
      seatSeconds(queue.waitingWork),
    ]),
  );

function requestRow({ flow, queue, distinguisher, context, arrived, started, initialSeats, finalSeats, lingerMs }: Ticket<Flow>, index: number) {
  const time = (at: number): string => (at === 0 ? '0001-01-01T00:00:00Z' : new Date(performance.timeOrigin + at).toISOString());
  const info = context?.info;
  return {
    row: [
      flow.level.config.name,
      flow.config.name,
      queue?.index ?? -1,
      index,
      distinguisher,
      time(arrived),
      initialSeats,
      finalSeats,
      `${lingerMs / 1000}s`,
      time(started),
    ],
    details: info
      ? [
          context.user.username,
          info.verb,
          info.path,
          info.namespace,
          info.name,
          info.group === '' ? info.version : `${info.group}/${info.version}`,
          info.resource,
          info.subresource,
        ]
      : [],
  };
}

function requests(levels: Levels<Flow>, details: boolean): string {
  const found = sorted(levels).flatMap(({ queues }) => [
    ...queues.queues.flatMap(({ waiting }) => [...waiting].map((ticket, index) => requestRow(ticket, index))),
    ...queues.executing.map((ticket) => requestRow(ticket, -1)),
  ]);
  const heads = [...requestColumns, 'FinalSeats', 'AdditionalLatency', 'StartTime', ...(details ? detailColumns : [])];
  return table([heads, ...found.map((one) => (details ? [...one.row, ...one.details] : one.row))]);
}

/** Undefined for any other path. */
export function serveDump({ info }: RequestContext, levels: Levels<Flow>): Reply | undefined {
  if (!info.path.startsWith(prefix)) return undefined;
  switch (info.path.slice(prefix.length)) {
    case 'priority_levels':
      return textReply(200, table([[...levelColumns, 'RejectedRequests', 'TimedoutRequests', 'CancelledRequests'], ...levelRows(levels)]));
    case 'queues':
      return textReply(200, table([[...queueColumns, 'TotalWorkSum'], ...queueRows(levels)]));
    case 'requests':
      return textReply(200, requests(levels, (info.query.get('includeRequestDetails') ?? '') !== ''));
    default:
      return undefined;
  }
}
