/**
 * Writes `src/api/schema.gen.json`: every struct of the API with what codecs, patches, field ownership and OpenAPI need.
 * A field is one line of text, `<type> <protobuf number> <flags>`; `src/api/schema.ts` reads it and documents the form.
 */
import { writeFileSync } from 'node:fs';
import type { Enums } from './enums.ts';
import type { Facts, FieldFacts, StructFacts } from './facts.ts';
import type { Definition, OpenApiDocument, Property } from './openapi.ts';
import { type Message, messagesOf, openApiNameOf, type ProtobufField, resolveMessage } from './protobuf.ts';

export interface StructJson {
  kinds?: string[];
  atomic?: true;
  unions?: unknown;
  fields: Record<string, string>;
}

export interface TableJson {
  /** `apps/v1` → the prefix of its structs' names. */
  groups: Record<string, string>;
  structs: Record<string, StructJson>;
}

export const tableFile = 'src/api/schema.gen.json';

/** Names that are a type of their own in the table instead of a struct. */
const special: Record<string, string> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'date-time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'micro-time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Duration': 'duration',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'any:raw-extension',
  'io.k8s.apimachinery.pkg.runtime.Unknown': 'any',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'any:fields',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'any:json',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': 'schema-or-array',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': 'schema-or-bool',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': 'schema-or-strings',
};

/** What is not the API of a server: examples and test groups of upstream, the types of other servers, old versions that were never served from here, and messages that are a plain type in JSON. */
const excluded =
  /\.(example2?|testapigroup|metrics|custom_metrics|external_metrics)\.|\.apiextensions\.v1beta1\.|\.apiregistration\.v1beta1\.|\.meta\.v1beta1\.|runtime\.|resource\.QuantityValue$|\.ExtraValue$|\.meta\.v1\.(Verbs|TypeMeta|Timestamp)$/;

const goScalars: Record<string, string> = {
  string: 'string',
  boolean: 'bool',
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
  byte: '[]uint8',
  quantity: 'resource.Quantity',
  'int-or-string': 'intstr.IntOrString',
  'date-time': 'v1.Time',
  'micro-time': 'v1.MicroTime',
  duration: 'v1.Duration',
  'any:raw-extension': 'runtime.RawExtension',
  'any:fields': 'v1.FieldsV1',
  'any:json': 'v1.JSON',
};
const protobufScalars: Record<string, string> = {
  string: 'string',
  bool: 'boolean',
  int32: 'int32',
  int64: 'int64',
  uint32: 'int64',
  double: 'double',
  bytes: 'byte',
};

/** The Go type that a reader of the table would guess. */
function guessGoType(type: string): string {
  if (type.startsWith('<')) return guessGoType(type.slice(1, -1));
  if (type.startsWith('[]')) return `[]${guessGoType(type.slice(2))}`;
  if (type.startsWith('{}')) return `map[string]${guessGoType(type.slice(2))}`;
  if (type.startsWith('@')) return type.split('.').slice(-2).join('.');
  return goScalars[type] ?? type;
}

class TableBuilder {
  readonly table: TableJson = { groups: {}, structs: {} };
  readonly #document: OpenApiDocument;
  readonly #facts: Facts;
  readonly #enums: Enums;
  readonly #messages = new Map<string, Message>();
  readonly #descriptorMessages: ReadonlyMap<string, Message>;

  constructor(document: OpenApiDocument, descriptorMessages: ReadonlyMap<string, Message>, facts: Facts, enums: Enums) {
    this.#document = document;
    this.#facts = facts;
    this.#enums = enums;
    this.#descriptorMessages = descriptorMessages;
    for (const [full, message] of descriptorMessages) this.#messages.set(openApiNameOf(full), message);
  }

