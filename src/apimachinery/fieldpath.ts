/**
 * Field paths and field errors, as validation reports them.
 * Types and wording follow apimachinery `util/validation/field`, since clients and tests match on them.
 */

/** A path such as `spec.containers[0].ports[http]`; immutable, cheap to extend. */
export class FieldPath {
  readonly #text: string;

  constructor(text = '') {
    this.#text = text;
  }

  child(...names: string[]): FieldPath {
    const tail = names.length === 1 ? names[0] : names.join('.');
    return new FieldPath(this.#text === '' ? tail : `${this.#text}.${tail}`);
  }

  index(position: number): FieldPath {
    return new FieldPath(`${this.#text}[${position}]`);
  }

  key(key: string): FieldPath {
    return new FieldPath(`${this.#text}[${key}]`);
  }

  toString(): string {
    return this.#text === '' ? '<nil>' : this.#text;
  }
}

/** What upstream shows as the field of an error that is about no field. */
export const unnamedField = '[]';

/** The root of a path: `path('spec', 'template')`. */
export const path = (...names: string[]): FieldPath => new FieldPath(names.join('.'));

export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooShort'
  | 'FieldValueTooMany'
  | 'FieldValueTooFew'
  | 'InternalError'
  | 'FieldValueTypeInvalid';

const headline: Record<FieldErrorType, string> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooShort: 'Too short',
  FieldValueTooMany: 'Too many',
  FieldValueTooFew: 'Too few',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
};

const noValue = Symbol('no value');

const goEscapes: Readonly<Record<string, string>> = { '\\u0007': '\\a', '\\u000b': '\\v' };

/** A string as Go's `%q` prints it: like JSON, but for control characters. */
export const quote = (text: string): string => JSON.stringify(text).replace(/\\u00[01][0-9a-f]/g, (escape) => goEscapes[escape] ?? `\\x${escape.slice(4)}`);

const htmlEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A value as Go's field errors print it: strings quoted, numbers bare, nil as `null`, anything else as (HTML-safe) JSON. */
function show(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return quote(value);
  return JSON.stringify(value).replace(/[<>&]/g, htmlEscape);
}

/** One thing that is wrong with one field. */
export class FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly detail: string;
  readonly #value: unknown;

  constructor(type: FieldErrorType, field: FieldPath | string, value: unknown, detail: string) {
    this.type = type;
    this.field = field.toString();
    this.#value = value;
    this.detail = detail;
  }

  /** The same of a value that stands at a path. */
  below(at: FieldPath): FieldError {
    const field = this.field === '<nil>' ? at : this.field.startsWith('[') ? `${at}${this.field}` : `${at}.${this.field}`;
    return new FieldError(this.type, field, this.#value, this.detail);
  }

  /** Without the field: the `message` of a cause. */
  body(): string {
    const head = this.#value === noValue ? headline[this.type] : `${headline[this.type]}: ${show(this.#value)}`;
    return this.detail === '' ? head : `${head}: ${this.detail}`;
  }

  /** With the field, as it stands in the message of the `Status`. */
  message(): string {
    return `${this.field}: ${this.body()}`;
  }
}

type At = FieldPath | string;

export const required = (field: At, detail = ''): FieldError => new FieldError('FieldValueRequired', field, noValue, detail);
export const invalidValue = (field: At, value: unknown, detail: string): FieldError => new FieldError('FieldValueInvalid', field, value, detail);
/** The value is not repeated: it says nothing, or too much. */
export const invalidUnshown = (field: At, detail: string): FieldError => new FieldError('FieldValueInvalid', field, noValue, detail);
export const typeInvalid = (field: At, value: unknown, detail: string): FieldError => new FieldError('FieldValueTypeInvalid', field, value, detail);
export const duplicate = (field: At, value: unknown): FieldError => new FieldError('FieldValueDuplicate', field, value, '');
export const fieldNotFound = (field: At, value: unknown): FieldError => new FieldError('FieldValueNotFound', field, value, '');
export const forbiddenField = (field: At, detail: string): FieldError => new FieldError('FieldValueForbidden', field, noValue, detail);
const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;
/** The value itself is not repeated: it is too long. `limit` is in bytes. */
export const tooLong = (field: At, limit: number): FieldError =>
  new FieldError('FieldValueTooLong', field, noValue, limit >= 0 ? `may not be more than ${counted(limit, 'byte')}` : 'value is too long');
/** A negative `actual` is not shown. */
export const tooMany = (field: At, actual: number, limit: number): FieldError =>
  new FieldError('FieldValueTooMany', field, actual >= 0 ? actual : noValue, limit >= 0 ? `must have at most ${counted(limit, 'item')}` : 'has too many items');
export const internalFieldError = (field: At, message: string): FieldError => new FieldError('InternalError', field, noValue, message);

/** `supported` is listed sorted and quoted, as upstream does with a set. */
export const notSupported = (field: At, value: unknown, supported: readonly string[]): FieldError => notSupportedInOrder(field, value, [...supported].sort());

/** `supported` is listed as given, as upstream does with a list. */
export function notSupportedInOrder(field: At, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((one) => JSON.stringify(one));
  return new FieldError('FieldValueNotSupported', field, value, list.length > 0 ? `supported values: ${list.join(', ')}` : '');
}
