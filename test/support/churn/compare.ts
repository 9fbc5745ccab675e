/** Objects against what is expected of them. */
import { controllerOf, type KubeObject } from '../../../src/apimachinery/meta.ts';

export const ownedBy = <T extends KubeObject>(objects: readonly T[], owner: KubeObject): T[] =>
  objects.filter((one) => controllerOf(one)?.uid === owner.metadata.uid);

/** One finding for each thing that is not as expected. */
export function compare(subject: KubeObject, facts: Record<string, [actual: unknown, expected: unknown]>): string[] {
  return Object.entries(facts)
    .filter(([, [actual, expected]]) => JSON.stringify(actual) !== JSON.stringify(expected))
    .map(
      ([what, [actual, expected]]) =>
        `${subject.kind} ${subject.metadata.namespace}/${subject.metadata.name}: ${what} ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`,
    );
}
