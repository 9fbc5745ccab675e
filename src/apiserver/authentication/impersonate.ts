/**
 * Acting as somebody else (`Impersonate-User` and its companions).
 * First the constrained modes of KEP 5284, narrower each in its way, then the plain `impersonate` verb.
 */
import type { UserInfo } from '../../api/kind.ts';
import { badRequest } from '../../apimachinery/errors.ts';
import { quote } from '../../apimachinery/fieldpath.ts';
import { authorizeOrForbid, forbiddenRequest } from '../authorization/forbidden.ts';
import type { AuthorizationAttributes, Authorizer, Credentials } from '../contracts.ts';
import { extraOf, headerValues } from './certificates.ts';
import {
  allAuthenticated,
  allUnauthenticated,
  anonymousUser,
  nodeNameKey,
  nodeOfUsername,
  nodesGroup,
  serviceAccountGroups,
  splitServiceAccountUser,
  systemMasters,
} from './identities.ts';

type Wanted = { username: string; uid: string; groups: string[]; extra: Record<string, string[]> };
type Request = Omit<AuthorizationAttributes, 'user'>;

/** From so many checks on, one check for `*` is tried first. */
const manyChecks = 4;
const authenticationGroup = 'authentication.k8s.io';

function wantedUser(headers: Credentials['headers']): Wanted | undefined {
  const username = headers['impersonate-user'] ?? '';
  const wanted: Wanted = {
    username,
    uid: headers['impersonate-uid'] ?? '',
    groups: headerValues(headers['impersonate-group']),
    extra: extraOf(headers, ['impersonate-extra-']),
  };
  if (username !== '') return wanted;
  if (wanted.uid !== '' || wanted.groups.length > 0 || Object.keys(wanted.extra).length > 0)
    throw badRequest(`requested ${goText(wanted)} without impersonating a user name`);
  return undefined;
}

const goList = (values: readonly string[]): string => (values.length === 0 ? '[]string(nil)' : `[]string{${values.map(quote).join(', ')}}`);

/** As Go prints the user that it would have been. */
function goText({ username, uid, groups, extra }: Wanted): string {
  const entries = Object.entries(extra).sort(([a], [b]) => (a < b ? -1 : 1));
  const more =
    entries.length === 0 ? 'map[string][]string(nil)' : `map[string][]string{${entries.map(([key, values]) => `${quote(key)}:${goList(values)}`).join(', ')}}`;
  return `&user.DefaultInfo{Name:${quote(username)}, UID:${quote(uid)}, Groups:${goList(groups)}, Extra:${more}}`;
}

/** Whether the headers ask for somebody else. */
export function asksForAnother(headers: Credentials['headers']): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}

const onlyUsername = (wanted: Wanted): boolean => wanted.uid === '' && wanted.groups.length === 0 && Object.keys(wanted.extra).length === 0;

interface Mode {
  name: string;
  applies(wanted: Wanted, requestor: UserInfo): boolean;
  /** How the requestor stands in the checks of this mode. */
  requestor?(requestor: UserInfo): UserInfo;
  /** The name that the node is checked under. */
  nodeName?: string;
}

const isAssociatedNode = (wanted: Wanted, requestor: UserInfo): boolean =>
  splitServiceAccountUser(requestor.username) !== undefined &&
  requestor.extra?.[nodeNameKey]?.length === 1 &&
  nodeOfUsername(wanted.username) === requestor.extra[nodeNameKey]?.[0];

const constrainedModes: readonly Mode[] = [
  {
    name: 'associated-node',
    applies: (wanted, requestor) => onlyUsername(wanted) && isAssociatedNode(wanted, requestor),
    requestor: (user) => ({
      ...user,
      extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(user.extra ?? {}).sort() },
    }),
    nodeName: '*',
  },
  { name: 'arbitrary-node', applies: (wanted) => onlyUsername(wanted) && nodeOfUsername(wanted.username) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => onlyUsername(wanted) && splitServiceAccountUser(wanted.username) !== undefined },
  {
    name: 'user-info',
    applies: (wanted) => nodeOfUsername(wanted.username) === undefined && splitServiceAccountUser(wanted.username) === undefined,
  },
];

interface Check {
  authorizer: Authorizer;
  requestor: UserInfo;
  verb: string;
  constrained: boolean;
  nodeName?: string;
}

function attributesFor(check: Check, group: string, resource: string, name: string, subresource = '', namespace = ''): AuthorizationAttributes {
  return { user: check.requestor, verb: check.verb, isResourceRequest: true, group, version: 'v1', resource, subresource, namespace, name, path: '' };
}

async function allowed(authorizer: Authorizer, attributes: AuthorizationAttributes): Promise<boolean> {
  return (await authorizer(attributes)).decision === 'allow';
}

