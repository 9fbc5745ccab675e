/** Requests of every area, each from random choices alone. */
import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import { structOf } from '../../../src/api/schema.ts';
import { encodeEnvelope } from '../../../src/apimachinery/codec/protobuf.ts';
import { celExpression, celRequest } from './cel.ts';
import { anyKey, anyText, anyValue, jsonText, mutateBytes, mutateValue } from './mutate.ts';
import { anyName, anyObject, collectionOf, isConsequential, namespace, type Sample } from './objects.ts';
import { patchRequest } from './patches.ts';
import type { Random } from './random.ts';

export interface FuzzRequest {
  area: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: Buffer;
}

export type Area = (random: Random) => Omit<FuzzRequest, 'area'>;

const protobufType = 'application/vnd.kubernetes.protobuf';
const jsonType = 'application/json';
const yamlType = 'application/yaml';

/** What the answer is asked in; mostly what a test can read. */
const accepted = [
  jsonType,
  jsonType,
  jsonType,
  '*/*',
  protobufType,
  yamlType,
  `${jsonType};as=Table;v=v1;g=meta.k8s.io,${jsonType}`,
  `${jsonType};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`,
];
export const anyAccept = (random: Random): string => random.pick(accepted);

/** Creation or replacement of an object, status included; what would change the server only as a dry run. */
export function written(random: Random, { definition, collection, object }: Sample, contentType: string, body: Buffer): Omit<FuzzRequest, 'area'> {
  const query = new URLSearchParams();
  if (isConsequential(definition) || random.oneIn(4)) query.set('dryRun', 'All');
  if (random.oneIn(3)) query.set('fieldValidation', random.pick(['Strict', 'Warn', 'Ignore']));
  const replaces = definition.verbs.includes('update') && random.oneIn(2);
  const { name } = object['metadata'] as { name: string };
  const parts = Object.keys(definition.subresources ?? {});
  const part = replaces && parts.length > 0 && random.oneIn(4) ? `/${random.pick(parts)}` : '';
  const text = query.toString();
  return {
    method: replaces ? 'PUT' : 'POST',
    path: `${collection}${replaces ? `/${name}${part}` : ''}${text === '' ? '' : `?${text}`}`,
    headers: { 'content-type': contentType, accept: anyAccept(random), ...(random.oneIn(20) ? { 'content-encoding': 'gzip' } : {}) },
    body,
  };
}

const times = (random: Random): number => (random.oneIn(10) ? 0 : 1 + random.below(random.pick([1, 2, 6])));

const json: Area = (random) => {
  const sample = anyObject(random);
  const intact = structuredClone(sample.object);
  mutateValue(random, sample.object, times(random));
  let body: Buffer = Buffer.from(jsonText(random.oneIn(50) ? anyValue(random) : sample.object));
  if (random.oneIn(4)) body = mutateBytes(random, body, times(random));
  return written(random, { ...sample, object: intact }, jsonType, body);
};

