/** Validation of an event. `events.k8s.io/v1` is stricter than the core version. Source of the rule: upstream's `core/validation`. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, path, required } from '../../../../apimachinery/fieldpath.ts';
import { subdomainName, validateDnsSubdomain } from '../../../../apimachinery/names.ts';
import { checked, validateImmutable, validateQualifiedNameField } from '../../../../apimachinery/validation/common.ts';
import { validateFinalizerDomain } from '../../../../apimachinery/validation/objectmeta.ts';
import type { StrategyContext } from '../../../kind.ts';
import type { Event } from '../types.gen.ts';

const isCore = ({ apiVersion }: StrategyContext): boolean => apiVersion === 'v1';

/** `limit` is in bytes. */
function limited(value: string, field: string, limit: number): FieldError[] {
  return Buffer.byteLength(value) > limit ? [invalidValue(path(field), '', `can have at most ${limit} characters`)] : [];
}

const needed = (value: string, field: string): FieldError[] => (value === '' ? [required(path(field))] : []);

function validateNamespaces({ metadata, involvedObject, eventTime }: Event): FieldError[] {
  const own = metadata.namespace ?? '';
  const of = involvedObject.namespace ?? '';
  // Events about objects without a namespace live in these.
  const clusterScoped = eventTime ? ['default', 'kube-system'] : ['', 'default'];
  const matches = of === '' ? clusterScoped.includes(own) : eventTime !== undefined || own === of;
  return matches ? [] : [invalidValue(path('involvedObject', 'namespace'), of, 'does not match event.namespace')];
}

function validateBasics(event: Event, context: StrategyContext): FieldError[] {
  const errors = validateNamespaces(event);
  const { reportingComponent = '', reportingInstance = '', action = '', reason = '', message = '' } = event;
  if (event.eventTime) {
    const reporter = isCore(context) ? 'reportingComponent' : 'reportingController';
    errors.push(...needed(reportingComponent, reporter), ...validateQualifiedNameField(reportingComponent, path(reporter)));
    errors.push(...needed(reportingInstance, 'reportingInstance'), ...limited(reportingInstance, 'reportingInstance', 128));
    errors.push(...needed(action, 'action'), ...limited(action, 'action', 128));
    errors.push(...needed(reason, 'reason'), ...limited(reason, 'reason', 128), ...limited(message, 'message', 1024));
  }
  const namespace = event.metadata.namespace ?? '';
  return [...errors, ...checked(namespace, path('namespace'), validateDnsSubdomain(namespace))];
}

function validateSeries({ series }: Event): FieldError[] {
  if (!series) return [];
  const errors: FieldError[] = [];
  if ((series.count ?? 0) < 2) errors.push(invalidValue(path('series.count'), '', 'should be at least 2'));
  if (!series.lastObservedTime) errors.push(required(path('series.lastObservedTime')));
  return errors;
}

export function validateEvent(event: Event, context: StrategyContext): FieldError[] {
  const errors = validateBasics(event, context);
  if (isCore(context)) return errors;
  const { name, finalizers = [] } = event.metadata;
  if (name) errors.push(...checked(name, path('metadata', 'name'), subdomainName(name, false)));
  errors.push(...finalizers.flatMap((finalizer, index) => validateFinalizerDomain(finalizer, path('metadata', 'finalizers').index(index))));
  errors.push(...validateSeries(event));
  if (!event.eventTime) errors.push(required(path('eventTime')));
  const { type = '', source } = event;
  if (type !== 'Normal' && type !== 'Warning') errors.push(invalidValue(path('type'), '', `has invalid value: ${type}`));
  const unset = 'needs to be unset';
  if (event.firstTimestamp) errors.push(invalidValue(path('firstTimestamp'), '', unset));
  if (event.lastTimestamp) errors.push(invalidValue(path('lastTimestamp'), '', unset));
  if (event.count) errors.push(invalidValue(path('count'), '', unset));
  if (source?.component || source?.host) errors.push(invalidValue(path('source'), '', unset));
  return errors;
}

const fixed = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
] as const;

const texts: readonly string[] = ['reason', 'message', 'type', 'action', 'reportingComponent', 'reportingInstance'];

/** As upstream prints its internal type. */
function shown(event: Event, field: (typeof fixed)[number]): unknown {
  if (field !== 'involvedObject') return event[field] || (texts.includes(field) ? '' : undefined);
  const { kind = '', namespace = '', name = '', uid = '', apiVersion = '', resourceVersion = '', fieldPath = '' } = event.involvedObject;
  return { Kind: kind, Namespace: namespace, Name: name, UID: uid, APIVersion: apiVersion, ResourceVersion: resourceVersion, FieldPath: fieldPath };
}

/** Only the series may go on. */
export function validateEventUpdate(event: Event, old: Event, context: StrategyContext): FieldError[] {
  const errors = validateBasics(event, context);
  if (isCore(context)) return errors;
  if (!semanticEqual(event.series, old.series)) errors.push(...validateSeries(event));
  for (const field of fixed)
    errors.push(...validateImmutable(shown(event, field), shown(old, field), path(field === 'reportingComponent' ? 'reportingController' : field)));
  return errors;
}
