/** One version of a custom kind as a declaration, from what its CustomResourceDefinition says. */

import { applyDefaults, dropNulls, hasDefaults, prune } from '../../api/apiextensions/schema/prune.ts';
import { objectMetaStruct, structOfSchema } from '../../api/apiextensions/schema/struct.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '../../api/apiextensions/v1/types.gen.ts';
import { ageColumn, nameColumn } from '../../api/columns.ts';
import type { Column, KindDefinition, Subresource } from '../../api/kind.ts';
import { defineKind } from '../../api/kind.ts';
import { hasDuplicateKeys } from '../../apimachinery/codec/json.ts';
import { copyJson } from '../../apimachinery/copy.ts';
import { DecodeError } from '../../apimachinery/decode/errors.ts';
import type { Decoded, DecodeOptions } from '../../apimachinery/decode/object.ts';
import { decodeObject } from '../../apimachinery/decode/object.ts';
import { strictErrorsOf } from '../../apimachinery/decode/strict.ts';
import { humanAge } from '../../apimachinery/duration.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import { apiVersionOf } from '../../apimachinery/meta.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { CustomVersion } from '../registry.ts';
import { findAll, parseJsonPath } from './jsonpath.ts';
import { validatorOf } from './validation.ts';

function cellOf(type: string, found: readonly unknown[], now: Date): string | number | boolean | null {
  if (found.length === 0) return null;
  const [first] = found;
  switch (type) {
    case 'date':
      return typeof first === 'string' ? humanAge(first, now) : null;
    case 'integer':
      return typeof first === 'number' ? Math.trunc(first) : null;
    case 'number':
      return typeof first === 'number' ? first : null;
    case 'boolean':
      return typeof first === 'boolean' ? first : null;
    default:
      return found.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(',');
  }
}

