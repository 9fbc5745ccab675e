import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, notSupported, path, required, tooLong } from '../../../apimachinery/fieldpath.ts';
import { validateDnsLabelField, validateDomainPrefixedPath, validateImmutable } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateTypedReference } from './ingress/validation.ts';
import type { IngressClass, IngressClassParametersReference } from './types.gen.ts';

const maxControllerLength = 250;
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';

function validateParameters(parameters: IngressClassParametersReference, at: FieldPath): FieldError[] {
  const errors = validateTypedReference(parameters, at);
  const { scope, namespace } = parameters;
  if (scope === undefined) return [...errors, required(at.child('scope'))];
  if (scope !== 'Namespace' && scope !== 'Cluster') return [...errors, notSupported(at.child('scope'), scope, ['Namespace', 'Cluster'])];
  const namespaceAt = at.child('namespace');
  if (scope === 'Cluster') {
    return namespace === undefined ? errors : [...errors, forbiddenField(namespaceAt, "`parameters.scope` is set to 'Cluster'")];
  }
  if (namespace === undefined) return [...errors, required(namespaceAt, "`parameters.scope` is set to 'Namespace'")];
  return [...errors, ...validateDnsLabelField(namespace, namespaceAt)];
}

function validateClass({ spec }: IngressClass): FieldError[] {
  const { controller = '', parameters } = spec;
  const at = path('spec', 'controller');
  return [
    ...(controller.length > maxControllerLength ? [tooLong(at, maxControllerLength)] : []),
    ...validateDomainPrefixedPath(controller, at),
    ...(parameters ? validateParameters(parameters, path('spec', 'parameters')) : []),
  ];
}

function parametersCell({ spec: { parameters } }: IngressClass): string {
  if (!parameters) return '<none>';
  const { kind, apiGroup, name } = parameters;
  return `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`;
}

export const ingressclasses = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1.IngressClass',
  hasGeneration: true,
  setDefaults({ spec }) {
    if (spec.parameters) spec.parameters.scope ??= 'Cluster';
  },
  validate: validateClass,
  validateUpdate: (ingressClass, old) => [
    ...validateImmutable(ingressClass.spec.controller, old.spec.controller, path('spec', 'controller')),
    ...validateClass(ingressClass),
  ],
  columns: [
    {
      ...nameColumn,
      value: ({ metadata }) => (metadata.annotations?.[defaultAnnotation] === 'true' ? `${metadata.name} (default)` : metadata.name),
    },
    textColumn('Controller', ({ spec }) => spec.controller ?? ''),
    textColumn('Parameters', parametersCell),
    ageColumn,
  ],
});
