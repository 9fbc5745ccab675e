/**
 * Unknown and duplicate fields of a JSON text, in the order of the text, for the rare body that has duplicates:
 * the text is walked by hand beside the types. Bodies without duplicates never come here.
 */
import { endOfString } from '../codec/json.ts';
import type { FieldType, Struct } from '../schema.ts';

/** Undefined where nothing is reported: unknown fields, free-form JSON. */
type Expected = FieldType | undefined;

class TextWalker {
  readonly errors: string[] = [];
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(type: Expected, path: string): void {
    this.#space();
    const open = this.#text[this.#position];
    if (open === '{') this.#object(type, path);
    else if (open === '[') this.#array(type, path);
    else if (open === '"') this.#position = endOfString(this.#text, this.#position);
    else while (this.#position < this.#text.length && !/[\s,\]}]/.test(this.#text[this.#position] as string)) this.#position++;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#position] ?? '')) this.#position++;
  }

  /** Skips a separator; false at the closing bracket, which is skipped too. */
  #more(close: string): boolean {
    this.#space();
    if (this.#text[this.#position] === ',') {
      this.#position++;
      this.#space();
    }
    if (this.#text[this.#position] !== close) return true;
    this.#position++;
    return false;
  }

  #object(type: Expected, path: string): void {
    const seen = new Set<string>();
    this.#position++;
    while (this.#more('}')) {
      const start = this.#position;
      this.#position = endOfString(this.#text, start);
      const key = JSON.parse(this.#text.slice(start, this.#position)) as string;
      this.#space();
      this.#position++;
      this.#member(type, path === '' ? key : `${path}.${key}`, key, seen);
    }
  }

  #member(type: Expected, path: string, key: string, seen: Set<string>): void {
    let inner: Expected;
    let known = false;
    if (type?.type === 'object') {
      inner = type.struct.fields.get(key)?.type;
      known = inner !== undefined;
      if (!known && !type.struct.preserveUnknown) this.errors.push(`unknown field ${JSON.stringify(path)}`);
    } else if (type?.type === 'map') {
      inner = type.values;
      known = true;
    }
    if (known && seen.has(key)) this.errors.push(`duplicate field ${JSON.stringify(path)}`);
    seen.add(key);
    this.value(inner, path);
  }

  #array(type: Expected, path: string): void {
    const items = type?.type === 'array' ? type.items : undefined;
    this.#position++;
    for (let index = 0; this.#more(']'); index++) this.value(items, `${path}[${index}]`);
  }
}

/** `unknown field "spec.foo"`, `duplicate field "spec.bar"`; each text once. The text must be valid JSON. */
export function strictErrorsOf(struct: Struct, text: string): string[] {
  const walker = new TextWalker(text);
  walker.value({ type: 'object', struct }, '');
  return [...new Set(walker.errors)];
}
