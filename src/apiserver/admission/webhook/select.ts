/** Which webhooks a request is shown to, and in which version of its resource. */

import type { KindDefinition } from '../../../api/kind.ts';
import { isNotFound } from '../../../apimachinery/errors.ts';
import type { AdmissionAttributes, Authorizer, ObjectReader } from '../../contracts.ts';
import type { KindRegistry } from '../../registry.ts';
import { refusal } from '../attributes.ts';
import { conditionsHold, requestValues } from '../matching/conditions.ts';
import { ruleMatches } from '../matching/rules.ts';
import { selectorsMatch } from '../matching/selectors.ts';
import { type VersionedRequest, versionedRequest, versionsOf } from '../matching/versions.ts';
import type { Webhook } from './review.ts';
import type { Hook } from './source.ts';

export interface WebhookDependencies {
  reader: ObjectReader;
  registry: KindRegistry;
  authorize: Authorizer;
}

export interface Selected<W extends Webhook> {
  hook: Hook<W>;
  definition: KindDefinition;
  versioned: VersionedRequest;
}

/** The version that a rule names; the request's own before all others. */
function versionFor({ webhook }: Hook, attributes: AdmissionAttributes, registry: KindRegistry): KindDefinition | undefined {
  const { rules = [], matchPolicy = 'Equivalent' } = webhook;
  if (rules.some((rule) => ruleMatches(rule, attributes, attributes.definition))) return attributes.definition;
  if (matchPolicy !== 'Equivalent') return undefined;
  const others = versionsOf(registry, attributes.definition).slice(1);
  for (const rule of rules) {
    const found = others.find((definition) => ruleMatches(rule, attributes, definition));
    if (found) return found;
  }
  return undefined;
}

/** Undefined when the webhook is not to be asked. @throws 403 when its conditions fail and it may not be left out */
export async function selectHook<W extends Webhook>(
  hook: Hook<W>,
  attributes: AdmissionAttributes,
  requested: VersionedRequest,
  { reader, registry, authorize }: WebhookDependencies,
): Promise<Selected<W> | undefined> {
  const definition = versionFor(hook, attributes, registry);
  if (!definition) return undefined;
  if (!(await selectorsMatch(hook.selectors, attributes, reader).catch(forbidUnlessMissing(attributes)))) return undefined;
  const versioned = versionedRequest(registry, attributes, definition);
  if (hook.conditions.length > 0) {
    try {
      if (!(await conditionsHold(hook.conditions, requestValues(attributes, versioned, requested, authorize)))) return undefined;
    } catch (error) {
      if (hook.webhook.failurePolicy === 'Ignore') return undefined;
      throw refusal(attributes, (error as Error).message);
    }
  }
  return { hook, definition, versioned };
}

/** A namespace that is gone when its content is deleted selects nothing. */
const forbidUnlessMissing =
  ({ operation }: AdmissionAttributes) =>
  (error: unknown): false => {
    if (operation === 'DELETE' && isNotFound(error)) return false;
    throw error;
  };
