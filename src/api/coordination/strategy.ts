/** How a coordinated lease chooses its holder, and the candidates for it. Source of the rule: upstream's `coordination/validation`. */

import type { FieldError, FieldPath } from '../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, path, required } from '../../apimachinery/fieldpath.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import { validateConfigMapKey, validateQualifiedName } from '../../apimachinery/names.ts';
import { checked, validateImmutable } from '../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../columns.ts';
import type { Column } from '../kind.ts';

const known = 'OldestEmulationVersion';

/** One of Kubernetes' own, or one with a domain. */
export function validateStrategy(strategy: string, at: FieldPath): FieldError[] {
  const field = at.child('strategy');
  if (!strategy.includes('/')) return strategy === known ? [] : [notSupported(field, strategy, [known])];
  return checked(strategy, field, validateQualifiedName(strategy));
}

/** Both served versions have this form. */
interface Candidate extends KubeObject {
  spec?: { leaseName: string; binaryVersion: string; emulationVersion?: string; strategy: string };
}

const semanticVersion = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z-.]+)?(?:\+[0-9A-Za-z-.]+)?$/;
const numbersOf = (version: string): number[] | undefined => semanticVersion.exec(version)?.slice(1, 4).map(Number);
const isLess = (a: readonly number[], b: readonly number[]): boolean => {
  const index = a.findIndex((number, position) => number !== b[position]);
  return index >= 0 && a[index]! < b[index]!;
};

export function validateCandidate({ spec }: Candidate): FieldError[] {
  const at = path('spec');
  const { leaseName = '', binaryVersion = '', emulationVersion = '', strategy = '' } = spec ?? {};
  const errors = leaseName === '' ? [required(at.child('leaseName'))] : [];
  const notVersion = 'must be a valid semantic version';
  const emulated = numbersOf(emulationVersion);
  const binary = numbersOf(binaryVersion);
  if (emulationVersion !== '' && !emulated) errors.push(invalidValue(at.child('emulationVersion'), emulationVersion, notVersion));
  if (binaryVersion === '') errors.push(required(at.child('binaryVersion')));
  else if (!binary) errors.push(invalidValue(at.child('binaryVersion'), binaryVersion, notVersion));
  else if (emulated && isLess(binary, emulated)) {
    errors.push(invalidValue(at.child('binaryVersion'), binaryVersion, 'must be greater than or equal to `emulationVersion`'));
  }
  if (strategy === '') return [...errors, required(at.child('strategy'))];
  if (strategy === known && !emulated) {
    errors.push(required(at.child('emulationVersion'), "must be specified when `strategy` is 'OldestEmulationVersion'"));
  }
  return [...errors, ...validateStrategy(strategy, at.child('strategy'))];
}

export const validateCandidateUpdate = (candidate: Candidate, old: Candidate): FieldError[] => [
  ...validateCandidate(candidate),
  ...validateImmutable(candidate.spec?.leaseName, old.spec?.leaseName, path('spec', 'leaseName')),
];

const candidateColumns: readonly Column<Candidate>[] = [
  nameColumn,
  textColumn('LeaseName', ({ spec }) => spec?.leaseName ?? ''),
  textColumn('BinaryVersion', ({ spec }) => spec?.binaryVersion ?? ''),
  textColumn('EmulationVersion', ({ spec }) => spec?.emulationVersion ?? ''),
  ageColumn,
];

/** What both versions declare. */
export const candidateRules = {
  anyFinalizers: true,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  validateName: (name: string): string[] => validateConfigMapKey(name),
  validate: validateCandidate,
  validateUpdate: validateCandidateUpdate,
  columns: candidateColumns,
  selectableFields: { 'spec.leaseName': ({ spec }: Candidate): string => spec?.leaseName ?? '' },
};
