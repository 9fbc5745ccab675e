import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestInfo } from './requestinfo.ts';

const shown = (method: string, url: string): string => {
  const { isResourceRequest, verb, group, version, namespace, resource, name, subresource, parts } = parseRequestInfo(method, url);
  if (!isResourceRequest) return `${verb} -`;
  return [verb, `${group}/${version}`, namespace, resource, name, subresource, parts.join('/')].join(' ').trimEnd();
};

const cases: [string, string, string][] = [
  ['GET', '/api/v1/pods', 'list /v1  pods'],
  ['GET', '/api/v1/pods?watch=true', 'watch /v1  pods'],
  ['GET', '/api/v1/pods?watch=0', 'list /v1  pods'],
  ['GET', '/api/v1/watch/namespaces/a/pods', 'watch /v1 a pods'],
  ['GET', '/api/v1/namespaces/a/pods/b', 'get /v1 a pods b'],
  ['GET', '/api/v1/namespaces/a/pods/b/proxy/c/d', 'get /v1 a pods b proxy c/d'],
  ['POST', '/apis/apps/v1/namespaces/a/deployments', 'create apps/v1 a deployments'],
  ['PUT', '/apis/apps/v1/namespaces/a/deployments/b/status', 'update apps/v1 a deployments b status'],
  ['DELETE', '/apis/apps/v1/namespaces/a/deployments', 'deletecollection apps/v1 a deployments'],
  ['GET', '/api/v1/namespaces', 'list /v1  namespaces'],
  ['GET', '/api/v1/namespaces/a', 'get /v1 a namespaces a'],
  ['PUT', '/api/v1/namespaces/a/finalize', 'update /v1 a namespaces a finalize'],
  ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dx', 'list /v1  pods x'],
  ['GET', '/apis/apps/v1', 'get -'],
  ['GET', '/healthz', 'get -'],
];

test('method and path say what a request is about', () => {
  for (const [method, url, expected] of cases) assert.equal(shown(method, url), expected, `${method} ${url}`);
});

test('a path that is not valid percent-encoding is refused', () => {
  assert.throws(() => parseRequestInfo('GET', '/api/v1/pods/%zz'), URIError);
});
