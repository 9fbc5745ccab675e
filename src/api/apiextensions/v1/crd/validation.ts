/** What is wrong with a CustomResourceDefinition. Source of the rules: upstream's `apiextensions/validation`. */
import { deepEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDns1035Label, validateDnsSubdomain } from '../../../../apimachinery/names.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionVersion } from '../types.gen.ts';
import { validateSchemaRules } from './rules/validation.ts';
import { validateStructure } from './structure.ts';

const spec = path('spec');

function validateNames(names: CustomResourceDefinitionNames, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const label = (value: string, field: FieldPath, needed: boolean): void => {
    if (value === '') {
      if (needed) errors.push(required(field));
      return;
    }
    for (const wrong of validateDns1035Label(value)) errors.push(invalidValue(field, value, wrong));
  };
  label(names.plural, at.child('plural'), true);
  label(names.singular ?? '', at.child('singular'), false);
  label(names.kind.toLowerCase(), at.child('kind'), true);
  label((names.listKind ?? '').toLowerCase(), at.child('listKind'), true);
  for (const [index, name] of (names.shortNames ?? []).entries()) label(name, at.child('shortNames').index(index), true);
  for (const [index, name] of (names.categories ?? []).entries()) label(name, at.child('categories').index(index), true);
  if (names.kind !== '' && names.kind === names.listKind)
    errors.push(invalidValue(at.child('listKind'), names.listKind, 'kind and listKind may not be the same'));
  return errors;
}

function validateGroup(group: string, at: FieldPath): FieldError[] {
  if (group === '') return [required(at)];
  const errors = validateDnsSubdomain(group).map((wrong) => invalidValue(at, group, wrong));
  return errors.length === 0 && !group.includes('.') ? [invalidValue(at, group, 'should be a domain with at least one dot')] : errors;
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];

/** `old` is the version that stands: rules that have been there are not asked whether they would be taken today. */
function validateVersion(version: CustomResourceDefinitionVersion, old: CustomResourceDefinitionVersion | undefined, at: FieldPath): FieldError[] {
  const errors = validateDns1035Label(version.name).map((wrong) => invalidValue(at.child('name'), version.name, wrong));
  if (version.deprecationWarning !== undefined && !version.deprecated) {
    errors.push(invalidValue(at.child('deprecationWarning'), version.deprecationWarning, 'can only be set for deprecated versions'));
  }
  const schema = version.schema?.openAPIV3Schema;
  const schemaAt = at.child('schema', 'openAPIV3Schema');
  if (!schema) errors.push(required(schemaAt, 'schemas are required'));
  else {
    const wrong = validateStructure(schema, schemaAt);
    const asked = wrong.length === 0 && !deepEqual(schema, old?.schema?.openAPIV3Schema);
    errors.push(...wrong, ...(asked ? validateSchemaRules(schema, schemaAt) : []));
  }
  for (const [index, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const columnAt = at.child('additionalPrinterColumns').index(index);
    if (!column.name) errors.push(required(columnAt.child('name')));
    if (!column.type) errors.push(required(columnAt.child('type'), `must be one of ${columnTypes.join(',')}`));
    else if (!columnTypes.includes(column.type)) errors.push(invalidValue(columnAt.child('type'), column.type, `must be one of ${columnTypes.join(',')}`));
    if (!column.jsonPath) errors.push(required(columnAt.child('jsonPath')));
  }
  const scale = version.subresources?.scale;
  if (scale) {
    const scaleAt = at.child('subresources', 'scale');
    for (const [field, prefix] of [
      ['specReplicasPath', '.spec'],
      ['statusReplicasPath', '.status'],
    ] as const) {
      if (!scale[field]) errors.push(required(scaleAt.child(field)));
      else if (!scale[field].startsWith(`${prefix}.`)) errors.push(invalidValue(scaleAt.child(field), scale[field], `should be a json path under ${prefix}`));
    }
  }
  return errors;
}

function validateVersions(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  const at = spec.child('versions');
  const { versions } = definition.spec;
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, version] of versions.entries()) {
    if (seen.has(version.name)) errors.push(duplicate(at.index(index).child('name'), version.name));
    seen.add(version.name);
    const before = old?.spec.versions.find(({ name }) => name === version.name);
    errors.push(...validateVersion(version, before, at.index(index)));
  }
  if (versions.length === 0) errors.push(required(at, 'must have at least one version'));
  else if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalidValue(at, versions, 'must have exactly one version marked as storage version'));
  }
  return errors;
}

