/** What a namespace's status says about its deletion. Types, reasons and texts are upstream's. */
import type { NamespaceCondition } from '../../api/core/v1/types.gen.ts';
import { timeOf } from '../../apimachinery/meta.ts';

export interface DeletionState {
  discoveryError?: string;
  contentErrors: readonly string[];
  /** Objects that are left, by `resource.group`. */
  remaining: ReadonlyMap<string, number>;
  finalizers: ReadonlyMap<string, number>;
}

interface Wording {
  type: string;
  ok: readonly [reason: string, message: string];
  problem?: readonly [reason: string, message: string];
}

const counted = (counts: ReadonlyMap<string, number>, text: (name: string, count: number) => string): string =>
  [...counts]
    .map(([name, count]) => text(name, count))
    .sort()
    .join(', ');

function wordings({ discoveryError, contentErrors, remaining, finalizers }: DeletionState): Wording[] {
  return [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      ok: ['ResourcesDiscovered', 'All resources successfully discovered'],
      ...(discoveryError === undefined ? {} : { problem: ['DiscoveryFailed', discoveryError] as const }),
    },
    { type: 'NamespaceDeletionGroupVersionParsingFailure', ok: ['ParsedGroupVersions', 'All legacy kube types successfully parsed'] },
    {
      type: 'NamespaceDeletionContentFailure',
      ok: ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
      ...(contentErrors.length === 0
        ? {}
        : {
            problem: [
              'ContentDeletionFailed',
              `Failed to delete all resource types, ${contentErrors.length} remaining: ${[...contentErrors].sort().join(', ')}`,
            ] as const,
          }),
    },
    {
      type: 'NamespaceContentRemaining',
      ok: ['ContentRemoved', 'All content successfully removed'],
      ...(remaining.size === 0
        ? {}
        : {
            problem: [
              'SomeResourcesRemain',
              `Some resources are remaining: ${counted(remaining, (name, count) => `${name} has ${count} resource instances`)}`,
            ] as const,
          }),
    },
    {
      type: 'NamespaceFinalizersRemaining',
      ok: ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
      ...(finalizers.size === 0
        ? {}
        : {
            problem: [
              'SomeFinalizersRemain',
              `Some content in the namespace has finalizers remaining: ${counted(finalizers, (name, count) => `${name} in ${count} resource instances`)}`,
            ] as const,
          }),
    },
  ];
}

/** The conditions with those of deletion brought up to date; undefined when nothing changes. */
export function deletionConditions(conditions: readonly NamespaceCondition[], state: DeletionState, now: Date): NamespaceCondition[] | undefined {
  const next = [...conditions];
  let changed = false;
  for (const { type, ok, problem } of wordings(state)) {
    const [reason, message] = problem ?? ok;
    const status = problem ? 'True' : 'False';
    const index = next.findIndex((condition) => condition.type === type);
    const current = next[index];
    if (current?.status === status && current.reason === reason && current.message === message) continue;
    changed = true;
    const lastTransitionTime = current?.status === status ? current.lastTransitionTime : timeOf(now);
    const condition = { type, status, reason, message, lastTransitionTime };
    if (current) next[index] = condition;
    else next.push(condition);
  }
  return changed ? next : undefined;
}
