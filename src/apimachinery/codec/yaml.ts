/**
 * YAML bodies, read as upstream's YAML-to-JSON conversion reads them: YAML 1.1 booleans and octal numbers, times stay strings,
 * keys become strings, and the keys of an object come out sorted.
 */
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import type { Pair, ScalarTag, YAMLMap } from 'yaml';
import { hasDuplicateKeys, isTooDeep, maxDepth } from './json.ts';
import '../own.ts';

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

/** As upstream's servers answer: the keys of objects sorted. */
export const formatSortedYaml = (value: unknown): string => yaml().stringify(value, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });

/** Parses one document to its JSON value; throws an Error that starts with `yaml: ` for what is no YAML. */
export const parseYaml = (text: string): unknown => parseYamlStrict(text).value;

export interface ParsedYaml {
  value: unknown;
  errors: string[];
}

/**
 * The same, with upstream's text about keys that are set twice (empty when there are none): one error for all of them,
 * as upstream's strict conversion gives it.
 */
export function parseYamlStrict(text: string): ParsedYaml {
  const json = parseJsonAsYaml(text);
  if (json) return json;
  const { LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: 'failsafe',
    customTags: (tags) => [...tags, nullTag, boolTag, intTag, floatTag, binaryTag],
    merge: true,
    uniqueKeys: false,
    lineCounter: lines,
    // Each would look for its line in the text from the start.
    prettyErrors: false,
    version: '1.1',
  });
  // Of several documents the first one counts.
  const error = document.errors.find(({ code }) => code !== 'MULTIPLE_DOCS');
  if (error) {
    // The parser calls itself as deep as the document is.
    const why = error.message.includes('call stack') ? tooDeep : error.message.split('\n')[0];
    throw new Error(`yaml: line ${lines.linePos(error.pos[0]).line || 1}: ${why}`);
  }
  const duplicates: string[] = [];
  const reader = new PlainReader(targetsOf(document.contents), (key, offset) => {
    duplicates.push(`  line ${lines.linePos(offset).line}: key ${JSON.stringify(key)} already set in map`);
  });
  const value = reader.plainOf(document.contents);
  return { value, errors: duplicates.length === 0 ? [] : [['yaml: unmarshal errors:', ...duplicates].join('\n')] };
}

/**
 * JSON is YAML, and read a hundred times as quickly. Undefined for what is none, and where the two would differ: keys that are
 * set twice, pairs of surrogates, numbers of many digits.
 */
export function parseJsonAsYaml(text: string): ParsedYaml | undefined {
  if (!/^\s*\{/.test(text) || isTooDeep(text) || /\\u[dD][89a-fA-F]|\d{16}/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return hasDuplicateKeys(text, value) ? undefined : { value: sorted(value), errors: [] };
  } catch {
    return undefined;
  }
}

/** With the keys of objects in order, at any depth. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) result[key] = sorted((value as Record<string, unknown>)[key]);
  return result;
}

/** What each alias stands for: the nearest anchor of its name before it. */
function targetsOf(root: unknown): Map<unknown, unknown> {
  const { isAlias, visit } = yaml();
  const anchors = new Map<string, unknown>();
  const targets = new Map<unknown, unknown>();
  if (root !== null) {
    visit(root as Yaml.Node, {
      Alias: (_, alias) => {
        if (!anchors.has(alias.source)) throw new Error(`yaml: unknown anchor '${alias.source}' referenced`);
        targets.set(alias, anchors.get(alias.source));
      },
      Node: (_, node) => {
        if (!isAlias(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
      },
    });
  }
  return targets;
}

/** In upstream's words, though less is allowed here: see `isTooDeep`. */
const tooDeep = 'exceeded max depth of 10000';

/** Of so many nodes nearly all may come from aliases; of ten times as many a tenth, and in between accordingly. */
const fewNodes = 400_000;

const allowedAliasRatio = (nodes: number): number => Math.max(0.1, Math.min(0.99, 0.99 - (0.89 * (nodes - fewNodes)) / (9 * fewNodes)));

/** Makes plain values of nodes. What aliases stand for is read again for each, within the bounds that upstream sets. */
class PlainReader {
  readonly #targets: ReadonlyMap<unknown, unknown>;
  readonly #duplicate: (key: string, offset: number) => void;
  readonly #open = new Set<unknown>();
  #nodes = 0;
  #fromAliases = 0;
  #depth = 0;

  constructor(targets: ReadonlyMap<unknown, unknown>, duplicate: (key: string, offset: number) => void) {
    this.#targets = targets;
    this.#duplicate = duplicate;
  }

  plainOf(node: unknown): unknown {
    const { isAlias, isMap, isScalar, isSeq } = yaml();
    this.#nodes++;
    if (this.#open.size > 0) this.#fromAliases++;
    if (this.#fromAliases > 100 && this.#nodes > 1000 && this.#fromAliases / this.#nodes > allowedAliasRatio(this.#nodes)) {
      throw new Error('yaml: document contains excessive aliasing');
    }
    if (isAlias(node)) return this.#aliased(node.source, this.#targets.get(node));
    if (isScalar(node)) return node.value;
    if (++this.#depth > maxDepth) throw new Error(`yaml: ${tooDeep}`);
    const value = isSeq(node) ? node.items.map((item) => this.plainOf(item)) : isMap(node) ? this.#objectOf(node) : null;
    this.#depth--;
    return value;
  }

  #aliased(name: string, target: unknown): unknown {
    if (this.#open.has(target)) throw new Error(`yaml: anchor '${name}' value contains itself`);
    this.#open.add(target);
    const value = this.plainOf(target);
    this.#open.delete(target);
    return value;
  }

  #objectOf(map: YAMLMap): Record<string, unknown> {
    const { isScalar } = yaml();
    const entries = new Map<string, unknown>();
    const merged = new Map<string, unknown>();
    for (const pair of map.items as Pair[]) {
      const key = keyOf(this.#targets.get(pair.key) ?? pair.key);
      const value = this.plainOf(pair.value);
      if (isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.source === '<<') {
        for (const source of Array.isArray(value) ? value.toReversed() : [value]) {
          if (typeof source !== 'object' || source === null || Array.isArray(source)) {
            throw new Error('yaml: map merge requires map or sequence of maps as the value');
          }
          for (const [name, inner] of Object.entries(source)) merged.set(name, inner);
        }
        continue;
      }
      if (entries.has(key)) this.#duplicate(key, isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0);
      entries.set(key, value);
    }
    const all = new Map([...merged, ...entries]);
    return Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function keyOf(node: unknown): string {
  const value = yaml().isScalar(node) ? node.value : node;
  if (value === null || value === undefined) return 'null';
  return String(value);
}
