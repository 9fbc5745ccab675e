/** The columns of `kubectl get`: the kind's own, or name and age. */
import type { Column } from '../../api/kind.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { Resource } from '../registry.ts';

const nameDescription =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names';
const createdDescription =
  'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata';

const defaultColumns: readonly Column<KubeObject>[] = [
  { name: 'Name', type: 'string', format: 'name', description: nameDescription, value: ({ metadata }) => metadata.name },
  { name: 'Created At', type: 'date', description: createdDescription, value: ({ metadata }) => metadata.creationTimestamp ?? '' },
];

export const columnsOf = (resource: Resource): readonly Column<KubeObject>[] =>
  (resource.definition.columns ?? resource.stored.definition.columns ?? defaultColumns) as readonly Column<KubeObject>[];
