/** The part of JSONPath that printer columns and selectable fields are written in: fields, indices, wildcards, filters by equality. */

type Step = { field: string } | { index: number } | { every: true } | { filter: { path: string[]; operator: string; value: unknown } };

const stepPattern =
  /\.?([A-Za-z_$][\w$-]*(?:\\\.[\w$-]+)*)|\.\*|\[\*\]|\[(-?\d+)\]|\[['"]([^'"]+)['"]\]|\[\?\(\s*@((?:\.[\w$-]+)*)\s*(==|!=|>=|<=|>|<)\s*(?:'([^']*)'|"([^"]*)"|(true|false)|(-?[\d.]+))\s*\)\]|\.(?=\[)/y;

/** Throws for what is not understood. */
export function parseJsonPath(text: string): Step[] {
  const trimmed = text
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\$/, '');
  const steps: Step[] = [];
  stepPattern.lastIndex = 0;
  while (stepPattern.lastIndex < trimmed.length) {
    const start = stepPattern.lastIndex;
    const match = stepPattern.exec(trimmed);
    if (!match || match[0] === '') throw new Error(`unrecognized character in JSONPath at ${start}: ${trimmed}`);
    const [whole, field, index, quoted, path, operator, single, double, truth, number] = match;
    if (field !== undefined) steps.push({ field: field.replaceAll('\\.', '.') });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else if (quoted !== undefined) steps.push({ field: quoted.replaceAll('\\.', '.') });
    else if (operator !== undefined) {
      const value = single ?? double ?? (truth === undefined ? Number(number) : truth === 'true');
      steps.push({ filter: { path: (path ?? '').split('.').filter((part) => part !== ''), operator, value } });
    } else if (whole !== '.') steps.push({ every: true });
  }
  return steps;
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;

function holds(item: unknown, { path, operator, value }: { path: string[]; operator: string; value: unknown }): boolean {
  const found = path.reduce(memberOf, item);
  if (found === undefined) return false;
  switch (operator) {
    case '==':
      return found === value;
    case '!=':
      return found !== value;
    case '>':
      return (found as number) > (value as number);
    case '<':
      return (found as number) < (value as number);
    case '>=':
      return (found as number) >= (value as number);
    default:
      return (found as number) <= (value as number);
  }
}

function apply(value: unknown, step: Step): unknown[] {
  if ('field' in step) {
    const found = memberOf(value, step.field);
    return found === undefined ? [] : [found];
  }
  if ('index' in step) {
    const found = Array.isArray(value) ? value.at(step.index) : undefined;
    return found === undefined ? [] : [found];
  }
  const all = Array.isArray(value) ? value : typeof value === 'object' && value !== null ? Object.values(value) : [];
  return 'every' in step ? all : all.filter((item) => holds(item, step.filter));
}

/** All that the path finds. */
export const findAll = (steps: readonly Step[], value: unknown): unknown[] =>
  steps.reduce<unknown[]>((values, step) => values.flatMap((one) => apply(one, step)), [value]);