function columnOf({ name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition): Column<KubeObject> {
  const steps = parseJsonPath(jsonPath);
  const shown = type === 'date' ? 'date' : (type as Column<KubeObject>['type']);
  return {
    name,
    type: shown,
    ...(format ? { format } : {}),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    ...(priority ? { priority } : {}),
    value: (object, now) => cellOf(type, findAll(steps, object), now),
  };
}

function columnsOf(version: CustomResourceDefinitionVersion): Column<KubeObject>[] {
  if (version.additionalPrinterColumns?.length) return [nameColumn, ...version.additionalPrinterColumns.map(columnOf)];
  return [nameColumn, { ...ageColumn, type: 'date' }];
}

function subresourcesOf({ subresources }: CustomResourceDefinitionVersion): Record<string, Subresource<KubeObject>> | undefined {
  if (!subresources) return undefined;
  const declared: Record<string, Subresource<KubeObject>> = {};
  const dotless = (path: string): string => path.replace(/^\./, '');
  if (subresources.status) {
    declared['status'] = {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      // Through the status nothing of the metadata is changed but who owns the status.
      prepareForUpdate(object, old) {
        const { managedFields, resourceVersion } = object.metadata;
        object.metadata = { ...old.metadata, ...(resourceVersion ? { resourceVersion } : {}) };
        if (managedFields) object.metadata.managedFields = managedFields;
        else delete object.metadata.managedFields;
      },
    };
  }
  const { scale } = subresources;
  if (scale) {
    declared['scale'] = {
      type: 'scale',
      specReplicasPath: dotless(scale.specReplicasPath),
      statusReplicasPath: dotless(scale.statusReplicasPath),
      ...(scale.labelSelectorPath ? { selectorPath: dotless(scale.labelSelectorPath) } : {}),
    };
  }
  return Object.keys(declared).length > 0 ? declared : undefined;
}

function selectableOf({ selectableFields }: CustomResourceDefinitionVersion): KindDefinition['selectableFields'] {
  if (!selectableFields?.length) return undefined;
  return Object.fromEntries(
    selectableFields.map(({ jsonPath }) => {
      const steps = parseJsonPath(jsonPath);
      return [
        jsonPath.replace(/^\./, ''),
        (object: KubeObject) => {
          const [found] = findAll(steps, object);
          return found === undefined ? '' : String(found);
        },
      ];
    }),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads a body: drops what the schema does not know, and reports it. */
function decoderOf(schema: JSONSchemaProps | undefined): (value: unknown, options: DecodeOptions) => Decoded<StoredObject> {
  const struct = structOfSchema(schema);
  return (value, { validation, text, prior = [] }) => {
    if (!isObject(value)) throw new DecodeError('expected an object');
    const { metadata, ...rest } = value;
    if (metadata !== undefined && metadata !== null && !isObject(metadata)) throw new DecodeError('json: cannot unmarshal metadata into an object');
    const meta = decodeObject(objectMetaStruct(), metadata ?? {}, { validation });
    let found = meta.strictErrors.map((error) => error.replace(/field "/, 'field "metadata.'));
    const twice = validation !== 'Ignore' && text !== undefined && hasDuplicateKeys(text, value);
    const unknown = schema ? prune(rest, schema) : [];
    if (validation !== 'Ignore') {
      if (twice) found = strictErrorsOf(struct, text);
      else found.push(...unknown.map((path) => `unknown field ${JSON.stringify(path)}`));
    }
    dropNulls(rest, schema);
    return {
      object: { ...rest, metadata: meta.object } as unknown as StoredObject,
      strictErrors: validation === 'Ignore' ? [] : [...prior, ...new Set(found)],
    };
  };
}

/** As upstream's discovery lists them. */
const customVerbs: KindDefinition['verbs'] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/** What is stored keeps to the schema of the version that is stored. */
function storedForm(crd: CustomResourceDefinition): (object: StoredObject) => StoredObject {
  const { name, schema } = crd.spec.versions.find(({ storage }) => storage) as CustomResourceDefinitionVersion;
  const apiVersion = apiVersionOf(crd.spec.group, name);
  return (object) => {
    const stored = { ...copyJson(object), apiVersion };
    if (schema?.openAPIV3Schema) prune(stored, schema.openAPIV3Schema);
    return stored;
  };
}

/** `version` must be one of the definition's. */
export function customVersion(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion): CustomVersion {
  const { group, names, scope } = crd.spec;
  const accepted = crd.status?.acceptedNames ?? names;
  const schema = version.schema?.openAPIV3Schema;
  const subresources = subresourcesOf(version);
  const selectableFields = selectableOf(version);
  const apiVersion = apiVersionOf(group, version.name);
  const defaults = hasDefaults(schema);
  const definition = defineKind<KubeObject>({
    group,
    version: version.name,
    kind: accepted.kind,
    listKind: accepted.listKind || `${accepted.kind}List`,
    plural: names.plural,
    singular: accepted.singular || accepted.kind.toLowerCase(),
    ...(accepted.shortNames?.length ? { shortNames: accepted.shortNames } : {}),
    ...(accepted.categories?.length ? { categories: accepted.categories } : {}),
    namespaced: scope === 'Namespaced',
    verbs: customVerbs,
    schema: '',
    hasGeneration: true,
    returnsDeletedObject: false,
    allowUnconditionalUpdate: false,
    columns: columnsOf(version),
    ...(defaults ? { setDefaults: (object) => applyDefaults(object, schema) } : {}),
    ...(subresources ? { subresources } : {}),
    ...(selectableFields ? { selectableFields } : {}),
    ...(version.deprecated ? { deprecationWarning: version.deprecationWarning ?? `${apiVersion} ${accepted.kind} is deprecated` } : {}),
  });
  return {
    definition,
    struct: structOfSchema(schema),
    decode: decoderOf(schema),
    validate: validatorOf(version),
    openapi: { ...(schema ? { schema: schema as Record<string, unknown> } : {}), revision: `${crd.metadata.uid}/${crd.metadata.generation ?? 0}` },
    ...(version.storage ? {} : { toStored: storedForm(crd) }),
    fromStored(object) {
      const served = { ...object, apiVersion, kind: accepted.kind };
      if (schema) {
        prune(served, schema);
        if (defaults) applyDefaults(served, schema);
      }
      return served;
    },
  };
}
