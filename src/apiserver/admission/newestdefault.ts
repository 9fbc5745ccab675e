import type { KubeObject } from '../../apimachinery/meta.ts';

/** Of the objects that an annotation marks as the default, the newest; of equally old ones the first by name. */
export function newestDefault<T extends KubeObject>(objects: readonly T[], ...annotations: readonly string[]): T | undefined {
  const created = ({ metadata }: T): string => metadata.creationTimestamp ?? '';
  const marked = objects.filter(({ metadata }) => annotations.some((annotation) => metadata.annotations?.[annotation] === 'true'));
  return marked.sort((a, b) => (created(a) === created(b) ? (a.metadata.name < b.metadata.name ? -1 : 1) : created(a) > created(b) ? -1 : 1))[0];
}
