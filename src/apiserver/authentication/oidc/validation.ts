/** What may be wrong with an AuthenticationConfiguration. */
import { X509Certificate } from 'node:crypto';
import { duplicate, type FieldError, type FieldPath, invalidValue, path, required, tooMany } from '../../../apimachinery/fieldpath.ts';
import { validateDnsSubdomain } from '../../../apimachinery/names.ts';
import { decodePem } from '../../../apimachinery/x509/der.ts';
import type { AuthenticationConfiguration, JwtAuthenticator, PrefixedClaimOrExpression } from './configuration.ts';
import { compileClaimMapping, compileClaimRule, compileUserRule, usesClaim } from './expressions.ts';

const maxAuthenticators = 64;

function checkUrl(url: string, at: FieldPath, disallowed: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  const wrong = (detail: string): void => void errors.push(invalidValue(at, url, detail));
  if (disallowed.includes(url)) wrong(`URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`);
  if (!URL.canParse(url)) {
    wrong(url.includes('://') ? `parse ${JSON.stringify(url)}: invalid URL` : 'URL scheme must be https');
    return errors;
  }
  const { protocol, username, password, search, hash } = new URL(url);
  if (protocol !== 'https:') wrong('URL scheme must be https');
  if (username !== '' || password !== '') wrong('URL must not contain a username or password');
  if (search !== '') wrong('URL must not contain a query');
  if (hash !== '') wrong('URL must not contain a fragment');
  return errors;
}

function checkCertificates(pem: string, at: FieldPath): FieldError[] {
  try {
    const certificates = decodePem(pem, 'CERTIFICATE');
    for (const { der } of certificates) new X509Certificate(der);
    if (certificates.length > 0) return [];
  } catch {
    // What it holds is not shown.
  }
  return [invalidValue(at, '<omitted>', 'data does not contain any valid RSA or ECDSA certificates')];
}

function checkIssuer(issuer: NonNullable<JwtAuthenticator['issuer']>, at: FieldPath, disallowed: readonly string[]): FieldError[] {
  const { url = '', discoveryURL = '', certificateAuthority = '', audiences = [], audienceMatchPolicy = '', egressSelectorType = '' } = issuer;
  const errors = url === '' ? [required(at.child('url'))] : checkUrl(url, at.child('url'), disallowed);
  if (discoveryURL !== '') {
    const field = at.child('discoveryURL');
    const bare = (text: string): string => text.replace(/\/+$/, '');
    if (url !== '' && bare(url) === bare(discoveryURL)) errors.push(invalidValue(field, discoveryURL, 'discoveryURL must be different from URL'));
    errors.push(...checkUrl(discoveryURL, field, []));
  }
  const audiencesAt = at.child('audiences');
  const policyAt = at.child('audienceMatchPolicy');
  if (audiences.length === 0) errors.push(required(audiencesAt, `at least one ${audiencesAt} is required`));
  audiences.forEach((audience, index) => {
    if (audience === '') errors.push(required(audiencesAt.index(index)));
    if (audiences.indexOf(audience) < index) errors.push(duplicate(audiencesAt.index(index), audience));
  });
  if (audiences.length > 1 && audienceMatchPolicy !== 'MatchAny') {
    errors.push(invalidValue(policyAt, audienceMatchPolicy, 'audienceMatchPolicy must be MatchAny for multiple audiences'));
  }
  if (audiences.length === 1 && !['', 'MatchAny'].includes(audienceMatchPolicy)) {
    errors.push(invalidValue(policyAt, audienceMatchPolicy, 'audienceMatchPolicy must be empty or MatchAny for single audience'));
  }
  if (certificateAuthority !== '') errors.push(...checkCertificates(certificateAuthority, at.child('certificateAuthority')));
  if (!['', 'controlplane', 'cluster'].includes(egressSelectorType)) {
    errors.push(invalidValue(at.child('egressSelectorType'), egressSelectorType, 'egress selector must be either controlplane or cluster'));
  } else if (egressSelectorType !== '') {
    errors.push(invalidValue(at.child('egressSelectorType'), egressSelectorType, 'this server has no egress selector'));
  }
  return errors;
}

/** Empty when it compiles. */
function checkExpression(expression: string, at: FieldPath, compile: (expression: string) => unknown): FieldError[] {
  try {
    compile(expression);
    return [];
  } catch (error) {
    return [invalidValue(at, expression, (error as Error).message)];
  }
}

function checkClaimRules(rules: NonNullable<JwtAuthenticator['claimValidationRules']>, at: FieldPath): FieldError[] {
  const claims = new Set<string>();
  const expressions = new Set<string>();
  return rules.flatMap(({ claim = '', requiredValue = '', expression = '', message = '' }, index) => {
    const field = at.index(index);
    if (claim !== '' && expression !== '') return [invalidValue(field, claim, "claim and expression can't both be set")];
    if (claim === '' && expression === '') return [required(field, 'claim or expression is required')];
    const errors: FieldError[] = [];
    if (claim !== '') {
      if (message !== '') errors.push(invalidValue(field.child('message'), message, 'may not be specified when claim is set'));
      if (claims.has(claim)) errors.push(duplicate(field.child('claim'), claim));
      claims.add(claim);
      return errors;
    }
    if (requiredValue !== '') errors.push(invalidValue(field.child('requiredValue'), requiredValue, 'may not be specified when expression is set'));
    if (expressions.has(expression)) return [...errors, duplicate(field.child('expression'), expression)];
    expressions.add(expression);
    return [...errors, ...checkExpression(expression, field.child('expression'), compileClaimRule)];
  });
}

