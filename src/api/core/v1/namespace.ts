/** A namespace: it goes when everything in it and its own finalizers are gone. */

import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path } from '../../../apimachinery/fieldpath.ts';
import { labelName } from '../../../apimachinery/names.ts';
import { validateFinalizerName } from '../../../apimachinery/validation/objectmeta.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { defineKind } from '../../kind.ts';
import type { Namespace } from './types.gen.ts';

const ownFinalizer = 'kubernetes';

/** Selectors find a namespace by its name through this label. */
function addNameLabel({ metadata }: Namespace): void {
  metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
}

function keepFinalizers(namespace: Namespace, old: Namespace): void {
  namespace.spec = { ...namespace.spec, ...(old.spec?.finalizers ? { finalizers: old.spec.finalizers } : {}) };
  if (!old.spec?.finalizers) delete namespace.spec.finalizers;
}

function keepStatus(namespace: Namespace, old: Namespace): void {
  if (old.status) namespace.status = old.status;
  else delete namespace.status;
}

const validateSpecFinalizers = ({ spec }: Namespace): FieldError[] =>
  (spec?.finalizers ?? []).flatMap((finalizer) => validateFinalizerName(finalizer, path('spec', 'finalizers')));

/** The phase says the same as the deletion time. */
function validatePhase({ metadata, status }: Namespace): FieldError[] {
  const phase = status?.phase ?? '';
  const [expected, when] = metadata.deletionTimestamp ? ['Terminating', 'not empty'] : ['Active', 'empty'];
  return phase === expected ? [] : [invalidValue(path('status', 'Phase'), phase, `may only be '${expected}' if \`deletionTimestamp\` is ${when}`)];
}

export const namespaces = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  schema: 'io.k8s.api.core.v1.Namespace',
  validateName: labelName,
  setDefaults(namespace) {
    if (namespace.metadata.name) addNameLabel(namespace);
    if (namespace.status) namespace.status.phase ||= 'Active';
  },
  prepareForCreate(namespace) {
    // A generated name is known only now.
    if (namespace.metadata.name) addNameLabel(namespace);
    namespace.status = { phase: 'Active' };
    const finalizers = namespace.spec?.finalizers ?? [];
    namespace.spec = { ...namespace.spec, finalizers: finalizers.includes(ownFinalizer) ? finalizers : [...finalizers, ownFinalizer] };
  },
  prepareForUpdate(namespace, old) {
    addNameLabel(namespace);
    keepFinalizers(namespace, old);
  },
  validate: validateSpecFinalizers,
  validateUpdate: validateSpecFinalizers,
  finalizeOnDelete(namespace) {
    const waits = (namespace.spec?.finalizers?.length ?? 0) > 0;
    if (waits) namespace.status = { ...namespace.status, phase: 'Terminating' };
    return waits;
  },
  columns: [nameColumn, textColumn('Status', ({ status }) => status?.phase ?? ''), ageColumn],
  selectableFields: {
    'status.phase': ({ status }) => status?.phase ?? '',
  },
  subresources: {
    finalize: {
      type: 'object',
      verbs: ['update'],
      prepareForUpdate: keepStatus,
      validateUpdate: ({ spec }) =>
        (spec?.finalizers ?? []).flatMap((finalizer, index) => validateFinalizerName(finalizer, path('spec', 'finalizers').index(index))),
    },
    status: { type: 'object', verbs: ['get', 'patch', 'update'], validateUpdate: validatePhase },
  },
});
