/** The grammar of label selectors: `a=b,c in (d,e),!f,g>1`. Source: apimachinery `labels`. */

import { invalidValue, path } from './fieldpath.ts';
import { validateLabelKey } from './names.ts';
import type { LabelOperator, LabelRequirement } from './requirement.ts';
import { newRequirement } from './requirement.ts';

type TokenType = 'identifier' | 'end' | ')' | ',' | '!' | '==' | '=' | '>' | '<' | '!=' | '(' | 'in' | 'notin';

interface Token {
  type: TokenType;
  text: string;
}

const operators: Partial<Record<TokenType, LabelOperator>> = { in: 'in', notin: 'notin', '=': '=', '==': '==', '!=': '!=', '>': 'gt', '<': 'lt' };
const binaryOperators = 'in, notin, =, ==, !=, gt, lt';

function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const [, symbol, word] of text.matchAll(/(==|!=|[=!(),<>])|([^=!(),<>\s]+)/g)) {
    if (symbol) found.push({ type: symbol as TokenType, text: symbol });
    else found.push({ type: word === 'in' || word === 'notin' ? word : 'identifier', text: word! });
  }
  found.push({ type: 'end', text: '' });
  return found;
}

class Parser {
  readonly #tokens: Token[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = tokens(text);
  }

  /** The next token; keywords count as identifiers but where an operator is looked for. */
  #peek(): Token {
    const token = this.#tokens[this.#position] ?? { type: 'end', text: '' };
    return token.type === 'in' || token.type === 'notin' ? { type: 'identifier', text: token.text } : token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#position++;
    return token;
  }

  #nextOperator(): LabelOperator {
    const token = this.#tokens[this.#position++] ?? { type: 'end', text: '' };
    const operator = operators[token.type];
    if (!operator) throw new Error(`found '${token.text}', expected: ${binaryOperators}`);
    return operator;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const { type, text } = this.#peek();
      if (type === 'end') return requirements;
      if (type !== 'identifier' && type !== '!') throw new Error(`found '${text}', expected: !, identifier, or 'end of string'`);
      try {
        requirements.push(this.#requirement());
      } catch (error) {
        throw new Error(`unable to parse requirement: ${(error as Error).message}`, { cause: error });
      }
      const separator = this.#next();
      if (separator.type === 'end') return requirements;
      if (separator.type !== ',') throw new Error(`found '${separator.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after.type !== 'identifier' && after.type !== '!') throw new Error(`found '${after.text}', expected: identifier after ','`);
    }
  }

  #requirement(): LabelRequirement {
    let token = this.#next();
    const negated = token.type === '!';
    if (negated) token = this.#next();
    if (token.type !== 'identifier') throw new Error(`found '${token.text}', expected: identifier`);
    const wrong = validateLabelKey(token.text);
    if (wrong.length > 0) throw new Error(invalidValue(path(), token.text, wrong.join('; ')).message());
    const following = this.#peek().type;
    if (negated) return newRequirement(token.text, '!', []);
    if (following === 'end' || following === ',') return newRequirement(token.text, 'exists', []);
    const operator = this.#nextOperator();
    const values = operator === 'in' || operator === 'notin' ? this.#valueList() : this.#exactValue();
    return newRequirement(token.text, operator, [...values].sort());
  }

  #exactValue(): Set<string> {
    const { type } = this.#peek();
    if (type === 'end' || type === ',') return new Set(['']);
    const token = this.#next();
    if (token.type !== 'identifier') throw new Error(`found '${token.text}', expected: identifier`);
    return new Set([token.text]);
  }

  #valueList(): Set<string> {
    const open = this.#next();
    if (open.type !== '(') throw new Error(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.type === ')') {
      this.#next();
      return new Set(['']);
    }
    if (first.type !== 'identifier' && first.type !== ',') throw new Error(`found '${first.text}', expected: ',', ')' or identifier`);
    const values = this.#identifiers();
    this.#next();
    return values;
  }

  /** Up to the closing parenthesis; nothing between commas is the empty value. */
  #identifiers(): Set<string> {
    const values = new Set<string>();
    for (;;) {
      const token = this.#next();
      const following = this.#peek();
      if (token.type === 'identifier') {
        values.add(token.text);
        if (following.type === ')') return values;
        if (following.type !== ',') throw new Error(`found '${following.text}', expected: ',' or ')'`);
      } else if (token.type === ',') {
        if (values.size === 0 || following.type === ',') values.add('');
        if (following.type === ')') return values.add('');
      } else {
        throw new Error(`found '${token.text}', expected: ',', or identifier`);
      }
    }
  }
}

/** The requirements of a selector, sorted by key. Throws an `Error` with upstream's message. */
export function parseRequirements(text: string): LabelRequirement[] {
  return new Parser(text).parse().sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
