/** The declaration of a kind that users declare. */
import { quote } from '../../../apimachinery/fieldpath.ts';
import { timeOf } from '../../../apimachinery/meta.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import { knownFormat } from '../schema/formats.ts';
import { hoist } from './crd/internal.ts';
import { itemsOf, valuesOf } from './crd/rules/sizes.ts';
import { validateDefinition, validateStatus } from './crd/validation.ts';
import type { CustomResourceDefinition, JSONSchemaProps } from './types.gen.ts';

/** Objects of the kind are deleted before the definition goes. */
const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

function setDefaults({ spec }: CustomResourceDefinition): void {
  spec.names.singular ||= spec.names.kind.toLowerCase();
  if (spec.names.kind) spec.names.listKind ||= `${spec.names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service) service.port ??= 443;
}

const innerSchemas = (schema: JSONSchemaProps): JSONSchemaProps[] => [
  ...[itemsOf(schema) ?? []].flat(),
  ...(['allOf', 'anyOf', 'oneOf'] as const).flatMap((name) => schema[name] ?? []),
  ...(schema.not ? [schema.not] : []),
  ...Object.values(schema.properties ?? {}),
  ...[valuesOf(schema) ?? []].flat(),
];

const formatsOf = (schema: JSONSchemaProps): string[] => [
  ...(schema.format && knownFormat(schema) === '' ? [schema.format] : []),
  ...innerSchemas(schema).flatMap(formatsOf),
];

/** Formats that say nothing about values of their type. */
function unknownFormats({ spec }: CustomResourceDefinition): string[] {
  const { shared, versions } = hoist(spec);
  return [shared, ...versions].flatMap(({ schema }) => (schema?.openAPIV3Schema ? formatsOf(schema.openAPIV3Schema) : []));
}

/** The version that is stored counts as one in which something is stored. */
function storedVersionsOf({ spec, status }: CustomResourceDefinition): string[] {
  const stored = status?.storedVersions ?? [];
  const current = spec.versions?.find(({ storage }) => storage)?.name;
  return current === undefined || stored.includes(current) ? stored : [...stored, current];
}

export const customresourcedefinitions = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  storedUpstreamAs: 'v1beta1',
  schema: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  allowUnconditionalUpdate: false,
  hasGeneration: true,
  setDefaults,
  prepareForCreate(definition) {
    definition.status = { acceptedNames: { plural: '', kind: '' }, storedVersions: storedVersionsOf(definition) };
  },
  prepareForUpdate(definition) {
    definition.status = { ...definition.status, storedVersions: storedVersionsOf(definition) };
  },
  validate: (definition) => validateDefinition(definition),
  validateUpdate: (definition, old) => validateDefinition(definition, old),
  warnings: (definition, old) => {
    const before = new Set(old ? unknownFormats(old) : []);
    return unknownFormats(definition)
      .filter((format) => !before.has(format))
      .map((format) => `unrecognized format ${quote(format)}`);
  },
  finalizeOnDelete(definition) {
    const { metadata } = definition;
    if (metadata.deletionTimestamp !== undefined) return false;
    if (!metadata.finalizers?.includes(cleanupFinalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), cleanupFinalizer];
    definition.status ??= {};
    const others = (definition.status.conditions ?? []).filter(({ type }) => type !== 'Terminating');
    const terminating = {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      lastTransitionTime: timeOf(new Date()),
    };
    definition.status.conditions = [...others, terminating];
    return true;
  },
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['metadata', 'spec'],
      prepareForUpdate: keepMetadata,
      validateUpdate: validateStatus,
    },
  },
});
