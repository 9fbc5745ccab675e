/** Regular expressions with RE2's syntax: `matches`, `find`, `findAll`. */
import { RE2JS } from 're2js';
import { matchesFunction } from '../syntax.ts';
import { define, type Library } from './register.ts';

const compiled = new Map<string, RE2JS>();
const maxCompiled = 1000;

function compile(pattern: string): RE2JS {
  let expression = compiled.get(pattern);
  if (!expression) {
    try {
      expression = RE2JS.compile(pattern);
    } catch (error) {
      throw new Error(`error parsing regexp: ${(error as Error).message}`);
    }
    if (compiled.size >= maxCompiled) compiled.clear();
    compiled.set(pattern, expression);
  }
  return expression;
}

const matches = (text: string, pattern: string): boolean => compile(pattern).matcher(text).find();

function findAll(text: string, pattern: string, limit: number): string[] {
  const matcher = compile(pattern).matcher(text);
  const found: string[] = [];
  while ((limit < 0 || found.length < limit) && matcher.find()) found.push(matcher.group() ?? '');
  return found;
}

export const regex: Library = (environment) => {
  define(environment, `string.${matchesFunction}(string): bool`, matches);
  define(environment, `${matchesFunction}(string, string): bool`, matches);
  define(environment, 'string.find(string): string', (text: string, pattern: string) => findAll(text, pattern, 1)[0] ?? '');
  define(environment, 'string.findAll(string): list<string>', (text: string, pattern: string) => findAll(text, pattern, -1));
  define(environment, 'string.findAll(string, int): list<string>', (text: string, pattern: string, limit: bigint) => findAll(text, pattern, Number(limit)));
};
