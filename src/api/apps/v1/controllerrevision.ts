import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { path, required } from '../../../apimachinery/fieldpath.ts';
import { controllerOf, parseApiVersion } from '../../../apimachinery/meta.ts';
import { validateImmutable, validateNonNegative } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { ControllerRevision } from './types.gen.ts';

const validateRevision = ({ revision }: ControllerRevision): FieldError[] => validateNonNegative(revision, path('revision'));

function validateData({ data }: ControllerRevision): FieldError[] {
  if (data === undefined || data === null) return [required(path('data'), 'data is mandatory')];
  return typeof data === 'object' && !Array.isArray(data) ? [] : [required(path('data'), 'data must be a valid JSON object')];
}

/** `deployment.apps/web` */
function controllerCell(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (!owner) return '<none>';
  const { group } = parseApiVersion(owner.apiVersion);
  return `${owner.kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${owner.name}`;
}

export const controllerrevisions = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.ControllerRevision',
  validate: (revision) => [...validateRevision(revision), ...validateData(revision)],
  validateUpdate: (revision, old) => [...validateRevision(revision), ...validateImmutable(revision.data, old.data, path('data'))],
  columns: [nameColumn, textColumn('Controller', controllerCell), textColumn('Revision', ({ revision }) => revision ?? 0), ageColumn],
});
