/** Columns and cells that many kinds share. */
import { humanAge } from '../apimachinery/duration.ts';
import type { KubeObject } from '../apimachinery/meta.ts';
import type { Column } from './kind.ts';

/** NAME, which client tools know by its format. */
export const nameColumn: Column<KubeObject> = { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name };

/** AGE, counted from the object's creation. */
export const ageColumn: Column<KubeObject> = { name: 'Age', type: 'string', value: ({ metadata }, now) => humanAge(metadata.creationTimestamp, now) };

/** A column of text that is always shown. */
export const textColumn = <T extends KubeObject>(name: string, value: Column<T>['value']): Column<T> => ({ name, type: 'string', value });

/** A column of text that `-o wide` adds. */
export const wideColumn = <T extends KubeObject>(name: string, value: Column<T>['value']): Column<T> => ({ name, type: 'string', priority: 1, value });

/** A column of numbers that is always shown. */
export const countColumn = <T extends KubeObject>(name: string, value: (object: T) => number | undefined): Column<T> => ({
  name,
  type: 'integer',
  value: (object) => value(object) ?? 0,
});

/** Labels as `a=1,b=2`, sorted; `<none>` when there are none. */
export function labelsCell(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? '<none>' : keys.map((key) => `${key}=${labels![key]}`).join(',');
}

interface ContainerLike {
  name: string;
  image?: string;
}

/** CONTAINERS and IMAGES of a pod template, with `-o wide`. */
export const containerColumns = <T extends KubeObject>(containersOf: (object: T) => readonly ContainerLike[] | undefined): Column<T>[] => [
  wideColumn('Containers', (object) => (containersOf(object) ?? []).map(({ name }) => name).join(',')),
  wideColumn('Images', (object) => (containersOf(object) ?? []).map(({ image }) => image ?? '').join(',')),
];

/** How many keys there are; upstream calls it a text. */
export const keysColumn = <T extends KubeObject>(value: (object: T) => number): Column<T> => ({ name: 'Data', type: 'string', value });
