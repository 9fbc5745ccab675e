/**
 * What only upstream's Go sources tell of a field: the JSON name behind a protobuf number, whether it is a pointer,
 * whether JSON leaves it out when it is empty, and the Go type that decoding errors mention.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface GoField {
  goName: string;
  /** Qualified by package name, as reflection prints it, without a leading `*`. */
  goType: string;
  json: string;
  pointer: boolean;
  omitEmpty: boolean;
  omitZero: boolean;
  inline: boolean;
  number?: number;
  /** From a `+default=` marker, as JSON. */
  default?: string;
}

export interface GoPackage {
  group?: string;
  structs: ReadonlyMap<string, readonly GoField[]>;
  /** `type Protocol string` and the like: name → underlying. */
  named: ReadonlyMap<string, string>;
  /** Alias → full path. */
  imports: ReadonlyMap<string, string>;
}

const basic = /^(string|bool|u?int(8|16|32|64)?|float(32|64)|byte|interface\{\}|any)$/;

function importsOf(source: string): Map<string, string> {
  const imports = new Map<string, string>();
  for (const [, alias, path] of source.matchAll(/^\s*(?:import\s+)?([\w.]+\s+)?"([\w./-]+)"$/gm)) {
    const last = (path as string).split('/').at(-1) as string;
    imports.set(alias?.trim() || last, path as string);
  }
  return imports;
}

function qualify(type: string, ownPackage: string, imports: ReadonlyMap<string, string>): string {
  if (type.startsWith('*')) return qualify(type.slice(1), ownPackage, imports);
  if (type.startsWith('[]')) return `[]${type.slice(2).startsWith('*') ? '*' : ''}${qualify(type.slice(2), ownPackage, imports)}`;
  const map = /^map\[([\w.]+)\](.+)$/.exec(type);
  if (map) return `map[${qualify(map[1] as string, ownPackage, imports)}]${qualify(map[2] as string, ownPackage, imports)}`;
  if (type === 'byte') return 'uint8';
  if (basic.test(type)) return type;
  const dot = type.indexOf('.');
  return dot < 0 ? `${ownPackage}.${type}` : `${imports.get(type.slice(0, dot))?.split('/').at(-1) ?? type.slice(0, dot)}.${type.slice(dot + 1)}`;
}

function fieldOf(line: string, ownPackage: string, imports: ReadonlyMap<string, string>): GoField | undefined {
  if (/^\s*\/\//.test(line)) return undefined;
  const match = /^\t(?:(\w+)\s+)?(\S[^`]*?)\s*`([^`]*)`/.exec(line);
  if (!match) return undefined;
  const [, name, type = '', tags = ''] = match;
  const json = /json:"([^"]*)"/.exec(tags)?.[1];
  if (json === undefined || json === '-') return undefined;
  const [jsonName = '', ...options] = json.split(',');
  const number = /protobuf:"\w+,(\d+)/.exec(tags)?.[1];
  return {
    goName: name ?? (type.split('.').at(-1) as string),
    goType: qualify(type, ownPackage, imports),
    json: jsonName,
    pointer: type.startsWith('*'),
    omitEmpty: options.includes('omitempty'),
    omitZero: options.includes('omitzero'),
    inline: options.includes('inline') || (jsonName === '' && name === undefined),
    ...(number ? { number: Number(number) } : {}),
  };
}

/** A field's comments come before it; of them only the default marker is read. */
function fieldsOf(body: string, ownPackage: string, imports: ReadonlyMap<string, string>, constants: ReadonlyMap<string, string>): GoField[] {
  const fields: GoField[] = [];
  let preset: string | undefined;
  for (const line of body.split('\n')) {
    const marker = /^\t\/\/\s*\+default=(.*)$/.exec(line)?.[1]?.trim();
    if (marker !== undefined) preset = marker.replace(/^ref\((\w+)\)$/, (_, name: string) => constants.get(name) ?? 'null');
    const field = fieldOf(line, ownPackage, imports);
    if (!field) continue;
    fields.push(preset === undefined ? field : { ...field, default: preset });
    preset = undefined;
  }
  return fields;
}

/** Reads one Go package folder; undefined when it is not there. */
export function readGoPackage(folder: string): GoPackage | undefined {
  if (!existsSync(folder)) return undefined;
  const structs = new Map<string, GoField[]>();
  const named = new Map<string, string>();
  const allImports = new Map<string, string>();
  let group: string | undefined;
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.go') || file.endsWith('_test.go') || file.startsWith('zz_') || file.startsWith('generated')) continue;
    const source = readFileSync(join(folder, file), 'utf8');
    group = /GroupName\s*=\s*"([^"]*)"/.exec(source)?.[1] ?? group;
    const constants = new Map([...source.matchAll(/^\s+(\w+)\s+\w+\s*=\s*("[^"]*")/gm)].map(([, name, value]) => [name as string, value as string]));
    const imports = importsOf(source);
    for (const [alias, path] of imports) allImports.set(alias, path);
    const ownPackage = folder.split('/').at(-1) as string;
    for (const [, name, underlying] of source.matchAll(/^type (\w+) =?\s*(?!struct\b|interface\b|func\b)(\S+)/gm))
      named.set(name as string, underlying as string);
    for (const [, name, body] of source.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
      structs.set(name as string, fieldsOf(body as string, ownPackage, imports, constants));
    }
  }
  return { ...(group === undefined ? {} : { group }), structs, named, imports: allImports };
}

/** `k8s.io.kube_aggregator.pkg.apis.apiregistration.v1` → its folder below upstream's `staging/src/k8s.io`. */
export const goFolderOf = (protobufPackage: string): string =>
  protobufPackage
    .replace(/^k8s\.io\./, '')
    .split('.')
    .map((part, index) => (index === 0 ? part.replaceAll('_', '-') : part))
    .join('/');
