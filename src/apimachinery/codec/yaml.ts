/**
 * YAML bodies, read as upstream's YAML-to-JSON conversion reads them: YAML 1.1 booleans and octal numbers, times stay strings,
 * keys become strings, and the keys of an object come out sorted.
 */
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import type { Pair, ScalarTag, YAMLMap } from 'yaml';

const require = createRequire(import.meta.url);
let loaded: typeof Yaml | undefined;

/** The library, loaded when it is first needed: few processes see YAML, and it is 70 files. */
function yaml(): typeof Yaml {
  loaded ??= require('yaml') as typeof Yaml;
  return loaded;
}

const truths = ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'];

const nullTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:null',
  default: true,
  test: /^(?:~|null|Null|NULL)?$/,
  resolve: () => null,
  identify: (value) => value === null,
};
const boolTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/,
  resolve: (text) => truths.includes(text),
  identify: (value) => typeof value === 'boolean',
};
const intTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?(?:0[bB][01_]+|0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)$/,
  resolve: integerOf,
  identify: (value) => typeof value === 'number',
};
const floatTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/,
  resolve: (text) => Number(text.replaceAll('_', '')),
};
const binaryTag: ScalarTag = { tag: 'tag:yaml.org,2002:binary', default: false, resolve: (text) => Buffer.from(text, 'base64').toString('utf8') };

function integerOf(text: string): number {
  const plain = text.replaceAll('_', '');
  const sign = plain.startsWith('-') ? -1 : 1;
  const digits = plain.replace(/^[-+]/, '');
  if (/^0[0-7]+$/.test(digits)) return sign * Number.parseInt(digits, 8);
  return sign * Number(digits);
}

/** Strings that an emitter of YAML 1.1 must quote are quoted, so that other readers see strings. */
export const formatYaml = (value: unknown): string => yaml().stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });

/** As upstream's servers answer: the keys of objects sorted. */
export const formatSortedYaml = (value: unknown): string => yaml().stringify(value, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });

/** Parses one document to its JSON value; throws an Error that starts with `yaml: ` for what is no YAML. */
export const parseYaml = (text: string): unknown => parseYamlStrict(text).value;

/**
 * The same, with upstream's text about keys that are set twice (empty when there are none): one error for all of them,
 * as upstream's strict conversion gives it.
 */
export function parseYamlStrict(text: string): { value: unknown; errors: string[] } {
  const { LineCounter, parseDocument, isAlias } = yaml();
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: 'failsafe',
    customTags: (tags) => [...tags, nullTag, boolTag, intTag, floatTag, binaryTag],
    merge: true,
    uniqueKeys: false,
    lineCounter: lines,
    version: '1.1',
  });
  const [error] = document.errors;
  if (error) throw new Error(`yaml: line ${error.linePos?.[0]?.line ?? 1}: ${error.message.split('\n')[0]}`);
  const duplicates: string[] = [];
  const value = plainOf(
    document.contents,
    (node) => (isAlias(node) ? node.resolve(document) : node),
    (key, offset) => {
      duplicates.push(`  line ${lines.linePos(offset).line}: key ${JSON.stringify(key)} already set in map`);
    },
  );
  return { value, errors: duplicates.length === 0 ? [] : [['yaml: unmarshal errors:', ...duplicates].join('\n')] };
}

type Resolve = (node: unknown) => unknown;
type Duplicate = (key: string, offset: number) => void;

function plainOf(given: unknown, resolve: Resolve, duplicate: Duplicate): unknown {
  const { isMap, isScalar, isSeq } = yaml();
  const node = resolve(given);
  if (isScalar(node)) return node.value;
  if (isSeq(node)) return node.items.map((item) => plainOf(item, resolve, duplicate));
  return isMap(node) ? objectOf(node, resolve, duplicate) : null;
}

function objectOf(map: YAMLMap, resolve: Resolve, duplicate: Duplicate): Record<string, unknown> {
  const { isScalar } = yaml();
  const entries = new Map<string, unknown>();
  const merged = new Map<string, unknown>();
  for (const pair of map.items as Pair[]) {
    const key = keyOf(resolve(pair.key));
    const value = plainOf(pair.value, resolve, duplicate);
    if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
      for (const source of Array.isArray(value) ? value.toReversed() : [value])
        for (const [name, inner] of Object.entries(source ?? {})) merged.set(name, inner);
      continue;
    }
    if (entries.has(key)) duplicate(key, isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0);
    entries.set(key, value);
  }
  const all = new Map([...merged, ...entries]);
  return Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function keyOf(node: unknown): string {
  const value = yaml().isScalar(node) ? node.value : node;
  if (value === null || value === undefined) return 'null';
  return String(value);
}
