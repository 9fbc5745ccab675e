/** The declaration of Event, the stored version of `events.k8s.io` too; its rules are in `event/`. */
import { pathSegmentName } from '../../../apimachinery/names.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { eventColumns } from './event/columns.ts';
import { validateEvent, validateEventUpdate } from './event/validation.ts';
import type { Event } from './types.gen.ts';

/** How long an event is remembered, in seconds. */
const hour = 3600;

export const events = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Event',
  validateName: pathSegmentName,
  anyFinalizers: true,
  garbageCollection: 'unsupported',
  allowCreateOnUpdate: true,
  ttlSeconds: () => hour,
  validate: validateEvent,
  validateUpdate: validateEventUpdate,
  columns: eventColumns,
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || (reportingComponent ?? ''),
    type: ({ type }) => type ?? '',
  },
});
