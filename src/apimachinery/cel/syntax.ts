/**
 * CEL that the parser does not know, written as calls that it does: message literals (`Object{spec: …}`),
 * optional entries and elements (`{?"a": x}`, `[?x]`), `matches` with RE2's syntax, `value()` of optionals,
 * and `has` of members of whatever.
 */

const token =
  /(?<space>\s+|\/\/[^\n]*)|(?<string>[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<number>[0-9][0-9A-Za-z.]*)|(?<other>[\s\S])/y;

/** Bracket that is open, and what it means. */
interface Open {
  kind: 'struct' | 'map' | 'list' | 'index' | 'group';
  /** Where it stands in the output. */
  at: number;
  /** An entry or element begins here. */
  fresh: boolean;
  /** An optional key or element that still has to be closed. */
  pending: boolean;
  hasOptional: boolean;
}

/** Words that can stand before a brace or bracket without being its operand. */
const words: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null']);

export const structFunction = '__struct';
export const entriesFunction = '__entries';
export const optionalKeyFunction = '__optionalKey';
export const elementsFunction = '__elements';
export const optionalElementFunction = '__optionalElement';
export const matchesFunction = '__matches';
/** The library's own gives a type that its operators can't choose by, when that of the optional is not known. */
export const valueFunction = '__value';
/** The library's own takes plain paths alone, not `has(list[0].name)`. */
export const hasFunction = '__has';

const renamed: ReadonlyMap<string, string> = new Map([
  ['matches', matchesFunction],
  ['value', valueFunction],
]);

class Rewriter {
  readonly output: string[] = [];
  readonly #open: Open[] = [];
  /** Index in the output where a dotted name began, if the last significant token ended one. */
  #path: number | undefined;
  /** The last significant token. */
  #last = '';

  get #top(): Open | undefined {
    return this.#open.at(-1);
  }

  /** Whether what came last is a value, so that a bracket would index it. */
  get #afterOperand(): boolean {
    return this.#path !== undefined || this.#last === ')' || this.#last === ']' || this.#last === '}' || /["']$/.test(this.#last);
  }

  name(text: string, followedByCall: boolean): void {
    const top = this.#top;
    if (top?.kind === 'struct' && top.fresh) {
      this.#emit(JSON.stringify(top.pending ? `?${text}` : text), text);
      top.pending = false;
      top.fresh = false;
      return;
    }
    const start = this.#last === '.' && this.#path !== undefined ? this.#path : this.output.length;
    const callee = text === 'has' && this.#last !== '.' ? hasFunction : (renamed.get(text) ?? text);
    this.#emit(followedByCall ? callee : text, text);
    if (!words.has(text)) this.#path = start;
  }

  literal(text: string): void {
    this.#emit(text, text);
  }

  space(text: string): void {
    this.output.push(text);
  }

  punctuation(text: string): void {
    const path = this.#path;
    switch (text) {
      case '{':
        if (path !== undefined) this.#openStruct(path);
        else this.#push('map', '{');
        return;
      case '[':
        this.#push(this.#afterOperand ? 'index' : 'list', '[');
        return;
      case '(':
        this.#push('group', '(');
        return;
      case '?':
        if (this.#beginOptional()) return;
        break;
      case ':':
        this.#endKey();
        break;
      case ',':
        this.#endElement();
        break;
      case '}':
      case ']':
      case ')':
        this.#close(text);
        return;
    }
    this.#emit(text, text);
    if (text === '.') this.#path = path;
    const top = this.#top;
    if (text === ',' && top) top.fresh = true;
  }

  #emit(text: string, original: string): void {
    const top = this.#top;
    if (top && original !== '?') top.fresh = false;
    this.output.push(text);
    this.#last = original;
    this.#path = undefined;
  }

  #push(kind: Open['kind'], text: string): void {
    this.#emit(text, text);
    this.#open.push({ kind, at: this.output.length - 1, fresh: true, pending: false, hasOptional: false });
  }

  #openStruct(path: number): void {
    const name = this.output.splice(path).join('').trim();
    this.#push('struct', '{');
    this.output[this.output.length - 1] = `${structFunction}(${JSON.stringify(name)}, {`;
  }

  #beginOptional(): boolean {
    const top = this.#top;
    if (!top?.fresh || top.kind === 'group' || top.kind === 'index') return false;
    top.pending = true;
    top.hasOptional = true;
    if (top.kind === 'map') this.output.push(`${optionalKeyFunction}(`);
    if (top.kind === 'list') this.output.push(`${optionalElementFunction}(`);
    return true;
  }

  #endKey(): void {
    const top = this.#top;
    if (top?.kind !== 'map' || !top.pending) return;
    top.pending = false;
    this.output.push(')');
  }

  #endElement(): void {
    const top = this.#top;
    if (top?.kind !== 'list' || !top.pending) return;
    top.pending = false;
    this.output.push(')');
  }

  #close(text: string): void {
    this.#endElement();
    const top = this.#open.pop();
    const wrapper = top?.hasOptional ? (top.kind === 'map' ? entriesFunction : top.kind === 'list' ? elementsFunction : '') : '';
    if (top && wrapper !== '') this.output[top.at] = `${wrapper}(${this.output[top.at]}`;
    this.#emit(`${text}${top?.kind === 'struct' || wrapper !== '' ? ')' : ''}`, text);
  }
}

/** The expression in the parser's dialect. What is malformed stays malformed: the parser says how. */
export function rewrite(expression: string): string {
  const rewriter = new Rewriter();
  token.lastIndex = 0;
  for (let match = token.exec(expression); match?.groups; match = token.exec(expression)) {
    const { space, string, name, number, other } = match.groups;
    if (space !== undefined) rewriter.space(space);
    else if (string !== undefined || number !== undefined) rewriter.literal(string ?? number ?? '');
    else if (name !== undefined) rewriter.name(name, /^\s*\(/.test(expression.slice(token.lastIndex, token.lastIndex + 16)));
    else if (other !== undefined) rewriter.punctuation(other);
  }
  return rewriter.output.join('');
}
