/** Where a text stops being JSON (RFC 8259), in the words of Go's decoder, which clients of the API know. Looked for only after parsing failed. */

const whitespace = new Set([0x20, 0x09, 0x0a, 0x0d]);
const literals: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
const controlEscapes: Readonly<Record<number, string>> = { 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r', 39: "\\'", 92: '\\\\' };

function quoted(byte: number): string {
  const unprintable = byte < 0x20 || (byte >= 0x7f && byte <= 0xa0) || byte === 0xad;
  const hex = byte.toString(16).padStart(2, '0');
  return `'${controlEscapes[byte] ?? (unprintable ? (byte < 0x80 ? `\\x${hex}` : `\\u00${hex}`) : String.fromCharCode(byte))}'`;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

class Scan {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(text: string) {
    this.#bytes = Buffer.from(text, 'utf8');
  }

  #fail(context: string): never {
    const byte = this.#bytes[this.#at];
    throw new SyntaxError(byte === undefined ? 'unexpected end of JSON input' : `invalid character ${quoted(byte)} ${context}`);
  }

  #peek(): string {
    while (whitespace.has(this.#bytes[this.#at] ?? 0)) this.#at++;
    const byte = this.#bytes[this.#at];
    return byte === undefined ? '' : String.fromCharCode(byte);
  }

  document(): void {
    this.#value();
    if (this.#peek() !== '') this.#fail('after top-level value');
  }

  #value(): void {
    const first = this.#peek();
    if (first === '{') this.#object();
    else if (first === '[') this.#array();
    else if (first === '"') this.#string();
    else if (first === '-' || isDigit(this.#bytes[this.#at])) this.#number();
    else if (literals[first]) this.#literal(literals[first]);
    else this.#fail('looking for beginning of value');
  }

  #object(): void {
    this.#at++;
    if (this.#peek() === '}') return void this.#at++;
    for (;;) {
      if (this.#peek() !== '"') this.#fail('looking for beginning of object key string');
      this.#string();
      if (this.#peek() !== ':') this.#fail('after object key');
      this.#at++;
      this.#value();
      const next = this.#peek();
      if (next !== ',' && next !== '}') this.#fail('after object key:value pair');
      this.#at++;
      if (next === '}') return;
    }
  }

  #array(): void {
    this.#at++;
    if (this.#peek() === ']') return void this.#at++;
    for (;;) {
      this.#value();
      const next = this.#peek();
      if (next !== ',' && next !== ']') this.#fail('after array element');
      this.#at++;
      if (next === ']') return;
    }
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || byte < 0x20) this.#fail('in string literal');
      this.#at++;
      if (byte === 0x22) return;
      if (byte === 0x5c) this.#escape();
    }
  }

  #escape(): void {
    const byte = this.#bytes[this.#at];
    if (byte === undefined || !'"\\/bfnrtu'.includes(String.fromCharCode(byte))) this.#fail('in string escape code');
    this.#at++;
    if (byte !== 0x75) return;
    for (let digit = 0; digit < 4; digit++, this.#at++) {
      if (!/[0-9a-fA-F]/.test(String.fromCharCode(this.#bytes[this.#at] ?? 0))) this.#fail('in \\u hexadecimal character escape');
    }
  }

  #digits(context: string): void {
    if (!isDigit(this.#bytes[this.#at])) this.#fail(context);
    while (isDigit(this.#bytes[this.#at])) this.#at++;
  }

  #number(): void {
    if (this.#bytes[this.#at] === 0x2d) this.#at++;
    if (this.#bytes[this.#at] === 0x30) this.#at++;
    else this.#digits('in numeric literal');
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if ([0x65, 0x45].includes(this.#bytes[this.#at] ?? 0)) {
      this.#at++;
      if ([0x2b, 0x2d].includes(this.#bytes[this.#at] ?? 0)) this.#at++;
      this.#digits('in exponent of numeric literal');
    }
  }

  #literal(word: string): void {
    for (const character of word) {
      if (this.#bytes[this.#at] !== character.charCodeAt(0)) this.#fail(`in literal ${word} (expecting '${character}')`);
      this.#at++;
    }
  }
}

/** The message for a text that does not parse; undefined when nothing is wrong with it. */
export function jsonSyntaxError(text: string): string | undefined {
  try {
    new Scan(text).document();
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? error.message : undefined;
  }
}
