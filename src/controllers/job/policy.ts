/** What a failed pod means for its Job, and when succeeded indexes are enough. Source of the rules: KEP-3329, KEP-3998. */
import type { Job, PodFailurePolicyOnExitCodesRequirement, SuccessPolicy } from '../../api/batch/v1/types.gen.ts';
import type { ContainerStatus, Pod } from '../../api/core/v1/types.gen.ts';
import { type Indexes, overlap, parseIndexes, total } from './indexes.ts';

export interface Verdict {
  /** The failure counts against the backoff limit. */
  counts: boolean;
  failsIndex: boolean;
  /** Of the rule that decided; absent without one. */
  action?: string;
  /** The Job fails, with this message. */
  failsJob?: string;
}

const plain: Verdict = { counts: true, failsIndex: false };

function failedContainer({ status }: Pod, { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement): ContainerStatus | undefined {
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(({ name, state }) => {
    const code = state?.terminated?.exitCode ?? 0;
    if (code === 0 || (containerName !== undefined && containerName !== name)) return false;
    return operator === 'In' ? values.includes(code) : operator === 'NotIn' && !values.includes(code);
  });
}

/** The first rule that matches decides. */
export function judge({ spec }: Job, pod: Pod): Verdict {
  for (const [index, { action, onExitCodes, onPodConditions }] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const who = `${pod.metadata.namespace}/${pod.metadata.name}`;
    let matched: string | undefined;
    if (onExitCodes) {
      const container = failedContainer(pod, onExitCodes);
      if (container)
        matched = `Container ${container.name} for pod ${who} failed with exit code ${container.state?.terminated?.exitCode} matching ${action} rule at index ${index}`;
    } else {
      const condition = pod.status?.conditions?.find(({ type, status }) =>
        onPodConditions?.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
      );
      if (condition) matched = `Pod ${who} has condition ${condition.type} matching ${action} rule at index ${index}`;
    }
    if (matched === undefined) continue;
    if (action === 'Ignore') return { counts: false, failsIndex: false, action };
    if (action === 'FailIndex') return { counts: true, failsIndex: true, action };
    if (action === 'FailJob') return { counts: true, failsIndex: false, failsJob: matched, action };
    if (action === 'Count') return { ...plain, action };
  }
  return plain;
}

/** The message of the rule that is met. */
export function metSuccessRule(policy: SuccessPolicy | undefined, completions: number, succeeded: Indexes): string | undefined {
  if (succeeded.length === 0) return undefined;
  const index = (policy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && total(succeeded) >= succeededCount;
    const required = parseIndexes(succeededIndexes, completions);
    const have = overlap(required, succeeded);
    return required.length > 0 && (have === total(required) || (succeededCount !== undefined && have >= succeededCount));
  });
  return index < 0 ? undefined : `Matched rules at index ${index}`;
}
