/** What a request is about, found out from its method and path alone. Source of the rule: apiserver `endpoints/request`. */

import { own } from '../apimachinery/own.ts';
import type { RequestInfo } from './contracts.ts';

const verbOfMethod: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** Segments below a namespace that belong to the namespace itself. */
const namespaceSubresources = new Set(['status', 'finalize']);

const noQuery = new URLSearchParams();

/** Fails with `URIError` when a path segment is not valid percent-encoding. */
export function parseRequestInfo(method: string, url: string): RequestInfo {
  const question = url.indexOf('?');
  const path = question < 0 ? url : url.slice(0, question);
  const query = question < 0 || question === url.length - 1 ? noQuery : new URLSearchParams(url.slice(question + 1));
  const info: RequestInfo = {
    isResourceRequest: false,
    verb: method.toLowerCase(),
    path,
    query,
    apiPrefix: '',
    group: '',
    version: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    parts: [],
    fieldSelector: '',
    labelSelector: '',
  };
  if (!path.startsWith('/api')) return info;
  const segments = splitPath(path);
  const prefix = segments[0];
  if (prefix !== 'api' && prefix !== 'apis') return info;
  let at = 1;
  if (prefix === 'apis') {
    if (segments.length < 4) return info;
    info.group = segments[at++] as string;
  } else if (segments.length < 3) return info;
  info.apiPrefix = prefix;
  info.isResourceRequest = true;
  info.version = segments[at++] as string;
  info.verb = own(verbOfMethod, method) ?? '';

  if (segments[at] === 'watch' && segments.length > at + 1) {
    info.verb = 'watch';
    at++;
  } else if (segments[at] === 'watch') return { ...info, isResourceRequest: false };
  if (segments[at] === 'namespaces' && at + 1 < segments.length) {
    info.namespace = segments[at + 1] as string;
    // What follows the name is a resource in the namespace, or a subresource of the namespace itself.
    if (segments.length > at + 2 && !namespaceSubresources.has(segments[at + 2] as string)) at += 2;
  }
  info.resource = segments[at] ?? '';
  info.name = segments[at + 1] ?? '';
  info.subresource = segments[at + 2] ?? '';
  if (segments.length > at + 3) info.parts = segments.slice(at + 3);
  readSelectors(info);
  return info;
}

function readSelectors(info: RequestInfo): void {
  const { query } = info;
  if (info.name === '' && (info.verb === 'get' || info.verb === 'watch')) {
    const watch = query.get('watch');
    info.verb = info.verb === 'watch' || (watch !== null && watch !== '0' && watch !== 'false') ? 'watch' : 'list';
  }
  if (info.name === '' && info.verb === 'delete') info.verb = 'deletecollection';
  if (query === noQuery) return;
  if (info.verb === 'list' || info.verb === 'watch' || info.verb === 'deletecollection') {
    info.fieldSelector = query.get('fieldSelector') ?? '';
    info.labelSelector = query.get('labelSelector') ?? '';
    // A selector that pins the name makes this a request about that name, for authorization.
    const pinned = info.name === '' && info.fieldSelector !== '' ? /(?:^|,)metadata\.name==?([^,=!]+)(?:,|$)/.exec(info.fieldSelector) : null;
    if (pinned) info.name = pinned[1] as string;
  }
}

function splitPath(path: string): string[] {
  const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length;
  const segments = path.slice(1, end).split('/');
  return path.includes('%') ? segments.map((segment) => decodeURIComponent(segment)) : segments;
}
