/** How a denial reads. Clients and tests match on these texts. */
import { forbidden, type StatusError } from '../../apimachinery/errors.ts';
import type { AuthorizationAttributes, Authorizer } from '../contracts.ts';

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** An answer must not look like HTML to a browser. */
const sanitize = (text: string): string => text.replace(/[&<>]/g, (character) => entities[character] ?? character);

const quote = (text: string): string => JSON.stringify(text);

export function denialText(attributes: AuthorizationAttributes): string {
  const user = quote(attributes.user.username);
  if (!attributes.isResourceRequest) return `User ${user} cannot ${attributes.verb} path ${quote(attributes.path)}`;
  const resource = quote(attributes.subresource === '' ? attributes.resource : `${attributes.resource}/${attributes.subresource}`);
  const where = attributes.namespace === '' ? 'at the cluster scope' : `in the namespace ${quote(attributes.namespace)}`;
  return `User ${user} cannot ${attributes.verb} resource ${resource} in API group ${quote(attributes.group)} ${where}`;
}

/** The 403 for a request that the authorizer did not allow. */
export function forbiddenRequest(attributes: AuthorizationAttributes, reason: string): StatusError {
  const text = sanitize(denialText(attributes));
  return forbidden({ group: attributes.group, resource: attributes.resource }, attributes.name, reason === '' ? text : `${text}: ${reason}`);
}

/** Resolves when the authorizer allows it; throws the 403 that the user gets otherwise. */
export async function authorizeOrForbid(authorizer: Authorizer, attributes: AuthorizationAttributes): Promise<void> {
  const { decision, reason, error } = await authorizer(attributes);
  if (decision === 'allow') return;
  throw forbiddenRequest(attributes, [error, reason].filter((one) => one).join(': '));
}
