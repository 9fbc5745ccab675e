/** URL paths and queries of resource requests, as the API conventions lay them out. */
import { apiVersionOf } from '../apimachinery/meta.ts';
import type { ResourceRef } from './client.ts';

type QueryValue = string | number | boolean | undefined;

/** `/api/v1/namespaces/ns/pods/name/status`; empty parts are left out. */
export function resourcePath(ref: Pick<ResourceRef, 'group' | 'version' | 'plural' | 'namespaced'>, namespace: string, name = '', subresource = ''): string {
  const root = ref.group === '' ? '/api' : '/apis';
  let path = `${root}/${apiVersionOf(ref.group, ref.version)}`;
  if (ref.namespaced && namespace !== '') path += `/namespaces/${encodeURIComponent(namespace)}`;
  path += `/${ref.plural}`;
  if (name !== '') path += `/${encodeURIComponent(name)}`;
  // A subresource may go on with a path of its own (`proxy/healthz`).
  if (subresource !== '') path += `/${subresource.split('/').map(encodeURIComponent).join('/')}`;
  return path;
}

/** Adds the parameters that are set; `false` and empty strings are what their absence means, so they are left out. */
export function withQuery(path: string, parameters: Readonly<Record<string, QueryValue>>): string {
  let query = '';
  for (const name in parameters) {
    const value = parameters[name];
    if (value === undefined || value === '' || value === false) continue;
    query += `${query === '' ? '' : '&'}${name}=${encodeURIComponent(value)}`;
  }
  return query === '' ? path : `${path}?${query}`;
}