function checkPrefixed({ claim = '', expression = '', prefix }: PrefixedClaimOrExpression, at: FieldPath, needed: boolean): FieldError[] {
  if (claim !== '' && expression !== '') return [invalidValue(at, '', "claim and expression can't both be set")];
  if (expression !== '') {
    return [
      ...(prefix === undefined ? [] : [invalidValue(at.child('prefix'), prefix, 'may not be specified when expression is set')]),
      ...checkExpression(expression, at.child('expression'), compileClaimMapping),
    ];
  }
  if (claim !== '') {
    return prefix === undefined
      ? [required(at.child('prefix'), 'prefix is required when claim is set. It can be set to an empty string to disable prefixing')]
      : [];
  }
  return needed ? [required(at, 'claim or expression is required')] : [];
}

const reserved = /^(?:.*\.)?(?:kubernetes|k8s)\.io$/;

function checkExtraKey(key: string, at: FieldPath, earlier: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const slash = key.indexOf('/');
  const [domain, rest] = slash < 0 ? ['', ''] : [key.slice(0, slash), key.slice(slash + 1)];
  if (key === '') errors.push(required(at));
  else if (domain === '' || rest === '') errors.push(invalidValue(at, key, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  else {
    errors.push(...validateDnsSubdomain(domain).map((problem) => invalidValue(at, domain, problem)));
    if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(rest)) {
      errors.push(invalidValue(at, rest, "Invalid path (e.g. 'acme.io/foo', regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"));
    }
  }
  if (key !== key.toLowerCase()) errors.push(invalidValue(at, key, 'must be lowercase'));
  if (reserved.test(domain)) errors.push(invalidValue(at, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'));
  if (earlier.has(key)) errors.push(duplicate(at, key));
  return errors;
}

function checkMappings({ username = {}, groups = {}, uid = {}, extra = [] }: NonNullable<JwtAuthenticator['claimMappings']>, at: FieldPath): FieldError[] {
  const errors = [...checkPrefixed(username, at.child('username'), true), ...checkPrefixed(groups, at.child('groups'), false)];
  if (uid.claim && uid.expression) errors.push(invalidValue(at.child('uid'), '', "claim and expression can't both be set"));
  else if (uid.expression) errors.push(...checkExpression(uid.expression, at.child('uid', 'expression'), compileClaimMapping));
  const keys = new Set<string>();
  extra.forEach(({ key = '', valueExpression = '' }, index) => {
    const field = at.child('extra').index(index);
    errors.push(...checkExtraKey(key, field.child('key'), keys));
    if (keys.has(key)) return;
    keys.add(key);
    if (valueExpression === '') errors.push(required(field.child('valueExpression')));
    else errors.push(...checkExpression(valueExpression, field.child('valueExpression'), compileClaimMapping));
  });
  return errors;
}

/** An address that nobody verified must not become a name unnoticed. */
function checkEmail({ claimMappings = {}, claimValidationRules = [] }: JwtAuthenticator, at: FieldPath): FieldError[] {
  const expression = claimMappings.username?.expression ?? '';
  if (expression === '' || !usesClaim(expression, 'email')) return [];
  const others = [...(claimMappings.extra ?? []).map(({ valueExpression }) => valueExpression), ...claimValidationRules.map((rule) => rule.expression)].filter(
    (one): one is string => !!one,
  );
  if ([expression, ...others].some((one) => usesClaim(one, 'email_verified'))) return [];
  return [
    invalidValue(
      at.child('claimMappings', 'username', 'expression'),
      expression,
      'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
    ),
  ];
}

function checkUserRules(rules: NonNullable<JwtAuthenticator['userValidationRules']>, at: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return rules.flatMap(({ expression = '' }, index) => {
    const field = at.index(index).child('expression');
    if (expression === '') return [required(field)];
    if (seen.has(expression)) return [duplicate(field, expression)];
    seen.add(expression);
    return checkExpression(expression, field, compileUserRule);
  });
}

export function validateAuthentication({ jwt = [], anonymous }: AuthenticationConfiguration, disallowed: readonly string[]): FieldError[] {
  const root = path('jwt');
  if (jwt.length > maxAuthenticators) return [tooMany(root, jwt.length, maxAuthenticators)];
  const [issuers, discoveries] = [new Set<string>(), new Set<string>()];
  const errors = jwt.flatMap((one, index) => {
    const at = root.index(index);
    const { issuer = {}, claimValidationRules = [], claimMappings = {}, userValidationRules = [] } = one;
    const found = [
      ...checkIssuer(issuer, at.child('issuer'), disallowed),
      ...checkClaimRules(claimValidationRules, at.child('claimValidationRules')),
      ...checkMappings(claimMappings, at.child('claimMappings')),
      ...checkUserRules(userValidationRules, at.child('userValidationRules')),
    ];
    if (found.length === 0) found.push(...checkEmail(one, at));
    const { url = '', discoveryURL = '' } = issuer;
    if (issuers.has(url)) found.push(duplicate(at.child('issuer', 'url'), url));
    issuers.add(url);
    if (discoveryURL !== '' && discoveries.has(discoveryURL)) found.push(duplicate(at.child('issuer', 'discoveryURL'), discoveryURL));
    discoveries.add(discoveryURL);
    return found;
  });
  if (anonymous && !anonymous.enabled && anonymous.conditions?.length) {
    errors.push(invalidValue('anonymous.conditions', anonymous.conditions, 'enabled should be set to true when conditions are defined'));
  }
  return errors;
}
