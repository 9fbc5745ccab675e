/**
 * The definition as upstream validates it: what all versions have in common stands once, above them, and error paths say so
 * (`spec.validation.openAPIV3Schema…`). Source: the v1 conversion of apiextensions.
 */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import { internalValue } from '../../../internalvalue.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  CustomResourceValidation,
  JSONSchemaProps,
  SelectableField,
  ValidationRule,
} from '../types.gen.ts';

export interface PerVersion {
  schema?: CustomResourceValidation;
  subresources?: CustomResourceSubresources;
  additionalPrinterColumns?: CustomResourceColumnDefinition[];
  selectableFields?: SelectableField[];
}

export interface Hoisted {
  shared: PerVersion;
  versions: CustomResourceDefinitionVersion[];
}

const perVersion = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const;

export function hoist({ versions = [] }: CustomResourceDefinitionSpec): Hoisted {
  const [first, ...others] = versions;
  const common = perVersion.filter((field) => first && others.every((other) => semanticEqual(other[field], first[field])));
  return {
    shared: Object.fromEntries(common.flatMap((field) => (first?.[field] === undefined ? [] : [[field, first[field]]]))),
    versions: versions.map((version) => {
      const own = { ...version };
      for (const field of common) delete own[field];
      return own;
    }),
  };
}

const emptyText = ['id', '$schema', 'description', 'type', 'format', 'title', 'pattern'];
const emptyFlag = ['nullable', 'exclusiveMaximum', 'exclusiveMinimum', 'uniqueItems', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string'];

/** Fields of a schema by JSON name, in the order and with the names of upstream's internal type. */
export const schemaFields: readonly (readonly [name: keyof JSONSchemaProps & string, shown: string])[] = [
  ['id', 'ID'],
  ['$schema', 'Schema'],
  ['$ref', 'Ref'],
  ['description', 'Description'],
  ['type', 'Type'],
  ['nullable', 'Nullable'],
  ['format', 'Format'],
  ['title', 'Title'],
  ['default', 'Default'],
  ['maximum', 'Maximum'],
  ['exclusiveMaximum', 'ExclusiveMaximum'],
  ['minimum', 'Minimum'],
  ['exclusiveMinimum', 'ExclusiveMinimum'],
  ['maxLength', 'MaxLength'],
  ['minLength', 'MinLength'],
  ['pattern', 'Pattern'],
  ['maxItems', 'MaxItems'],
  ['minItems', 'MinItems'],
  ['uniqueItems', 'UniqueItems'],
  ['multipleOf', 'MultipleOf'],
  ['enum', 'Enum'],
  ['maxProperties', 'MaxProperties'],
  ['minProperties', 'MinProperties'],
  ['required', 'Required'],
  ['items', 'Items'],
  ['allOf', 'AllOf'],
  ['oneOf', 'OneOf'],
  ['anyOf', 'AnyOf'],
  ['not', 'Not'],
  ['properties', 'Properties'],
  ['additionalProperties', 'AdditionalProperties'],
  ['patternProperties', 'PatternProperties'],
  ['dependencies', 'Dependencies'],
  ['additionalItems', 'AdditionalItems'],
  ['definitions', 'Definitions'],
  ['externalDocs', 'ExternalDocs'],
  ['example', 'Example'],
  ['x-kubernetes-preserve-unknown-fields', 'XPreserveUnknownFields'],
  ['x-kubernetes-embedded-resource', 'XEmbeddedResource'],
  ['x-kubernetes-int-or-string', 'XIntOrString'],
  ['x-kubernetes-list-map-keys', 'XListMapKeys'],
  ['x-kubernetes-list-type', 'XListType'],
  ['x-kubernetes-map-type', 'XMapType'],
  ['x-kubernetes-validations', 'XValidations'],
];

/** A rule as upstream's errors print it. */
export const ruleValue = (rule: ValidationRule): unknown => internalValue('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule', rule);

const list = (schemas: readonly JSONSchemaProps[] | undefined): unknown => schemas?.map(schemaValue) ?? null;

function sortedMap(schemas: { [name: string]: JSONSchemaProps } | undefined): unknown {
  if (!schemas) return null;
  const names = Object.keys(schemas).sort();
  return Object.fromEntries(names.map((name) => [name, schemaValue(schemas[name] as JSONSchemaProps)]));
}

function fieldValue(schema: JSONSchemaProps, name: keyof JSONSchemaProps & string): unknown {
  const value = schema[name];
  switch (name) {
    case 'items':
      return schema.items ? { Schema: Array.isArray(schema.items) ? null : schemaValue(schema.items as JSONSchemaProps), JSONSchemas: null } : null;
    case 'additionalProperties':
      if (value === undefined) return null;
      return typeof value === 'boolean' ? { Allows: value, Schema: null } : { Allows: true, Schema: schemaValue(value as JSONSchemaProps) };
    case 'allOf':
    case 'anyOf':
    case 'oneOf':
      return list(schema[name]);
    case 'not':
      return schema.not ? schemaValue(schema.not) : null;
    case 'properties':
      return sortedMap(schema.properties);
    case 'x-kubernetes-validations':
      return schema[name]?.map(ruleValue) ?? null;
    default:
      return value ?? (emptyText.includes(name) ? '' : emptyFlag.includes(name) ? false : null);
  }
}

/** A schema as upstream's errors print it. */
export const schemaValue = (schema: JSONSchemaProps): unknown => Object.fromEntries(schemaFields.map(([name, shown]) => [shown, fieldValue(schema, name)]));

/** The versions as upstream's errors print them. */
export const versionsValue = (versions: readonly CustomResourceDefinitionVersion[] | undefined): unknown =>
  versions?.map(({ schema, ...version }) => ({
    ...(internalValue('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion', version) as object),
    Schema: schema ? { OpenAPIV3Schema: schema.openAPIV3Schema ? schemaValue(schema.openAPIV3Schema) : null } : null,
  })) ?? null;
