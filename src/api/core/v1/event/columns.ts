import { humanAge } from '../../../../apimachinery/duration.ts';
import { nameColumn, textColumn, wideColumn } from '../../../columns.ts';
import type { Column } from '../../../kind.ts';
import type { Event } from '../types.gen.ts';

const firstSeen = ({ firstTimestamp, eventTime }: Event, now: Date): string => humanAge(firstTimestamp ?? eventTime, now);

function lastSeen(event: Event, now: Date): string {
  if (event.series) return humanAge(event.series.lastObservedTime, now);
  return event.lastTimestamp ? humanAge(event.lastTimestamp, now) : firstSeen(event, now);
}

function objectCell({ involvedObject: { kind = '', name } }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function sourceCell({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || '';
  const instance = source?.host || reportingInstance;
  return instance ? `${component}, ${instance}` : component;
}

export const eventColumns: readonly Column<Event>[] = [
  textColumn('Last Seen', lastSeen),
  textColumn('Type', ({ type }) => type ?? ''),
  textColumn('Reason', ({ reason }) => reason ?? ''),
  textColumn('Object', objectCell),
  wideColumn('Subobject', ({ involvedObject }) => involvedObject.fieldPath ?? ''),
  wideColumn('Source', sourceCell),
  textColumn('Message', ({ message }) => (message ?? '').trim()),
  wideColumn('First Seen', firstSeen),
  // A single event of the new API has no count.
  wideColumn('Count', ({ series, count }) => (series ? (series.count ?? 0) : count || 1)),
  { ...nameColumn, priority: 1 },
];
