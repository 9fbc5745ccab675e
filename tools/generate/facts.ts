/**
 * Facts on fields that neither document has, from upstream's Go sources or, when they are not at hand,
 * from the table that a former run wrote.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GoField, type GoPackage, goFolderOf, readGoPackage } from './gotypes.ts';
import { openApiNameOf } from './protobuf.ts';
import type { TableJson } from './table.ts';

export interface FieldFacts {
  name: string;
  number?: number;
  /** Absent stays absent, and an empty value is a value. */
  pointer: boolean;
  /** Present in JSON even when empty; a pointer then as null. */
  keep: boolean;
  /** As reflection prints it. */
  goType?: string;
  default?: string;
}

export interface StructFacts {
  /** In the order of declaration, which is the order in which upstream writes them. */
  fields: FieldFacts[];
  /** Protobuf numbers of embedded messages: their fields stand in the parent's JSON. */
  embedded: Set<number>;
  typeMeta: boolean;
}

/** Facts by protobuf package and struct. */
export interface Facts {
  struct(protobufPackage: string, name: string): StructFacts | undefined;
  group(protobufPackage: string): string | undefined;
}

const structKinds = /^(?!.*(\[\]|map\[))\w+\.\w+$/;

function factsOf(field: GoField, isStruct: boolean): FieldFacts {
  const keep = !field.omitEmpty || (!field.pointer && isStruct && !field.omitZero);
  return {
    name: field.json,
    ...(field.number === undefined ? {} : { number: field.number }),
    pointer: field.pointer,
    keep,
    goType: field.goType,
    ...(field.default === undefined ? {} : { default: field.default }),
  };
}

/** Reads `staging/src/k8s.io` of an upstream source tree. */
export function factsFromSources(staging: string): Facts {
  const packages = new Map<string, GoPackage | undefined>();
  const load = (protobufPackage: string): GoPackage | undefined => {
    if (!packages.has(protobufPackage)) {
      packages.set(protobufPackage, readGoPackage(join(staging, goFolderOf(protobufPackage))));
    }
    return packages.get(protobufPackage);
  };
  // Types of other packages are named by their last path segment; a struct is what is declared as one in any package read so far, or an opaque one.
  const opaque = new Set([
    'resource.Quantity',
    'intstr.IntOrString',
    'runtime.RawExtension',
    'v1.Time',
    'v1.MicroTime',
    'v1.ObjectMeta',
    'v1.ListMeta',
    'v1.LabelSelector',
  ]);
  const isStruct = (own: GoPackage, ownName: string, type: string): boolean => {
    if (!structKinds.test(type)) return false;
    if (opaque.has(type)) return true;
    const [packageName, name] = type.split('.') as [string, string];
    if (packageName === ownName && own.structs.has(name)) return true;
    return [...packages.values()].some((other) => other !== own && other?.structs.has(name) === true && !own.named.has(name));
  };
  for (const common of ['k8s.io.apimachinery.pkg.apis.meta.v1', 'k8s.io.api.core.v1']) load(common);
  return {
    group: (protobufPackage) => load(protobufPackage)?.group,
    struct(protobufPackage, name) {
      const own = load(protobufPackage);
      const declared = own?.structs.get(name);
      const alias = /^(\w+)\.(\w+)$/.exec(own?.named.get(name) ?? '');
      if (!declared && alias) {
        const target = own?.imports.get(alias[1] as string);
        return target?.startsWith('k8s.io/') ? this.struct(target.replaceAll('/', '.').replaceAll('-', '_'), alias[2] as string) : undefined;
      }
      if (!own || !declared) return undefined;
      const ownName = protobufPackage.split('.').at(-1) as string;
      const facts: StructFacts = { fields: [], embedded: new Set(), typeMeta: false };
      for (const field of declared) {
        if (field.inline && field.goName === 'TypeMeta') facts.typeMeta = true;
        else if (field.inline && field.number !== undefined) facts.embedded.add(field.number);
        else if (field.json !== '') facts.fields.push(factsOf(field, isStruct(own, ownName, field.goType)));
      }
      return facts;
    },
  };
}

/** What a former run with sources wrote into the table. */
export function factsFromTable(file: string): Facts {
  const former = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TableJson) : { groups: {}, structs: {} };
  const groups = new Map(
    Object.entries(former.groups).map(([groupVersion, prefix]) => [prefix, groupVersion.includes('/') ? (groupVersion.split('/')[0] as string) : '']),
  );
  return {
    group: (protobufPackage) => groups.get(openApiNameOf(protobufPackage)),
    struct(protobufPackage, name) {
      const struct = former.structs[openApiNameOf(`${protobufPackage}.${name}`)];
      if (!struct) return undefined;
      const facts: StructFacts = { fields: [], embedded: new Set(), typeMeta: false };
      for (const [field, text] of Object.entries(struct.fields)) {
        const [, number = '', ...flags] = text.split(' ');
        const path = number.split('/').map((part) => (/^\d+$/.test(part) ? Number(part) : Number.NaN));
        if (path.length > 1) facts.embedded.add(path[0] as number);
        else if ((field === 'apiVersion' || field === 'kind') && Number.isNaN(path[0])) facts.typeMeta = true;
        else facts.fields.push(formerField(field, path[0] as number, flags, text));
      }
      return facts;
    },
  };
}

function formerField(name: string, number: number, flags: string[], text: string): FieldFacts {
  const goType = flags.find((flag) => flag.startsWith('go='))?.slice(3);
  const preset = / default=(.*)$/.exec(text)?.[1];
  return {
    name,
    ...(Number.isNaN(number) ? {} : { number }),
    pointer: flags.includes('ptr'),
    keep: flags.includes('keep'),
    ...(goType === undefined ? {} : { goType }),
    ...(preset === undefined ? {} : { default: preset }),
  };
}