  build(): TableJson {
    const names = new Set([...Object.keys(this.#document.definitions), ...this.#messages.keys()]);
    for (const name of [...names].filter((name) => !special[name] && !excluded.test(name)).sort()) this.#struct(name);
    this.table.groups = Object.fromEntries(Object.entries(this.table.groups).sort(([a], [b]) => (a < b ? -1 : 1)));
    return this.table;
  }

  #struct(name: string): void {
    const definition = this.#document.definitions[name];
    const message = this.#messages.get(name);
    const prefix = name.slice(0, name.lastIndexOf('.'));
    const protobufPackage = message?.package ?? prefix.replace(/^io\.k8s\./, 'k8s.io.').replaceAll('-', '_');
    const facts = this.#facts.struct(protobufPackage, name.slice(prefix.length + 1));
    const fields: Record<string, string> = {};
    if (facts?.typeMeta || (!facts && definition?.properties?.apiVersion && message && !message.fields.apiVersion))
      Object.assign(fields, { kind: 'string', apiVersion: 'string' });
    this.#addFields(fields, definition, message, facts, []);
    for (const field of Object.keys(definition?.properties ?? {}))
      if (!fields[field])
        fields[field] = this.#line(this.#openApiType(definition?.properties?.[field] as Property, undefined, message), '', definition, field, undefined);
    for (const [field, line] of Object.entries(fields)) {
      const values = this.#enums(name, field);
      if (values) fields[field] = line.replace(/(?= default=)|$/, ` enum=${values.join('|')}`);
    }
    const kinds = this.#kinds(name, definition, protobufPackage, prefix, facts);
    this.table.structs[name] = {
      ...(kinds.length > 0 ? { kinds } : {}),
      ...(definition?.['x-kubernetes-map-type'] === 'atomic' ? { atomic: true as const } : {}),
      ...(definition?.['x-kubernetes-unions'] ? { unions: definition['x-kubernetes-unions'] } : {}),
      fields,
    };
  }

  #kinds(name: string, definition: Definition | undefined, protobufPackage: string, prefix: string, facts: StructFacts | undefined): string[] {
    const declared = (definition?.['x-kubernetes-group-version-kind'] ?? []).map(({ group, version, kind }) => `${group}/${version}/${kind}`);
    const version = prefix.split('.').at(-1) as string;
    const own = declared.length === 1 ? (declared[0] as string).split('/')[0] : undefined;
    const group = own ?? this.#facts.group(protobufPackage);
    if (facts?.typeMeta && group !== undefined && !prefix.includes('.meta.')) {
      this.table.groups[group === '' ? version : `${group}/${version}`] = prefix;
      if (declared.length === 0) declared.push(`${group}/${version}/${name.slice(prefix.length + 1)}`);
    }
    return declared;
  }

  /** In the order of Go's declaration, embedded messages expanded in place; `path` holds the numbers of those that enclose. */
  #addFields(
    into: Record<string, string>,
    definition: Definition | undefined,
    message: Message | undefined,
    facts: StructFacts | undefined,
    path: number[],
  ): void {
    const byNumber = new Map(Object.entries(message?.fields ?? {}).map(([name, field]) => [field.id, { name, field }]));
    for (const number of facts?.embedded ?? []) {
      const entry = byNumber.get(number);
      if (!entry || !message) continue;
      byNumber.delete(number);
      const inner = this.#descriptorMessages.get(resolveMessage(entry.field.type, message, this.#descriptorMessages)) as Message;
      this.#addFields(into, definition, inner, this.#facts.struct(inner.package, inner.name), [...path, number]);
    }
    const known: FieldFacts[] = [...(facts?.fields ?? [])];
    for (const [number, { name }] of byNumber) {
      if (!known.some((field) => field.number === number)) known.push({ name: this.#jsonName(name, definition), number, pointer: false, keep: false });
    }
    for (const field of known) {
      const entry = field.number === undefined ? undefined : byNumber.get(field.number);
      const property = definition?.properties?.[field.name];
      if (!entry && !property) continue;
      const type = property ? this.#openApiType(property, entry?.field, message) : this.#protobufType(entry?.field as ProtobufField, message as Message);
      into[field.name] = this.#line(type, entry ? [...path, field.number].join('/') : '', definition, field.name, field);
    }
  }

  #jsonName(protobufName: string, definition: Definition | undefined): string {
    const known = Object.keys(definition?.properties ?? {}).find((property) => property.toLowerCase() === protobufName.toLowerCase());
    return known ?? protobufName;
  }

  #openApiType(property: Property, field: ProtobufField | undefined, message: Message | undefined): string {
    const type = this.#plainOpenApiType(property);
    if (!field || !message || field.rule === 'repeated' || protobufScalars[field.type]) return type;
    if (type.startsWith('{}[]')) return `{}<${type.slice(2)}>`;
    return type.startsWith('[]') ? `<${type}>` : type;
  }

