/** `ext.Strings`, version 2, as far as the parser's library does not have it. */

import { define, type Library, namespace } from './register.ts';
import { formatString } from './stringformat.ts';

const escapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

function replace(text: string, search: string, replacement: string, limit: number): string {
  if (limit < 0) return search === '' ? `${replacement}${[...text].map((one) => one + replacement).join('')}` : text.replaceAll(search, () => replacement);
  const parts = text.split(search);
  const head = parts.slice(0, limit + 1);
  const rest = parts.slice(limit + 1);
  return head.join(replacement) + rest.map((part) => search + part).join('');
}

export const strings: Library = (environment) => {
  define(environment, 'string.charAt(int): string', (text: string, index: bigint) => {
    const characters = [...text];
    if (index < 0n || index > characters.length) throw new Error(`index out of range: ${index}`);
    return characters[Number(index)] ?? '';
  });
  define(environment, 'string.replace(string, string): string', (text: string, search: string, by: string) => replace(text, search, by, -1));
  define(environment, 'string.replace(string, string, int): string', (text: string, search: string, by: string, limit: bigint) =>
    replace(text, search, by, Number(limit)),
  );
  define(environment, 'string.reverse(): string', (text: string) => [...text].reverse().join(''));
  define(environment, 'string.format(list<dyn>): string', (text: string, values: unknown[]) => formatString(text, values));
  namespace(environment, 'strings', 'StringsNamespace');
  define(environment, 'StringsNamespace.quote(string): string', (_: unknown, text: string) => `"${[...text].map((one) => escapes[one] ?? one).join('')}"`);
};
