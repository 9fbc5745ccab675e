/** What is wrong with a CustomResourceDefinition. Source of the rules: upstream's `apiextensions/validation`. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDns1035Label, validateDnsSubdomain } from '../../../../apimachinery/names.ts';
import { validateImmutable } from '../../../../apimachinery/validation/common.ts';
import { hasDefaults as hasAnyDefault } from '../../schema/prune.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionSpec } from '../types.gen.ts';
import { validateApproval } from './approval.ts';
import { validateConversion } from './conversion.ts';
import type { PerVersion } from './internal.ts';
import { hoist, versionsValue } from './internal.ts';
import { requiredNames, validateNames } from './names.ts';
import { isLenient, validateVersionSchema } from './schema.ts';
import { validateColumn, validateDeprecationWarning, validateSelectableFields, validateSubresources } from './version.ts';

const at = path('spec');

function validateGroup(group: string, groupAt: FieldPath): FieldError[] {
  if (group === '') return [required(groupAt)];
  const wrong = validateDnsSubdomain(group);
  if (wrong.length > 0) return [invalidValue(groupAt, group, wrong.join(','))];
  return group.includes('.') ? [] : [invalidValue(groupAt, group, 'should be a domain with at least one dot')];
}

function validateScope(scope: string): FieldError[] {
  if (!scope) return [required(at.child('scope'))];
  return scope === 'Cluster' || scope === 'Namespaced' ? [] : [notSupported(at.child('scope'), scope, ['Cluster', 'Namespaced'])];
}

/** What is asked of the schema and what comes with it, for one version or for all of them. */
class SchemaRules {
  readonly #old: CustomResourceDefinitionSpec | undefined;
  readonly #lenient: boolean;
  readonly #allStatus: boolean;

  constructor(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinitionSpec | undefined) {
    this.#old = old;
    this.#lenient = old?.versions?.some(({ schema }) => isLenient(schema, at)) ?? false;
    this.#allStatus = spec.versions?.some(({ subresources }) => subresources?.status !== undefined) ?? false;
  }

