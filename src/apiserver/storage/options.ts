/** Query parameters and bodies that steer a verb: ListOptions, CreateOptions, DeleteOptions, … as `meta/v1` has them. */
import { badRequest, invalid, StatusError } from '../../apimachinery/errors.ts';
import type { FieldError } from '../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, notSupportedInOrder, path, required } from '../../apimachinery/fieldpath.ts';
import { validateFieldManager } from '../../apimachinery/validation/objectmeta.ts';

export interface ListOptions {
  labelSelector: string;
  fieldSelector: string;
  watch: boolean;
  allowWatchBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
  resourceVersion: string;
  resourceVersionMatch: string;
  timeoutSeconds: number | undefined;
  limit: number;
  continue: string;
}

/** Anything but `false`, `0` and `FALSE` that strconv accepts is true; other text is an error, as in upstream's conversion. */
function boolean(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  // Upstream's Convert_Slice_string_To_bool: everything but "false" and "0" counts as true.
  return !(value === 'false' || value === '0' || value === 'FALSE' || value === 'False');
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^[+-]?\d+$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(value);
}

export function parseListOptions(query: URLSearchParams, isWatch: boolean): ListOptions {
  const options: ListOptions = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    watch: isWatch,
    allowWatchBookmarks: boolean(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: boolean(query, 'sendInitialEvents'),
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    timeoutSeconds: integer(query, 'timeoutSeconds'),
    limit: integer(query, 'limit') ?? 0,
    continue: query.get('continue') ?? '',
  };
  const errors = validateListOptions(options);
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  return options;
}

/** Source of the rule: apimachinery `internalversion/validation`. */
function validateListOptions(options: ListOptions): FieldError[] {
  if (options.watch) return validateWatchOptions(options);
  const errors: FieldError[] = [];
  const match = options.resourceVersionMatch;
  if (match !== '') {
    if (options.resourceVersion === '') {
      errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (options.continue !== '') {
      errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(notSupportedInOrder('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && options.resourceVersion === '0') {
      errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function validateWatchOptions(options: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  const match = options.resourceVersionMatch;
  if (options.sendInitialEvents !== undefined) {
    if (match !== 'NotOlderThan') {
      errors.push(forbiddenField('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
      if (match !== '') errors.push(notSupported('resourceVersionMatch', match, ['NotOlderThan']));
    }
  } else if (match !== '') {
    errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
  }
  if (options.continue !== '') errors.push(forbiddenField('continue', 'continue is forbidden for watch'));
  return errors;
}

/** A resourceVersion of a get or watch; fails as upstream's versioner does, whose error nobody there takes for the client's. */
export function parseResourceVersion(text: string): number {
  if (text === '' || text === '0') return 0;
  if (!/^\d+$/.test(text)) {
    throw invalidResourceVersion(text);
  }
  return Number(text);
}

const invalidResourceVersion = (text: string): StatusError =>
  new StatusError(500, '', `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);

/** A resourceVersion of a list. Fails with 400. */
export function parseListResourceVersion(text: string): number {
  try {
    return parseResourceVersion(text);
  } catch (error) {
    throw badRequest(`invalid resource version: ${(error as Error).message}`);
  }
}

export interface WriteOptions {
  dryRun: boolean;
  fieldManager: string;
  fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  force: boolean | undefined;
}

/** Of create, update and patch. `kind` is the options' own, for error messages. */
export function parseWriteOptions(query: URLSearchParams, kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', apply = false): WriteOptions {
  if (query.size === 0 && !apply) return { dryRun: false, fieldManager: '', fieldValidation: 'Warn', force: undefined };
  const errors: FieldError[] = [];
  const dryRun = query.getAll('dryRun');
  validateDryRun(dryRun, errors);
  const fieldManager = query.get('fieldManager') ?? '';
  errors.push(...validateFieldManager(fieldManager, path('fieldManager')));
  const force = boolean(query, 'force');
  if (apply && fieldManager === '') errors.push(required('fieldManager', 'is required for apply patch'));
  if (!apply && force !== undefined && kind === 'PatchOptions') errors.push(forbiddenField('force', 'may not be specified for non-apply patch'));
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(fieldValidation)) {
    errors.push(notSupported('fieldValidation', fieldValidation, ['', 'Ignore', 'Warn', 'Strict']));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as 'Ignore' | 'Warn' | 'Strict'),
    force,
  };
}

function validateDryRun(values: readonly string[], errors: FieldError[]): void {
  const wrong = values.filter((value) => value !== 'All');
  if (wrong.length > 0) errors.push(notSupported('dryRun', values, ['All']));
}

export interface DeleteOptions {
  gracePeriodSeconds: number | undefined;
  preconditions: { uid?: string; resourceVersion?: string } | undefined;
  orphanDependents: boolean | undefined;
  propagationPolicy: string | undefined;
  dryRun: boolean;
}

/** From the body when there is one, else from the query. */
export function parseDeleteOptions(query: URLSearchParams, body: Record<string, unknown> | undefined): DeleteOptions {
  const options: DeleteOptions = body
    ? {
        gracePeriodSeconds: body['gracePeriodSeconds'] as number | undefined,
        preconditions: body['preconditions'] as DeleteOptions['preconditions'],
        orphanDependents: body['orphanDependents'] as boolean | undefined,
        propagationPolicy: body['propagationPolicy'] as string | undefined,
        dryRun: false,
      }
    : {
        gracePeriodSeconds: integer(query, 'gracePeriodSeconds'),
        preconditions: undefined,
        orphanDependents: boolean(query, 'orphanDependents'),
        propagationPolicy: query.get('propagationPolicy') ?? undefined,
        dryRun: false,
      };
  const dryRun = (body?.['dryRun'] as string[] | undefined) ?? query.getAll('dryRun');
  options.dryRun = dryRun.length > 0;
  const errors: FieldError[] = [];
  if (options.orphanDependents !== undefined && options.propagationPolicy !== undefined) {
    errors.push(invalidValue('propagationPolicy', options.propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  if (options.propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(options.propagationPolicy)) {
    errors.push(notSupportedInOrder('propagationPolicy', options.propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']));
  }
  validateDryRun(dryRun, errors);
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  return options;
}
