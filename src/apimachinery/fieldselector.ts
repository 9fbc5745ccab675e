/** Field selectors: `spec.nodeName=a,status.phase!=Running`. Source: apimachinery `fields`. */

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export interface FieldSelector {
  readonly requirements: readonly FieldRequirement[];
  /** It asks for nothing. */
  readonly empty: boolean;
  /** `valueOf` gives a field's text; what is unset is `''`. */
  matches(valueOf: (field: string) => string): boolean;
  /** The value that the field must have, when there is one. */
  exactMatch(field: string): string | undefined;
  toString(): string;
}

/** Escapes a value for use in a selector. */
export const escapeFieldValue = (value: string): string => value.replace(/[\\,=]/g, '\\$&');

function unescapeValue(text: string): string {
  if (!/[\\,=]/.test(text)) return text;
  return text.replace(/\\([\s\S]?)|[,=]/g, (found, escaped: string | undefined) => {
    if (escaped === undefined) throw new Error(`invalid field selector: unescaped character in value: ${found.charCodeAt(0)}`);
    if (escaped === '' || !'\\,='.includes(escaped)) throw new Error(`invalid field selector: invalid escape sequence: ${found}`);
    return escaped;
  });
}

/** Splits at commas that no backslash escapes. */
const splitTerms = (text: string): string[] => text.match(/(?:\\[\s\S]?|[^\\,])+/g) ?? [];

function parseTerm(term: string, selector: string): FieldRequirement {
  const match = /^(.*?)(!=|==|=)([\s\S]*)$/.exec(term);
  if (!match) throw new Error(`invalid selector: '${selector}'; can't understand '${term}'`);
  return { field: match[1]!, operator: match[2] === '!=' ? '!=' : '=', value: unescapeValue(match[3]!) };
}

/** A selector of these requirements. */
export function fieldSelectorOf(requirements: readonly FieldRequirement[]): FieldSelector {
  return {
    requirements,
    empty: requirements.length === 0,
    matches: (valueOf) => requirements.every(({ field, operator, value }) => (valueOf(field) === value) === (operator === '=')),
    exactMatch: (field) => requirements.find((requirement) => requirement.field === field && requirement.operator === '=')?.value,
    toString: () => requirements.map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`).join(','),
  };
}

/** Reads a field selector. Throws an `Error` with upstream's message, which clients get as 400. */
export function parseFieldSelector(text: string): FieldSelector {
  return fieldSelectorOf(
    splitTerms(text)
      .sort()
      .map((term) => parseTerm(term, text)),
  );
}