const yaml: Area = (random) => {
  const sample = anyObject(random);
  const intact = structuredClone(sample.object);
  if (random.oneIn(2)) mutateValue(random, sample.object, times(random));
  const bomb = random.oneIn(100) ? `${Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : `*a${i - 1},`.repeat(9)}]`).join('\n')}\n` : '';
  // JSON first: what has no YAML form (numbers beyond the doubles, deep nesting) stays as JSON, which is YAML too.
  const text = random.oneIn(8) ? jsonText(sample.object) : yamlText(sample.object);
  return written(random, { ...sample, object: intact }, yamlType, mutateBytes(random, Buffer.from(bomb + text), times(random)));
};

function yamlText(value: unknown): string {
  try {
    return stringify(JSON.parse(jsonText(value)));
  } catch {
    return jsonText(value);
  }
}

const protobuf: Area = (random) => {
  const sample = anyObject(random);
  const { object, definition } = sample;
  const bytes = Buffer.from(encodeEnvelope(String(object['apiVersion']), String(object['kind']), structOf(definition.schema), object));
  return written(random, sample, protobufType, mutateBytes(random, bytes, times(random)));
};

const queryNames = [
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'resourceVersionMatch',
  'timeoutSeconds',
  'dryRun',
  'pretty',
  'fieldManager',
  'force',
  'fieldValidation',
  'propagationPolicy',
  'gracePeriodSeconds',
  'orphanDependents',
  'allowWatchBookmarks',
  'sendInitialEvents',
  'timeout',
  'hash',
  'verbose',
  'exclude',
  'container',
  'tailLines',
  'includeObject',
];
const continuation = (random: Random): string =>
  Buffer.from(random.pick(['{"v":"meta.k8s.io/v1","rv":1,"start":"a\\u0000"}', '{"v":"meta.k8s.io/v1","rv":-1,"start":"../"}', '{}', 'x'])).toString(
    'base64url',
  );

const segments = [
  'api',
  'apis',
  'v1',
  'apps',
  'batch',
  'namespaces',
  namespace,
  'default',
  'pods',
  'services',
  'configmaps',
  'secrets',
  'nodes',
  'deployments',
  'status',
  'scale',
  'log',
  'exec',
  'attach',
  'proxy',
  'eviction',
  'binding',
  'token',
  'finalize',
  'healthz',
  'livez',
  'readyz',
  'version',
  'openapi',
  'v2',
  'v3',
  'metrics',
  'logs',
  'debug',
  'pprof',
  '.well-known',
  'openid-configuration',
  'watch',
  'a',
  'b',
];

const url: Area = (random) => {
  let path: string;
  if (random.oneIn(3)) path = `/${Array.from({ length: random.below(9) }, () => (random.oneIn(6) ? anyText(random) : random.pick(segments))).join('/')}`;
  else {
    const { definition, collection, object } = anyObject(random);
    const parts = Object.keys(definition.subresources ?? {});
    path = random.oneIn(3) ? collection : `${collection}/${(object['metadata'] as { name: string }).name}`;
    if (parts.length > 0 && random.oneIn(3)) path += `/${random.pick(parts)}`;
    if (random.oneIn(4)) path = mutateBytes(random, Buffer.from(path), 1).toString('latin1');
    if (random.oneIn(8)) path = `/${path}`;
  }
  const query = Array.from({ length: random.below(4) }, () => {
    const value = random.oneIn(10) ? continuation(random) : anyText(random).slice(0, 3000);
    return `${random.oneIn(10) ? anyKey(random).slice(0, 100) : random.pick(queryNames)}=${random.oneIn(4) ? value : encodeURIComponent(value.toWellFormed())}`;
  });
  if (random.oneIn(6)) query.push('watch=1', 'timeoutSeconds=1');
  const method = random.oneIn(3) ? random.pick(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'FOO']) : 'GET';
  const whole = `${path.startsWith('/') ? '' : '/'}${path}${query.length > 0 ? `?${query.join('&')}` : ''}`;
  // What would take the ground from under the others: a namespace's end, the server's own switches.
  const dangerous =
    method !== 'GET' && method !== 'HEAD' && /namespaces(?:\/[^/]*)?(?:\?|$)|admission|apireg|flowcontrol|apiext|finalize|serviceaccounts/i.test(whole);
  return { method: dangerous ? 'GET' : method, path: whole, headers: { accept: anyAccept(random) } };
};

const headerValues = [
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=Table;v=v1beta1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io',
  'application/json;q=0',
  'text/html',
  '*/*;q=2',
  ';;;',
  'application/json;as=Tabel;v=v1;g=meta.k8s.io',
  'application/json;stream=watch',
  'gzip',
  'gzip, deflate;q=0.5',
  'br',
  'identity;q=0',
  'application/yaml; charset=utf-16',
  'application/strategic-merge-patch+json',
  'application/cbor',
  'Bearer ',
  'Bearer a.b.c',
  'Basic YTpi',
  'Negotiate',
  '"etag"',
  'system:masters',
  'chunked',
];
const headerNames = [
  'accept',
  'accept-encoding',
  'content-type',
  'content-encoding',
  'authorization',
  'user-agent',
  'if-none-match',
  'if-match',
  'if-modified-since',
  'impersonate-user',
  'impersonate-group',
  'impersonate-uid',
  'impersonate-extra-a%',
  'impersonate-extra-',
  'x-forwarded-for',
  'x-remote-user',
  'audit-id',
  'traceparent',
  'range',
  'expect',
  'x-stream-protocol-version',
  'sec-websocket-key',
];

const inheritedHeaders = ['__proto__', 'constructor', 'tostring', 'impersonate-extra-__proto__', 'impersonate-extra-constructor'];

const headers: Area = (random) => {
  const base = random.oneIn(2) ? json(random) : url(random);
  for (let i = 0; i <= random.below(4); i++) {
    const value = random.oneIn(3) ? anyText(random) : random.pick(headerValues);
    // What HTTP itself forbids no client library sends.
    const name = random.oneIn(10) ? random.pick(inheritedHeaders) : random.pick(headerNames);
    base.headers[name] = value.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').trim();
  }
  if (base.body && random.oneIn(3)) {
    base.headers['content-encoding'] = 'gzip';
    base.body = mutateBytes(random, gzipSync(base.body), random.below(2));
  }
  return base;
};

/** Deletion, so that the others begin anew now and then. */
const deletion: Area = (random) => {
  const { definition, collection } = anyObject(random);
  const dryRun = isConsequential(definition) ? '&dryRun=All' : '';
  // Without the account `default` every pod waits for it.
  const whole =
    random.oneIn(3) &&
    !isConsequential(definition) &&
    definition.kind !== 'ServiceAccount' &&
    definition.namespaced &&
    definition.verbs.includes('deletecollection');
  const options = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, ...(random.oneIn(4) ? { preconditions: { uid: anyText(random) } } : {}) };
  if (random.oneIn(4)) mutateValue(random, options, 1);
  const path = whole ? collection : `${collection}/${anyName(random)}`;
  return {
    method: 'DELETE',
    path: `${path}?gracePeriodSeconds=0${dryRun}`,
    headers: { 'content-type': jsonType, accept: jsonType },
    body: Buffer.from(jsonText(options)),
  };
};

export const areas: Readonly<Record<string, Area>> = {
  url,
  headers,
  json,
  yaml,
  protobuf,
  patch: (random) => patchRequest(random),
  cel: (random) => celRequest(random),
  deletion,
};

export function anyRequest(random: Random): FuzzRequest {
  const area = random.pick(Object.keys(areas));
  return { area, ...(areas[area] as Area)(random) };
}

export { celExpression, collectionOf };