  #plainOpenApiType(property: Property): string {
    if (property.$ref) {
      const name = property.$ref.replace('#/definitions/', '');
      if (this.#document.definitions[name]?.type === 'object' && name.endsWith('.Patch')) return 'any';
      return special[name] ?? `@${name}`;
    }
    if (property.type === 'array') return `[]${this.#plainOpenApiType(property.items as Property)}`;
    if (property.type === 'object') return property.additionalProperties ? `{}${this.#plainOpenApiType(property.additionalProperties)}` : 'any';
    if (property.type === 'integer') return property.format ?? 'int64';
    if (property.type === 'number') return 'double';
    return property.format === 'byte' ? 'byte' : (property.type ?? 'any');
  }

  #protobufType(field: ProtobufField, message: Message): string {
    const one = protobufScalars[field.type] ?? this.#messageType(resolveMessage(field.type, message, this.#descriptorMessages));
    if (field.keyType) return `{}${one}`;
    return field.rule === 'repeated' ? `[]${one}` : one;
  }

  /** A message of one repeated field `items` is a list type of Go. */
  #messageType(full: string): string {
    const name = openApiNameOf(full);
    const message = this.#descriptorMessages.get(full) as Message;
    const fields = Object.entries(message.fields);
    const only = fields.length === 1 ? fields[0] : undefined;
    if (only && only[0] === 'items' && only[1].rule === 'repeated') return `<${this.#protobufType(only[1], message)}>`;
    return special[name] ?? `@${name}`;
  }

  #line(type: string, number: string, definition: Definition | undefined, name: string, facts: FieldFacts | undefined): string {
    const property = definition?.properties?.[name];
    const flags = [type, number || '-'];
    if (definition?.required?.includes(name)) flags.push('required');
    if (facts?.pointer) flags.push('ptr');
    if (facts?.keep) flags.push('keep');
    if (property) flags.push(...mergeFlags(property));
    if (facts?.goType && facts.goType !== guessGoType(type)) flags.push(`go=${facts.goType}`);
    if (facts?.default) flags.push(`default=${facts.default}`);
    return flags.join(' ').replace(/ -$/, '');
  }
}

function mergeFlags(property: Property): string[] {
  const flags: string[] = [];
  const list = property['x-kubernetes-list-type'];
  const strategy = property['x-kubernetes-patch-strategy'];
  const key = property['x-kubernetes-patch-merge-key'];
  if (list) flags.push(list === 'map' ? `list=map(${(property['x-kubernetes-list-map-keys'] ?? []).join()})` : `list=${list}`);
  if (property['x-kubernetes-map-type']) flags.push(property['x-kubernetes-map-type']);
  if (strategy || key) flags.push(`patch=${strategy ?? ''}${key ? `(${key})` : ''}`);
  return flags;
}

export function writeTable(document: OpenApiDocument, descriptor: unknown, facts: Facts, enums: Enums): void {
  const messages = messagesOf(descriptor as Parameters<typeof messagesOf>[0]);
  const table = new TableBuilder(document, messages, facts, enums).build();
  const structs = Object.entries(table.structs).map(([name, struct]) => `  ${JSON.stringify(name)}: ${JSON.stringify(struct)}`);
  writeFileSync(tableFile, `{"groups": ${JSON.stringify(table.groups, null, 1)},\n"structs": {\n${structs.join(',\n')}\n}}\n`);
}
