/** Events as `events.k8s.io` shows them: the same objects as core events, under other names. */

import { eventColumns } from '../../core/v1/event/columns.ts';
import type { Event as CoreEvent } from '../../core/v1/types.gen.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { Event } from './types.gen.ts';

/** What the core version calls otherwise. */
const coreNames = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
] as const;

function renamed(object: object, names: readonly (readonly [string, string])[]): Record<string, unknown> {
  const to = new Map(names);
  return Object.fromEntries(Object.entries(object).map(([field, value]) => [to.get(field) ?? field, value]));
}

const toCore = (event: Event): CoreEvent => ({ involvedObject: {}, ...renamed(event, coreNames) }) as CoreEvent;
const ownNames = coreNames.map(([own, core]) => [core, own] as const);

function fromCore(event: CoreEvent): Event {
  const own = renamed(event, ownNames) as unknown as Event;
  // The core version shows them even when they are empty.
  if (own.reportingController === '') delete own.reportingController;
  if (own.reportingInstance === '') delete own.reportingInstance;
  return own;
}

export const events = defineKind<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.events.v1.Event',
  garbageCollection: 'unsupported',
  allowCreateOnUpdate: true,
  conversion: { hub: '/v1/Event', toHub: toCore, fromHub: (event) => fromCore(event as CoreEvent) },
  columns: eventColumns.map((column) => ({ ...column, value: (event, now) => column.value(toCore(event), now) })),
  selectableFields: {
    'regarding.kind': ({ regarding }) => regarding?.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding?.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding?.name ?? '',
    'regarding.uid': ({ regarding }) => regarding?.uid ?? '',
    'regarding.apiVersion': ({ regarding }) => regarding?.apiVersion ?? '',
    'regarding.resourceVersion': ({ regarding }) => regarding?.resourceVersion ?? '',
    'regarding.fieldPath': ({ regarding }) => regarding?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    type: ({ type }) => type ?? '',
  },
});
