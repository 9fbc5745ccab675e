/** `meta/v1 Table`: what `kubectl get` shows. Source: apimachinery `meta/v1` (Table), apiserver `handlers/response.go`. */
import type { KubeObject, ListMeta } from './meta.ts';

export interface TableColumn {
  name: string;
  type: string;
  format?: string;
  description?: string;
  /** 0 is shown always, 1 and more with `-o wide`. */
  priority?: number;
}

export interface TableColumnDefinition {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

export type TableCell = string | number | boolean | null;

export interface TableRow {
  cells: TableCell[];
  object?: unknown;
}

export interface Table {
  kind: 'Table';
  apiVersion: string;
  metadata: ListMeta;
  columnDefinitions: TableColumnDefinition[] | null;
  rows: TableRow[];
}

/** What each row carries of its object. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export const includeObjectPolicies: readonly IncludeObject[] = ['None', 'Metadata', 'Object'];

/** How a kind's columns are read: headers, and one function per cell. */
export interface TableColumns<T extends KubeObject = KubeObject> {
  columns: readonly (TableColumn & { value(object: T, now: Date): TableCell })[];
}

/** The headers as they go to the client. */
const columnDefinitions = (columns: readonly TableColumn[]): TableColumnDefinition[] =>
  columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({ name, type, format, description, priority }));

function rowObject(object: KubeObject, include: IncludeObject, apiVersion: string): unknown {
  if (include === 'Object') return object;
  if (include === 'None') return undefined;
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
}

/** One object as a row. */
function tableRow<T extends KubeObject>(
  columns: TableColumns<T>['columns'],
  object: T,
  include: IncludeObject,
  now: Date,
  apiVersion = 'meta.k8s.io/v1',
): TableRow {
  const cells = columns.map((column) => column.value(object, now));
  const carried = rowObject(object, include, apiVersion);
  return carried === undefined ? { cells, object: null } : { cells, object: carried };
}

export interface TableOptions {
  include: IncludeObject;
  /** `meta.k8s.io/v1`, or `v1beta1` when the client asked for that. */
  apiVersion?: string;
  /** Watch events after the first leave the headers out. */
  withoutHeaders?: boolean;
  now: Date;
}

/** A list, or a single object, as a table. `metadata` is that of the list (for one object: its resourceVersion). */
export function tableOf<T extends KubeObject>(columns: TableColumns<T>['columns'], objects: readonly T[], metadata: ListMeta, options: TableOptions): Table {
  const { include, now, apiVersion = 'meta.k8s.io/v1' } = options;
  return {
    kind: 'Table',
    apiVersion,
    metadata,
    columnDefinitions: options.withoutHeaders ? null : columnDefinitions(columns),
    rows: objects.map((object) => tableRow(columns, object, include, now, apiVersion)),
  };
}
