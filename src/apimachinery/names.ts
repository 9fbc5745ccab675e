/**
 * The grammars of names. Every function returns what is wrong, in upstream's words; nothing when all is well.
 * Source of the rules: apimachinery `util/validation` and `api/validate/content`.
 */

const byteLength = (text: string): number => Buffer.byteLength(text);

/** Upstream's sentence about a pattern, with examples. */
export function patternError(rule: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${rule} (regex used for validation is '${pattern}')`;
  return `${rule} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;
}

export const maxLengthError = (limit: number): string => `must be no more than ${limit} characters`;
const maxBytesError = (limit: number): string => `must be no more than ${limit} bytes`;
export const emptyError = 'must be non-empty';
export const rangeError = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`;

interface Grammar {
  pattern: string;
  rule: string;
  examples: string[];
  maxLength?: number;
}

/** A check of length, then of form. */
function grammar({ pattern, rule, examples, maxLength }: Grammar, lengthError = maxLengthError): (value: string) => string[] {
  const regexp = new RegExp(`^${pattern}$`);
  const message = patternError(rule, pattern, ...examples);
  return (value) => {
    const wrong: string[] = [];
    if (maxLength !== undefined && byteLength(value) > maxLength) wrong.push(lengthError(maxLength));
    if (!regexp.test(value)) wrong.push(message);
    return wrong;
  };
}

const label1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain1123 = `${label1123}(\\.${label1123})*`;
const underscoreLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const subdomainGrammar: Grammar = { pattern: subdomain1123, rule: subdomainRule, examples: ['example.com'], maxLength: 253 };

/** At most 253 characters of dot-separated DNS labels: the name of most kinds. */
export const validateDnsSubdomain = grammar(subdomainGrammar);
const validateKeyPrefix = grammar(subdomainGrammar, maxBytesError);

export const validateDnsSubdomainWithUnderscore = grammar({
  pattern: `${underscoreLabel}(\\.${underscoreLabel})*`,
  rule: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  examples: ['example.com'],
  maxLength: 253,
});

export const validateWildcardDnsSubdomain = grammar({
  pattern: `\\*\\.${subdomain1123}`,
  rule: "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  examples: ['*.example.com'],
  maxLength: 253,
});

const subdomainPattern = new RegExp(`^${subdomain1123}$`);
const labelPattern = new RegExp(`^${label1123}$`);
const labelMessage = patternError(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  label1123,
  'my-name',
  '123-abc',
);

/** At most 63 characters, no dots: the name of a namespace, of a container, … */
export function validateDnsLabel(value: string): string[] {
  const wrong: string[] = [];
  if (byteLength(value) > 63) wrong.push(maxLengthError(63));
  if (!labelPattern.test(value)) wrong.push(subdomainPattern.test(value) ? 'must not contain dots' : labelMessage);
  return wrong;
}

/** A DNS label that starts with a letter (RFC 1035): the name of a service. */
export const validateDns1035Label = grammar({
  pattern: '[a-z]([-a-z0-9]*[a-z0-9])?',
  rule: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  examples: ['my-name', 'abc-123'],
  maxLength: 63,
});

const keyName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const keyNamePattern = new RegExp(`^${keyName}$`);
const keyRule = patternError(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  keyName,
  'MyName',
  'my.name',
  '123-abc',
);

/** Keys that were found valid; there are few different ones in a cluster. */
const goodKeys = new Set<string>();

/** `name` or `example.com/name`: keys of labels and annotations, resource names, finalizers, taints, … */
export function validateQualifiedName(value: string): string[] {
  if (goodKeys.has(value)) return [];
  const parts = value.split('/');
  if (parts.length > 2) return [`a valid label key ${keyRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const wrong: string[] = [];
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === '') wrong.push(`prefix part ${emptyError}`);
    else wrong.push(...validateKeyPrefix(prefix).map((message) => `prefix part ${message}`));
  }
  if (name === '') wrong.push(`name part ${emptyError}`);
  else if (byteLength(name) > 63) wrong.push(`name part ${maxBytesError(63)}`);
  if (!keyNamePattern.test(name)) wrong.push(`name part ${keyRule}`);
  if (wrong.length === 0) {
    if (goodKeys.size >= 4096) goodKeys.clear();
    goodKeys.add(value);
  }
  return wrong;
}

