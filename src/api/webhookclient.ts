/** Where a webhook is reached, as configurations and definitions say it. Source of the rules: apiserver `util/webhook`, Go `net/url`. */
import type { FieldError, FieldPath } from '../apimachinery/fieldpath.ts';
import { invalidValue, quote, required } from '../apimachinery/fieldpath.ts';
import { validateDnsSubdomain, validatePortNumber } from '../apimachinery/names.ts';

interface GoUrl {
  scheme: string;
  user: string | undefined;
  host: string;
  query: string;
  fragment: string;
}

const split = (text: string, mark: string): [string, string] => {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
};

function authorityOf(text: string): Pick<GoUrl, 'user' | 'host'> | string {
  const at = text.lastIndexOf('@');
  const host = text.slice(at + 1);
  const port = host.slice(host.startsWith('[') ? host.indexOf(']') + 1 : Math.max(host.indexOf(':'), 0));
  if (host.startsWith('[') && !host.includes(']')) return "missing ']' in host";
  if (port.startsWith(':') && !/^:\d*$/.test(port)) return `invalid port ${quote(port)} after host`;
  if (/[ "<>\\^`{|}]/.test(host)) return `invalid character ${quote((/[ "<>\\^`{|}]/.exec(host) as RegExpExecArray)[0])} in host name`;
  return { user: at < 0 ? undefined : text.slice(0, at), host };
}

/** As Go reads a URL, which takes much that browsers don't; or what is wrong. */
function parseGoUrl(text: string): GoUrl | string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return 'net/url: invalid control character in URL';
  const [whole, fragment] = split(text, '#');
  if (whole.startsWith(':')) return 'missing protocol scheme';
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(whole)?.[1] ?? '';
  const [rest, query] = split(scheme === '' ? whole : whole.slice(scheme.length + 1), '?');
  const url = { scheme: scheme.toLowerCase(), user: undefined, host: '', query, fragment };
  if (!rest.startsWith('/')) return scheme === '' && split(rest, '/')[0].includes(':') ? 'first path segment in URL cannot contain colon' : url;
  const [, authority, path] = (scheme === '' && rest.startsWith('///') ? null : /^\/\/([^/]*)(.*)$/.exec(rest)) ?? [undefined, undefined, rest];
  const parsed = authority === undefined ? url : authorityOf(authority);
  if (typeof parsed === 'string') return parsed;
  const badEscape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(path ?? '');
  return badEscape ? `invalid URL escape ${quote(badEscape[0])}` : { ...url, ...parsed };
}

const form = '; desired format: https://host[/path]';

export function validateWebhookUrl(text: string, at: FieldPath, https: boolean): FieldError[] {
  const url = parseGoUrl(text);
  if (typeof url === 'string') return [required(at, `url must be a valid URL: parse ${quote(text)}: ${url}${form}`)];
  const errors: FieldError[] = [];
  if (https && url.scheme !== 'https') errors.push(invalidValue(at, url.scheme, `'https' is the only allowed URL scheme${form}`));
  if (url.host === '') errors.push(invalidValue(at, '', `host must be specified${form}`));
  if (url.user !== undefined) errors.push(invalidValue(at, url.user, 'user information is not permitted in the URL'));
  if (url.fragment !== '') errors.push(invalidValue(at, url.fragment, 'fragments are not permitted in the URL'));
  if (url.query !== '') errors.push(invalidValue(at, url.query, 'query parameters are not permitted in the URL'));
  return errors;
}

function validateServicePath(text: string, at: FieldPath): FieldError[] {
  if (text === '' || text === '/') return [];
  if (text === '//') return [invalidValue(at, text, 'segment[0] may not be empty')];
  const errors = text.startsWith('/') ? [] : [invalidValue(at, text, "must start with a '/'")];
  const steps = text.slice(1).replace(/\/$/, '').split('/');
  for (const [index, step] of steps.entries()) {
    if (step === '') errors.push(invalidValue(at, text, `segment[${index}] may not be empty`));
    else errors.push(...validateDnsSubdomain(step).map((message) => invalidValue(at, text, `segment[${index}]: ${message}`)));
  }
  return errors;
}

interface ServiceReference {
  name?: string;
  namespace?: string;
  path?: string;
  port?: number;
}

/** Upstream's callers give name and namespace in the wrong order, so its errors name the one when the other is missing. */
export function validateWebhookService({ name, namespace, path, port = 0 }: ServiceReference, at: FieldPath): FieldError[] {
  const wrong = validatePortNumber(port);
  return [
    ...(namespace ? [] : [required(at.child('name'))]),
    ...(name ? [] : [required(at.child('namespace'))]),
    ...(wrong.length > 0 ? [invalidValue(at.child('port'), port, `port is not valid: ${wrong.join(', ')}`)] : []),
    ...(path === undefined ? [] : validateServicePath(path, at.child('path'))),
  ];
}