async function checkGroups(check: Check, groups: readonly string[]): Promise<void> {
  const apiGroup = check.constrained ? authenticationGroup : '';
  const of = (name: string): AuthorizationAttributes => attributesFor(check, apiGroup, 'groups', name);
  if (check.constrained) {
    if (groups.includes(systemMasters)) throw forbiddenRequest(of(systemMasters), 'impersonating the system:masters group is not allowed');
    if (groups.length >= manyChecks && (await allowed(check.authorizer, of('*')))) return;
  }
  for (const group of groups) await authorizeOrForbid(check.authorizer, of(group));
}

async function checkExtra(check: Check, extra: Record<string, string[]>): Promise<void> {
  const of = (key: string, value: string): AuthorizationAttributes => attributesFor(check, authenticationGroup, 'userextras', value, key);
  const pairs = Object.entries(extra).flatMap(([key, values]) => values.map((value) => ({ key, value })));
  if (check.constrained) {
    for (const { key, value } of pairs) {
      if (key === '') throw forbiddenRequest(of('', ''), 'impersonating the empty string key in extra is not allowed');
      if (value === '') throw forbiddenRequest(of('', ''), 'impersonating the empty string value in extra is not allowed');
    }
    if (pairs.length >= manyChecks && (await allowed(check.authorizer, of('*', '*')))) return;
  }
  for (const { key, value } of pairs) await authorizeOrForbid(check.authorizer, of(key, value));
}

/** Checks every part of the wanted user, and gives it with the groups that follow from its name. */
async function checkParts(check: Check, wanted: Wanted): Promise<UserInfo> {
  const account = splitServiceAccountUser(wanted.username);
  const node = check.constrained ? nodeOfUsername(wanted.username) : undefined;
  const apiGroup = check.constrained ? authenticationGroup : '';
  let groups = [...wanted.groups];
  if (node !== undefined) {
    groups = [nodesGroup];
    await authorizeOrForbid(check.authorizer, attributesFor(check, apiGroup, 'nodes', check.nodeName ?? node));
  } else if (account) {
    if (groups.length === 0) groups = serviceAccountGroups(account.namespace);
    await authorizeOrForbid(check.authorizer, attributesFor(check, apiGroup, 'serviceaccounts', account.name, '', account.namespace));
  } else {
    await authorizeOrForbid(check.authorizer, attributesFor(check, apiGroup, 'users', wanted.username));
  }
  if (wanted.uid !== '') await authorizeOrForbid(check.authorizer, attributesFor(check, authenticationGroup, 'uids', wanted.uid));
  await checkGroups(check, wanted.groups);
  await checkExtra(check, wanted.extra);

  if (wanted.username === anonymousUser) {
    if (!groups.includes(allUnauthenticated)) groups.push(allUnauthenticated);
  } else if (!groups.includes(allUnauthenticated) && !groups.includes(allAuthenticated)) groups.push(allAuthenticated);
  return {
    username: wanted.username,
    ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
    groups,
    ...(Object.keys(wanted.extra).length > 0 ? { extra: wanted.extra } : {}),
  };
}

/**
 * The user to go on with: undefined when the headers ask for nobody else.
 * @param request what is asked for, since constrained modes are granted per verb and resource
 * @returns also the `constraint` for the audit log: the verb that allowed it, empty for the plain one
 * @throws 400 when only groups, UID or extra are given; 403 with the first check that failed
 */
export async function impersonate(
  user: UserInfo,
  headers: Credentials['headers'],
  request: Request,
  authorizer: Authorizer,
): Promise<{ user: UserInfo; constraint: string } | undefined> {
  const wanted = wantedUser(headers);
  if (!wanted) return undefined;
  let first: unknown;
  for (const mode of constrainedModes) {
    if (!mode.applies(wanted, user)) continue;
    const requestor = mode.requestor?.(user) ?? user;
    try {
      await authorizeOrForbid(authorizer, { ...request, user: requestor, verb: `impersonate-on:${mode.name}:${request.verb}` });
      const verb = `impersonate:${mode.name}`;
      const check: Check = { authorizer, requestor, verb, constrained: true, ...(mode.nodeName ? { nodeName: mode.nodeName } : {}) };
      return { user: await checkParts(check, wanted), constraint: verb };
    } catch (error) {
      first ??= error;
    }
  }
  try {
    return { user: await checkParts({ authorizer, requestor: user, verb: 'impersonate', constrained: false }, wanted), constraint: '' };
  } catch (error) {
    throw first ?? error;
  }
}

/** Headers without those that ask for another user: what a handler behind this stage sees. */
export function withoutImpersonation(headers: Credentials['headers']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('impersonate-')));
}