  #before(version: string): PerVersion | undefined {
    return this.#old?.versions?.find(({ name }) => name === version);
  }

  /** `version` is the first, for what all have in common. */
  schema({ schema }: PerVersion, version: string, status: boolean, schemaAt: FieldPath): FieldError[] {
    const unchanged = this.#old !== undefined && semanticEqual(this.#before(version)?.schema, schema);
    return validateVersionSchema(schema, { status, lenient: this.#lenient, unchanged }, schemaAt);
  }

  selectable({ selectableFields }: PerVersion, schema: PerVersion['schema'], version: string, of: FieldPath): FieldError[] {
    const before = this.#before(version)?.selectableFields;
    return validateSelectableFields(selectableFields, schema, before !== undefined && semanticEqual(before, selectableFields), of.child('selectableFields'));
  }

  shared(shared: PerVersion, version: string): FieldError[] {
    return [
      ...this.schema(shared, version, this.#allStatus, at.child('validation')),
      ...validateSubresources(shared.subresources, at.child('subresources')),
      ...(shared.additionalPrinterColumns ?? []).flatMap((column, index) => validateColumn(column, at.child('additionalPrinterColumns').index(index))),
    ];
  }
}

function validateSpec(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinitionSpec | undefined): FieldError[] {
  const { shared, versions } = hoist(spec);
  const versionsAt = at.child('versions');
  const rules = new SchemaRules(spec, old);
  const errors = [...validateGroup(spec.group, at.child('group')), ...validateScope(spec.scope)];
  if (!shared.schema?.openAPIV3Schema && !old?.versions?.some(({ schema }) => !schema?.openAPIV3Schema)) {
    for (const [index, { schema }] of versions.entries()) {
      if (!schema?.openAPIV3Schema) errors.push(required(versionsAt.index(index).child('schema', 'openAPIV3Schema')));
    }
  }
  if (spec.preserveUnknownFields && spec.versions?.some(({ schema }) => hasAnyDefault(schema?.openAPIV3Schema))) {
    errors.push(invalidValue(at.child('preserveUnknownFields'), true, 'must be false in order to use defaults in the schema'));
  }
  for (const [index, version] of versions.entries()) {
    const one = versionsAt.index(index);
    const wrong = validateDns1035Label(version.name);
    if (wrong.length > 0) errors.push(invalidValue(one.child('name'), version.name, wrong.join(',')));
    const status = (versions.some(({ subresources }) => subresources) ? version.subresources : shared.subresources)?.status !== undefined;
    errors.push(
      ...validateDeprecationWarning(version.deprecated, version.deprecationWarning, one.child('deprecationWarning')),
      ...rules.schema(version, version.name, status, one.child('schema')),
      ...validateSubresources(version.subresources, one.child('subresources')),
      ...(version.additionalPrinterColumns ?? []).flatMap((column, place) => validateColumn(column, one.child('additionalPrinterColumns').index(place))),
    );
    if (!version.selectableFields?.length) continue;
    if (version.schema?.openAPIV3Schema) errors.push(...rules.selectable(version, version.schema, version.name, one));
    else errors.push(invalidValue(one.child('selectableFields'), '', 'may only be set when `version.schema.openAPIV3Schema` is not included'));
  }
  const shown = versions.length > 0 ? versionsValue(versions) : null;
  if (new Set(versions.map(({ name }) => name)).size < versions.length) errors.push(invalidValue(versionsAt, shown, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalidValue(versionsAt, shown, 'must have exactly one version marked as storage version'));
  }
  const first = versions[0]?.name ?? '';
  const wrongFirst = first === '' ? [] : validateDns1035Label(first);
  if (wrongFirst.length > 0) errors.push(invalidValue(at.child('version'), first, wrongFirst.join(',')));
  errors.push(...requiredNames(spec.names, at.child('names')), ...validateNames(spec.names, at.child('names')));
  errors.push(...rules.shared(shared, first));
  if (shared.selectableFields?.length) {
    if (shared.schema) errors.push(...rules.selectable(shared, shared.schema, first, at));
    else errors.push(invalidValue(at.child('selectableFields'), '', 'may only be set when validations.schema is included'));
  }
  const { conversion, preserveUnknownFields } = spec;
  if (conversion && conversion.strategy !== 'None' && preserveUnknownFields) {
    errors.push(invalidValue(at.child('conversion', 'strategy'), conversion.strategy, 'must be None if spec.preserveUnknownFields is true'));
  }
  return [...errors, ...validateConversion(conversion, old?.conversion, at.child('conversion'))];
}

function validatePreserve({ spec }: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  if (!spec.preserveUnknownFields || old?.spec.preserveUnknownFields) return [];
  const detail = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  return [invalidValue(at.child('preserveUnknownFields'), true, detail)];
}

/** A version in which objects are stored may not vanish from under them. */
function validateStoredVersions({ spec: { versions = [] }, status }: CustomResourceDefinition): FieldError[] {
  const storedAt = path('status', 'storedVersions');
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0)
    return [invalidValue(storedAt, status?.storedVersions?.length === 0 ? null : status?.storedVersions, 'must have at least one stored version')];
  const left = new Map(stored.map((version, index) => [version, index]));
  const errors: FieldError[] = [];
  for (const { name, storage } of versions) {
    if (storage && !left.has(name)) errors.push(invalidValue(storedAt, stored, `must have the storage version ${name}`));
    left.delete(name);
  }
  for (const [version, index] of left) {
    const detail = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`;
    errors.push(invalidValue(storedAt.index(index), version, detail));
  }
  return errors;
}

const validateAcceptedNames = ({ status }: CustomResourceDefinition): FieldError[] =>
  status?.acceptedNames ? validateNames(status.acceptedNames, path('status', 'acceptedNames')) : [];

/** `definition` as it is created; its name is judged with its metadata. */
export const validateDefinition = (definition: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] => [
  ...(old ? [] : validateName(definition)),
  ...validateSpec(definition.spec, old?.spec),
  ...(old ? validateFixed(definition, old) : []),
  ...validateAcceptedNames(definition),
  ...validateStoredVersions(definition),
  ...validateApproval(definition, old),
  ...validatePreserve(definition, old),
];

function validateName({ metadata: { name }, spec }: CustomResourceDefinition): FieldError[] {
  if (!name || name === `${spec.names.plural}.${spec.group}`) return [];
  return [invalidValue(path('metadata', 'name'), name, 'must be spec.names.plural+"."+spec.group')];
}

function validateFixed({ spec }: CustomResourceDefinition, { spec: old, status }: CustomResourceDefinition): FieldError[] {
  const established = status?.conditions?.some(({ type, status: value }) => type === 'Established' && value === 'True');
  return [
    ...(established ? validateImmutable(spec.scope, old.scope, at.child('scope')) : []),
    ...(established ? validateImmutable(spec.names.kind, old.names.kind, at.child('names', 'kind')) : []),
    ...validateImmutable(spec.group, old.group, at.child('group')),
    ...validateImmutable(spec.names.plural, old.names.plural, at.child('names', 'plural')),
  ];
}

export const validateStatus = validateAcceptedNames;
