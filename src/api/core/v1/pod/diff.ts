/** What differs between two JSON values, for people to read. */
import { own } from '../../../../apimachinery/own.ts';

const isTree = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function walk(before: unknown, after: unknown, at: string, lines: string[]): void {
  if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      walk(own(before, key), own(after, key), Array.isArray(before) ? `${at}[${key}]` : at === '' ? key : `${at}.${key}`, lines);
    }
    return;
  }
  const [old, now] = [JSON.stringify(before), JSON.stringify(after)];
  if (old === now) return;
  if (before !== undefined) lines.push(`- ${at}: ${old}`);
  if (after !== undefined) lines.push(`+ ${at}: ${now}`);
}

/** One line per leaf: `-` what was, `+` what is. */
export function describeChange(before: unknown, after: unknown): string {
  const lines: string[] = [];
  walk(before, after, '', lines);
  return `${lines.join('\n')}\n`;
}
