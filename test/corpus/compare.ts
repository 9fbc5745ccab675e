/** How an answer differs from the one that was recorded. */
import { deviations } from './deviations.ts';
import type { Json, JsonObject } from './format.ts';
import type { Answer } from './runner.ts';

type Cause = JsonObject & { reason?: string; message?: string; field?: string };

/** As lines; none when they are equal. */
export function differences(expected: Answer, actual: Answer): string[] {
  const [left, right] = [prepared(expected, expected.anyOrder), prepared(actual, expected.anyOrder)];
  if (left.code !== right.code)
    return [`code: expected ${left.code}, got ${right.code}: ${right.message ?? 'no failure'}`, `  expected: ${left.message ?? 'no failure'}`];
  const [wanted, got] = [causesOf(left), causesOf(right)];
  const causes = [...missing(wanted, got).map((cause) => `- ${cause}`), ...missing(got, wanted).map((cause) => `+ ${cause}`)];
  return causes.length > 0 ? causes : differ(left as unknown as Json, right as unknown as Json, '');
}

function causesOf({ details }: Answer): string[] {
  return ((details?.['causes'] ?? []) as (Cause | string)[]).map((cause) =>
    typeof cause === 'string' ? cause : `${cause.reason} ${cause.field}: ${cause.message}`,
  );
}

/** Those of `some` that are more often there than among `others`. */
function missing(some: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return some.filter((one) => {
    const index = left.indexOf(one);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

function prepared({ anyOrder: _, ...answer }: Answer, sorted = false): Answer {
  let text = JSON.stringify(answer);
  for (const { from, to } of deviations) text = text.replaceAll(from, to);
  const result = JSON.parse(text) as Answer;
  if (!result.details?.['causes']) return result;
  // Upstream names a cause once more for every layer that checks for it; its message names each once.
  const causes = [...new Map((result.details['causes'] as Cause[]).map((cause) => [JSON.stringify(cause), cause])).values()];
  if (!sorted) return { ...result, details: { ...result.details, causes: causes as JsonObject[] } };
  const keys = causes.map((cause) => JSON.stringify(cause)).sort();
  // The message lists the causes in the same chance order.
  return { ...result, message: [...(result.message ?? '')].sort().join(''), details: { ...result.details, causes: keys } };
}

function differ(expected: Json | undefined, actual: Json | undefined, path: string): string[] {
  if (isHolder(expected) && isHolder(actual) && Array.isArray(expected) === Array.isArray(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) => differ((expected as JsonObject)[key], (actual as JsonObject)[key], path ? `${path}.${key}` : key));
  }
  if (JSON.stringify(expected) === JSON.stringify(actual)) return [];
  return [`${path}: expected ${JSON.stringify(expected) ?? 'nothing'}`, `${' '.repeat(path.length)}       got ${JSON.stringify(actual) ?? 'nothing'}`];
}

const isHolder = (value: Json | undefined): value is JsonObject | Json[] => typeof value === 'object' && value !== null;