export const validateLabelKey = validateQualifiedName;

export const validateLabelValue = grammar(
  {
    pattern: `(${keyName})?`,
    rule: "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    examples: ['MyValue', 'my_value', '12345'],
    maxLength: 63,
  },
  maxBytesError,
);

export const validateCIdentifier = grammar({
  pattern: '[A-Za-z_][A-Za-z0-9_]*',
  rule: "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  examples: ['my_name', 'MY_NAME', 'MyName'],
});

function pathTraversal(value: string): string[] {
  if (value === '.' || value === '..') return [`must not be '${value}'`];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

const strictEnvVarName = grammar({
  pattern: '[-._a-zA-Z][-._a-zA-Z0-9]*',
  rule: "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
  examples: ['my.env-name', 'MY_ENV.NAME', 'MyEnvName1'],
});

/** The older, narrower rule; new objects follow {@link validateRelaxedEnvVarName}. */
export const validateEnvVarName = (value: string): string[] => [...strictEnvVarName(value), ...pathTraversal(value)];

/** Any printable ASCII but `=`. */
export function validateRelaxedEnvVarName(value: string): string[] {
  if (value === '') return [`environment variable name ${emptyError}`];
  if (/^[\x20-\x3c\x3e-\x7e]*$/.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

const configMapKey = grammar({
  pattern: '[-._a-zA-Z0-9]+',
  rule: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  examples: ['key.name', 'KEY_NAME', 'key-name'],
  maxLength: 253,
});

/** Keys of ConfigMaps and Secrets: they become file names. */
export const validateConfigMapKey = (value: string): string[] => [...configMapKey(value), ...pathTraversal(value)];

export const validatePercent = grammar({
  pattern: '[0-9]+%',
  rule: "a valid percent string must be a numeric string followed by an ending '%'",
  examples: ['1%', '93%'],
});

export const validateHttpHeaderName = grammar({
  pattern: '[-A-Za-z0-9]+',
  rule: "a valid HTTP header must consist of alphanumeric characters or '-'",
  examples: ['X-Header-Name'],
});

/** An integer of the inclusive range. */
export const validateInRange = (value: number, low: number, high: number): string[] => (value >= low && value <= high ? [] : [rangeError(low, high)]);
export const validatePortNumber = (port: number): string[] => validateInRange(port, 1, 65535);
export const validateUserId = (uid: number): string[] => validateInRange(uid, 0, 2147483647);
export const validateGroupId = (gid: number): string[] => validateInRange(gid, 0, 2147483647);

/** The name of a port: an IANA service name, in lower case. */
export function validatePortName(port: string): string[] {
  const wrong: string[] = [];
  if (byteLength(port) > 15) wrong.push(maxLengthError(15));
  if (!/^[-a-z0-9]+$/.test(port)) wrong.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(port)) wrong.push('must contain at least one letter (a-z)');
  if (port.includes('--')) wrong.push('must not contain consecutive hyphens');
  if (port.startsWith('-') || port.endsWith('-')) wrong.push('must not begin or end with a hyphen');
  return wrong;
}

/** What a name may not be, since it stands in a URL. With `isPrefix`, a random suffix will follow. */
export function validatePathSegment(name: string, isPrefix = false): string[] {
  if (!isPrefix && (name === '.' || name === '..')) return [`may not be '${name}'`];
  return ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
}

/** How a name is checked where it may be the beginning of a generated one: a trailing dash will not stay the last character. */
export type NameValidator = (name: string, isPrefix: boolean) => string[];

const maskTrailingDash = (name: string): string => (name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name);
const orPrefix =
  (validate: (name: string) => string[]): NameValidator =>
  (name, isPrefix) =>
    validate(isPrefix ? maskTrailingDash(name) : name);

/** `metadata.name` as a DNS subdomain (most kinds). */
export const subdomainName = orPrefix(validateDnsSubdomain);
/** `metadata.name` as a DNS label (namespaces). */
export const labelName = orPrefix(validateDnsLabel);
/** `metadata.name` as an RFC 1035 label (services). */
export const label1035Name = orPrefix(validateDns1035Label);
/** `metadata.name` as anything that may stand in a URL (RBAC). */
export const pathSegmentName: NameValidator = validatePathSegment;