function validateConversion({ spec: { conversion } }: CustomResourceDefinition): FieldError[] {
  const at = spec.child('conversion');
  if (!conversion) return [];
  const { strategy, webhook } = conversion;
  if (strategy !== 'None' && strategy !== 'Webhook') return [notSupported(at.child('strategy'), strategy, ['None', 'Webhook'])];
  if (strategy === 'None') return webhook ? [forbiddenField(at.child('webhook'), 'should not be set when strategy is not set to Webhook')] : [];
  if (!webhook?.clientConfig) return [required(at.child('webhook', 'clientConfig'), 'required when strategy is set to Webhook')];
  const errors: FieldError[] = [];
  const { url, service } = webhook.clientConfig;
  const configAt = at.child('webhook', 'clientConfig');
  if ((url === undefined) === (service === undefined)) errors.push(required(configAt, 'exactly one of url or service is required'));
  if (!webhook.conversionReviewVersions.some((version) => version === 'v1' || version === 'v1beta1')) {
    errors.push(invalidValue(at.child('webhook', 'conversionReviewVersions'), webhook.conversionReviewVersions, 'must include at least one of v1, v1beta1'));
  }
  return errors;
}

export function validateDefinition(definition: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
  const { group, names, scope, preserveUnknownFields } = definition.spec;
  const errors: FieldError[] = [];
  const expected = `${names.plural}.${group}`;
  if (definition.metadata.name !== expected)
    errors.push(invalidValue(path('metadata', 'name'), definition.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  errors.push(...validateGroup(group, spec.child('group')));
  if (!scope) errors.push(required(spec.child('scope')));
  else if (scope !== 'Cluster' && scope !== 'Namespaced') errors.push(notSupported(spec.child('scope'), scope, ['Cluster', 'Namespaced']));
  errors.push(...validateVersions(definition, old));
  errors.push(...validateNames(names, spec.child('names')));
  errors.push(...validateConversion(definition));
  if (preserveUnknownFields) {
    errors.push(
      invalidValue(
        spec.child('preserveUnknownFields'),
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
  }
  return errors;
}

export function validateDefinitionUpdate(definition: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const errors = validateDefinition(definition, old);
  const established = old.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  const fixed = (now: unknown, before: unknown, at: FieldPath): void => {
    if (now !== before) errors.push(invalidValue(at, now, 'field is immutable'));
  };
  if (established) {
    fixed(definition.spec.scope, old.spec.scope, spec.child('scope'));
    fixed(definition.spec.names.kind, old.spec.names.kind, spec.child('names', 'kind'));
  }
  fixed(definition.spec.group, old.spec.group, spec.child('group'));
  fixed(definition.spec.names.plural, old.spec.names.plural, spec.child('names', 'plural'));
  return [...errors, ...validateStoredVersions(definition)];
}

/** A version in which objects are stored may not vanish from under them. */
function validateStoredVersions({ spec: { versions }, status }: CustomResourceDefinition): FieldError[] {
  const known = new Set(versions.map(({ name }) => name));
  const at = path('status', 'storedVersions');
  const errors: FieldError[] = [];
  for (const [index, version] of (status?.storedVersions ?? []).entries()) {
    if (!known.has(version)) {
      errors.push(
        invalidValue(
          at.index(index),
          version,
          `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
        ),
      );
    }
  }
  return errors;
}

export const validateStatus = (definition: CustomResourceDefinition): FieldError[] => validateStoredVersions(definition);
