/** The declaration of a kind that users declare. */
import { timeOf } from '../../../apimachinery/meta.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import { validateDefinition, validateDefinitionUpdate, validateStatus } from './crd/validation.ts';
import type { CustomResourceDefinition } from './types.gen.ts';

/** Objects of the kind are deleted before the definition goes. */
const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

function setDefaults({ spec }: CustomResourceDefinition): void {
  spec.names.singular ||= spec.names.kind.toLowerCase();
  spec.names.listKind ||= `${spec.names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  spec.conversion.strategy ||= 'None';
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service) service.port ??= 443;
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
  schema: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  hasGeneration: true,
  setDefaults,
  prepareForCreate(definition) {
    const stored = definition.spec.versions.find(({ storage }) => storage);
    definition.status = { storedVersions: stored ? [stored.name] : [] };
  },
  validate: (definition) => validateDefinition(definition),
  validateUpdate: validateDefinitionUpdate,
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
