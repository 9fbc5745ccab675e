/** What a server chose by chance or by the clock, replaced by what is the same in every run. */
import type { Json, JsonObject } from './format.ts';

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const serviceAddress = /\b(?:10\.96\.\d+\.\d+|fd00:10:96::[0-9a-f]+(?!\/))\b/g;
const month = 30 * 24 * 3600 * 1000;

/** One case's: the same value gets the same replacement wherever it stands, numbered in the order of appearance. */
export class Normaliser {
  /** What the requests said: chosen by us, so it stays. */
  private sent = '';
  private readonly given = new Map<string, Map<string, string>>();
  /** What names that the server makes begin with. */
  private readonly prefixes = new Set(['kube-api-access-']);

  private readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  addSent(text: string): void {
    this.sent += text;
    for (const [, prefix] of text.matchAll(/"generateName\\?": *\\?"([^"\\]+)/g)) this.prefixes.add((prefix as string).slice(0, 58));
  }

  /** Of any JSON that was answered. */
  apply(body: Json): Json {
    let text = JSON.stringify(this.visit(body, '', undefined));
    text = text.replaceAll(this.namespace, '{ns}');
    for (const prefix of this.prefixes)
      text = text.replace(new RegExp(`(?<=[^a-z])(${prefix.replaceAll(/[.{}]/g, '\\$&')})[a-z0-9]{5}(?![a-z0-9-])`, 'g'), '$1<generated>');
    text = text.replace(uuid, (id) => (this.sent.includes(id) ? id : this.numbered('uid', id)));
    // The whole of what was patched, with its version and times.
    text = text.replace(
      /(patch: Invalid value: \\"|"message":"Invalid value: \\")(?:\{|\[|map\[)(?:(?!\\": ).)*?(\\": (?:json|strict|illegal|cannot))/g,
      '$1…$2',
    );
    return JSON.parse(
      text.replace(/(ResourceVersion in object meta: |ResourceVersion in record \(|Too large resource version: 999999999, current: )\d+/g, '$1<version>'),
    );
  }

  private numbered(kind: string, value: string): string {
    const known = this.given.get(kind) ?? new Map<string, string>();
    this.given.set(kind, known);
    if (!known.has(value)) known.set(value, `<${kind}${known.size + 1}>`);
    return known.get(value) as string;
  }

  private visit(value: Json, key: string, holder: JsonObject | undefined): Json {
    if (Array.isArray(value)) {
      // The age column of a table.
      if (key === 'cells')
        return value.map((cell) => (typeof cell === 'string' && /^(\d+s|\d+y(\d+d)?)$/.test(cell) ? '<age>' : this.visit(cell, '', undefined)));
      return value.map((inner) => this.visit(inner, key, holder));
    }
    if (typeof value === 'object' && value !== null) {
      const listed = key === 'metadata' && holder !== undefined && isList(holder);
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => {
          if (name === 'resourceVersion' && listed && inner !== '') return [name, '<version>'];
          return [name, this.visit(inner, name, value)];
        }),
      );
    }
    if (typeof value === 'number') {
      const port = key === 'nodePort' || key === 'healthCheckNodePort';
      return port && value > 0 && !this.sent.includes(`:${value}`) ? this.numbered('nodePort', String(value)) : value;
    }
    if (typeof value !== 'string') return value;
    if (key === 'resourceVersion' && /^[1-9]\d*$/.test(value) && !this.sent.includes(`"resourceVersion":"${value}"`)) return this.numbered('version', value);
    if (key === 'continue' && value !== '') return '<continue>';
    if (key === 'token' && value.length > 100) return '<token>';
    if (time.test(value) && Math.abs(Date.parse(value) - Date.now()) < month && !this.sent.includes(value)) return '<time>';
    return value.replace(serviceAddress, (address) => (this.sent.includes(address) ? address : this.numbered('ip', address)));
  }
}

/** Lists, tables and bookmarks carry the store's version, not an object's. */
function isList(object: JsonObject): boolean {
  const annotations = (object['metadata'] as JsonObject | undefined)?.['annotations'] as JsonObject | undefined;
  const bare = (object['metadata'] as JsonObject | undefined)?.['uid'] === undefined && (object['metadata'] as JsonObject | undefined)?.['name'] === undefined;
  return 'items' in object || object['kind'] === 'Table' || annotations?.['k8s.io/initial-events-end'] !== undefined || bare;
}
