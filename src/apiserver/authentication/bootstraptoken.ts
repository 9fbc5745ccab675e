/** Bootstrap tokens: `<id>.<secret>`, kept in Secrets `bootstrap-token-<id>` of kube-system, with which nodes join. */
import { timingSafeEqual } from 'node:crypto';
import { secrets } from '../../api/core/v1/secret.ts';
import type { Secret } from '../../api/core/v1/types.gen.ts';
import type { ObjectReader } from '../contracts.ts';
import type { TokenAuthenticator } from './token.ts';

const grammar = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupGrammar = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const defaultGroup = 'system:bootstrappers';

/** Groups of the token's user; undefined when the Secret names one that is not allowed. */
function groupsOf(value: string): string[] | undefined {
  const extra = value === '' ? [] : value.split(',').map((one) => one.trim());
  if (!extra.every((group) => groupGrammar.test(group))) return undefined;
  return [...new Set([defaultGroup, ...extra])].sort();
}

/** Whether the Secret's `expiration` has passed; one that can't be read counts as passed. */
function hasExpired(value: string, now: Date): boolean {
  if (value === '') return false;
  const end = Date.parse(value);
  return Number.isNaN(end) || end <= now.getTime();
}

export function createBootstrapTokenAuthenticator(reader: ObjectReader, now: () => Date = () => new Date()): TokenAuthenticator {
  return async (token) => {
    const match = grammar.exec(token);
    if (!match) return undefined;
    const [, id = '', given = ''] = match;
    const secret = await reader.get<Secret>(secrets, 'kube-system', `bootstrap-token-${id}`);
    if (!secret || secret.metadata.deletionTimestamp !== undefined || secret.type !== 'bootstrap.kubernetes.io/token') return undefined;
    const value = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
    const [stored, offered] = [Buffer.from(value('token-secret')), Buffer.from(given)];
    if (stored.length !== offered.length || !timingSafeEqual(stored, offered)) return undefined;
    if (value('token-id') !== id || hasExpired(value('expiration'), now()) || value('usage-bootstrap-authentication') !== 'true') return undefined;
    const groups = groupsOf(value('auth-extra-groups'));
    return groups && { user: { username: `system:bootstrap:${id}`, groups } };
  };
}
