/** What webhooks and policies get without asking. */
import type { MatchResources, RuleWithOperations } from './types.gen.ts';

interface Webhook {
  clientConfig: { service?: { port?: number } };
  failurePolicy?: string;
  matchPolicy?: string;
  namespaceSelector?: object;
  objectSelector?: object;
  timeoutSeconds?: number;
  rules?: RuleWithOperations[];
}

function setRuleDefaults(rules: readonly RuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*';
}

export function setWebhookDefaults(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443;
  setRuleDefaults(webhook.rules);
}

export function setMatchDefaults(resources: MatchResources | undefined): void {
  if (!resources) return;
  resources.matchPolicy ??= 'Equivalent';
  resources.namespaceSelector ??= {};
  resources.objectSelector ??= {};
  setRuleDefaults(resources.resourceRules);
  setRuleDefaults(resources.excludeResourceRules);
}
