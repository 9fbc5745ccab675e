/** Tokens that stand in a file: `token,user,uid,"group1,group2"` a line. */
import { createHash } from 'node:crypto';
import type { UserInfo } from '../../api/kind.ts';
import { ConfigurationError, readText } from '../configuration/load.ts';
import type { TokenAuthenticator } from './token.ts';

const flag = 'token-auth-file';
const digest = (token: string): string => createHash('sha256').update(token).digest('base64');

/** The fields of a line; quotes are as in CSV (RFC 4180), text after `#` at its start is a comment. */
function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g))
    fields.push(quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"'));
  return fields;
}

/** @throws {ConfigurationError} */
export function createTokenFile(file: string): TokenAuthenticator {
  const users = new Map<string, UserInfo>();
  readText(flag, file)
    .split(/\r?\n/)
    .forEach((line, index) => {
      if (line.trim() === '' || line.startsWith('#')) return;
      const [token = '', username = '', uid = '', groups = '', ...rest] = fieldsOf(line);
      if (uid === '' || rest.length > 0)
        throw new ConfigurationError(flag, file, `line ${index + 1}: it must have 3 or 4 columns (token, user name, user uid, groups)`);
      if (token === '') throw new ConfigurationError(flag, file, `line ${index + 1}: the token is empty`);
      users.set(digest(token), { username, uid, groups: groups.split(',').filter((group) => group !== '') });
    });
  return async (token) => {
    const user = users.get(digest(token));
    return user && { user };
  };
}
