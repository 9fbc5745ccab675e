/** URLs: absolute ones, and absolute paths. */
import { define, type Library } from './register.ts';

export class CelUrl {
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: string;

  constructor(text: string, [scheme, hostname, port, path, query]: readonly [string, string, string | undefined, string, string]) {
    this.text = text;
    this.scheme = scheme;
    this.hostname = hostname.replace(/^\[(.*)\]$/, '$1');
    this.port = port ?? '';
    this.host = port === undefined ? hostname : `${hostname}:${port}`;
    this.path = path;
    this.query = query;
  }

  compareTo(other: unknown): number {
    return other instanceof CelUrl && other.text === this.text ? 0 : 1;
  }
}

const absolute = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[^@/?#]*@)?(\[[0-9A-Fa-f:.%]+\]|[^:/?#[\]\s<>"{}|\\^`]*)(?::([0-9]*))?(\/[^?]*)?(?:\?(.*))?$/;

export function parseUrl(text: string): CelUrl | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that they are refused is the rule
  if (/[\u0000-\u001f\u007f]/.test(text)) return undefined;
  const match = absolute.exec(text);
  const parts = match
    ? ([match[1]?.toLowerCase() ?? '', match[2] ?? '', match[3], match[4] ?? '', match[5] ?? ''] as const)
    : text.startsWith('/')
      ? (['', '', undefined, text.split('?', 1)[0] ?? '', text.slice((text.split('?', 1)[0] ?? '').length + 1)] as const)
      : undefined;
  if (!parts || /%(?![0-9A-Fa-f]{2})/.test(parts[3])) return undefined;
  return new CelUrl(text, parts);
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // Not percent-encoded UTF-8: as it stands.
    return text;
  }
};

function queryOf({ query }: CelUrl): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [key = '', ...rest] = pair.split('=');
    values[decode(key)] = [...(values[decode(key)] ?? []), decode(rest.join('='))];
  }
  return values;
}

export const urls: Library = (environment) => {
  environment.registerType('kubernetes.URL', CelUrl);
  define(environment, 'url(string): kubernetes.URL', (text: string) => {
    const url = parseUrl(text);
    if (!url) throw new Error(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`);
    return url;
  });
  define(environment, 'isURL(string): bool', (text: string) => parseUrl(text) !== undefined);
  define(environment, 'kubernetes.URL.getScheme(): string', ({ scheme }: CelUrl) => scheme);
  define(environment, 'kubernetes.URL.getHost(): string', ({ host }: CelUrl) => host);
  define(environment, 'kubernetes.URL.getHostname(): string', ({ hostname }: CelUrl) => hostname);
  define(environment, 'kubernetes.URL.getPort(): string', ({ port }: CelUrl) => port);
  define(environment, 'kubernetes.URL.getEscapedPath(): string', ({ path }: CelUrl) => encodeURI(path).replaceAll('%25', '%'));
  define(environment, 'kubernetes.URL.getQuery(): map<string, list<string>>', queryOf);
  environment.registerOperator('kubernetes.URL == kubernetes.URL', (a: CelUrl, b: CelUrl) => a.compareTo(b) === 0);
};
