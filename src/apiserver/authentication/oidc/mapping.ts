/** From a token's claims to a user: by claim, or by expression; with rules for both. */
import type { UserInfo } from '../../../api/kind.ts';
import type { CelProgram } from '../../../apimachinery/cel/program.ts';
import { celValue } from '../../../apimachinery/cel/values.ts';
import { credentialIdKey } from '../identities.ts';
import type { JwtAuthenticator, PrefixedClaimOrExpression } from './configuration.ts';
import { compileClaimMapping, compileClaimRule, compileUserRule } from './expressions.ts';

export type Claims = Record<string, unknown>;

/** Empty for what the claims say nothing about. @throws `Error` when they are not as the configuration wants them */
export type UserOfClaims = (claims: Claims) => UserInfo;

const goName = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value);

function textClaim(claims: Claims, claim: string): string {
  if (!(claim in claims)) throw new Error('claim not present');
  const value = claims[claim];
  if (value === null) return '';
  if (typeof value !== 'string') throw new Error(`json: cannot unmarshal ${goName(value)} into Go value of type string`);
  return value;
}

/** A text or a list of texts; empty ones are left out. */
function textsOf(value: unknown): string[] {
  const wrong = (): Error => new Error('expression must return a string or a list of strings');
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (value === null) return [];
  if (!Array.isArray(value)) throw wrong();
  return value.flatMap((one) => {
    if (typeof one !== 'string') throw wrong();
    return one === '' ? [] : [one];
  });
}

/** A failure with what was being done. */
function within<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

function usernameOf(mapping: PrefixedClaimOrExpression, claims: Claims, expression: CelProgram | undefined, variables: () => object): string {
  if (expression) {
    const value = within('oidc: error evaluating username claim expression', () => {
      const result = expression.evaluate(variables() as Record<string, unknown>);
      if (typeof result !== 'string') throw new Error('username claim expression must return a string');
      return result;
    });
    if (value === '') throw new Error('oidc: empty username via CEL expression is not allowed');
    return value;
  }
  const { claim = '', prefix = '' } = mapping;
  const name = within(`oidc: parse username claims ${JSON.stringify(claim)}`, () => textClaim(claims, claim));
  if (claim === 'email' && 'email_verified' in claims) {
    const verified = claims['email_verified'];
    if (typeof verified !== 'boolean') {
      throw new Error(`oidc: parse 'email_verified' claim: json: cannot unmarshal ${goName(verified)} into Go value of type bool`);
    }
    if (!verified) throw new Error('oidc: email not verified');
  }
  return prefix + name;
}

function groupsOfClaim(value: unknown, claim: string, prefix: string): string[] {
  const groups = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(groups) || groups.some((one) => typeof one !== 'string')) {
    throw new Error(`oidc: parse groups claim ${JSON.stringify(claim)}: json: cannot unmarshal ${goName(value)} into Go value of type string`);
  }
  return groups.map((group) => prefix + group);
}

/** Compiles what there is to compile; the configuration must be valid. */
export function createMapping({ claimMappings = {}, claimValidationRules = [], userValidationRules = [] }: JwtAuthenticator): UserOfClaims {
  const { username = {}, groups = {}, uid = {}, extra = [] } = claimMappings;
  const mapping = (expression: string | undefined): CelProgram | undefined => (expression ? compileClaimMapping(expression) : undefined);
  const programs = { username: mapping(username.expression), groups: mapping(groups.expression), uid: mapping(uid.expression) };
  const extras = extra.map(({ key = '', valueExpression = '' }) => ({ key, program: compileClaimMapping(valueExpression) }));
  const required = claimValidationRules.flatMap(({ claim, requiredValue = '' }) => (claim ? [{ claim, requiredValue }] : []));
  const claimRules = claimValidationRules.flatMap(({ expression, message }) => (expression ? [{ program: compileClaimRule(expression), message }] : []));
  const userRules = userValidationRules.map(({ expression = '', message }) => ({ program: compileUserRule(expression), message }));

  function groupsOf(claims: Claims, variables: () => Record<string, unknown>): string[] {
    const { claim = '', prefix = '' } = groups;
    if (claim !== '' && claim in claims) return groupsOfClaim(claims[claim], claim, prefix);
    const { groups: program } = programs;
    return program ? within('oidc: error evaluating group claim expression', () => textsOf(program.evaluate(variables()))) : [];
  }

  function uidOf(claims: Claims, variables: () => Record<string, unknown>): string {
    const { claim = '' } = uid;
    if (claim !== '') return within(`oidc: parse uid claim ${JSON.stringify(claim)}`, () => textClaim(claims, claim));
    const { uid: program } = programs;
    if (!program) return '';
    return within('oidc: error evaluating uid claim expression', () => {
      const value = program.evaluate(variables());
      if (typeof value !== 'string') throw new Error('uid claim expression must return a string');
      return value;
    });
  }

  function extraOf(claims: Claims, variables: () => Record<string, unknown>): Record<string, string[]> {
    const found: Record<string, string[]> = {};
    if (typeof claims['jti'] === 'string' && claims['jti'] !== '') found[credentialIdKey] = [`JTI=${claims['jti']}`];
    for (const { key, program } of extras) {
      const values = within(`oidc: error evaluating extra claim expression: ${program.expression}`, () => textsOf(program.evaluate(variables())));
      if (values.length > 0) found[key] = values;
    }
    return found;
  }

  return (claims) => {
    let value: unknown;
    const variables = (): Record<string, unknown> => ({ claims: (value ??= celValue(claims)) });
    const name = usernameOf(username, claims, programs.username, variables);
    const [found, id, more] = [groupsOf(claims, variables), uidOf(claims, variables), extraOf(claims, variables)];
    for (const { claim, requiredValue } of required) {
      if (!(claim in claims)) throw new Error(`oidc: required claim ${claim} not present in ID token`);
      const given = within(`oidc: parse claim ${claim}`, () => textClaim(claims, claim));
      if (given !== requiredValue) throw new Error(`oidc: required claim ${claim} value does not match. Got = ${given}, want = ${requiredValue}`);
    }
    check(claimRules, claimRules.length > 0 ? variables() : {}, 'oidc: error evaluating claim validation expression');
    const user = { username: name, uid: id, groups: found, extra: more };
    check(userRules, { user }, 'oidc: error evaluating user info validation rule');
    return { username: name, ...(id === '' ? {} : { uid: id }), groups: found, ...(Object.keys(more).length > 0 ? { extra: more } : {}) };
  };
}

function check(rules: readonly { program: CelProgram; message: string | undefined }[], variables: Record<string, unknown>, what: string): void {
  for (const { program, message } of rules) {
    within(what, () => {
      const value = program.evaluate(variables);
      if (value !== true)
        throw new Error(message ? `validation expression '${program.expression}' failed: ${message}` : `validation expression '${program.expression}' failed`);
    });
  }
}
