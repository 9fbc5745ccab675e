/** Whether a schema is structural: every value has a type, so that it can be pruned and defaulted. Source of the rules: KEP-95. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../../../apimachinery/fieldpath.ts';
import type { JSONSchemaProps } from '../types.gen.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

const isSchema = (value: unknown): value is JSONSchemaProps => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `at` is the place of the root schema. */
export function validateStructure(schema: JSONSchemaProps, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!schema.type) errors.push(required(at.child('type'), 'must not be empty at the root'));
  else if (schema.type !== 'object') errors.push(invalidValue(at.child('type'), schema.type, 'must be object at the root'));
  checkNode(schema, at, errors);
  return errors;
}

function checkNode(schema: JSONSchemaProps, at: FieldPath, errors: FieldError[]): void {
  checkForbidden(schema, at, errors);
  checkExtensions(schema, at, errors);
  if (schema.type && !types.includes(schema.type)) errors.push(notSupported(at.child('type'), schema.type, types));
  if (schema.properties && isSchema(schema.additionalProperties)) {
    errors.push(forbiddenField(at.child('additionalProperties'), 'additionalProperties and properties are mutual exclusive'));
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    checkChild(inner, at.child('properties').key(name), 'must not be empty for specified object fields', errors);
  if (isSchema(schema.additionalProperties))
    checkChild(schema.additionalProperties, at.child('additionalProperties'), 'must not be empty for specified object fields', errors);
  if (schema.type === 'array' && schema.items === undefined) errors.push(required(at.child('items'), 'must be specified'));
  if (Array.isArray(schema.items)) errors.push(forbiddenField(at.child('items'), 'items must be a schema object and not an array'));
  else if (schema.items) checkChild(schema.items, at.child('items'), 'must not be empty for specified array items', errors);
}

function checkChild(schema: JSONSchemaProps, at: FieldPath, untyped: string, errors: FieldError[]): void {
  if (!schema.type && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields'])
    errors.push(required(at.child('type'), untyped));
  checkNode(schema, at, errors);
}

const unsupported = ['definitions', 'dependencies', 'id', 'patternProperties', '$ref'] as const;

function checkForbidden(schema: JSONSchemaProps, at: FieldPath, errors: FieldError[]): void {
  for (const name of unsupported) {
    const value = schema[name];
    if (value !== undefined && value !== '' && !(typeof value === 'object' && Object.keys(value).length === 0))
      errors.push(forbiddenField(at.child(name), `${name} is not supported`));
  }
  if (schema.uniqueItems)
    errors.push(forbiddenField(at.child('uniqueItems'), 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  if (schema.additionalProperties === false) errors.push(forbiddenField(at.child('additionalProperties'), 'additionalProperties cannot be set to false'));
}

const listTypes = ['atomic', 'map', 'set'];
const mapTypes = ['atomic', 'granular'];

function checkExtensions(schema: JSONSchemaProps, at: FieldPath, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type'];
  const listAt = at.child('x-kubernetes-list-type');
  if (listType !== undefined) {
    if (schema.type !== 'array') errors.push(invalidValue(at.child('type'), schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'));
    if (!listTypes.includes(listType)) errors.push(notSupported(listAt, listType, listTypes));
  }
  const keys = schema['x-kubernetes-list-map-keys'];
  if (listType === 'map' && !keys?.length) errors.push(required(at.child('x-kubernetes-list-map-keys'), 'must not be empty if x-kubernetes-list-type is map'));
  if (keys?.length && listType !== 'map') errors.push(invalidValue(listAt, listType ?? '', 'must be map if x-kubernetes-list-map-keys is non-empty'));
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined && !mapTypes.includes(mapType)) errors.push(notSupported(at.child('x-kubernetes-map-type'), mapType, mapTypes));
  if (schema['x-kubernetes-embedded-resource'] && schema.type !== 'object') {
    errors.push(invalidValue(at.child('type'), schema.type ?? '', 'must be object if x-kubernetes-embedded-resource is true'));
  }
}
