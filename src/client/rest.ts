/** The client: typed verbs as HTTP requests over any transport. */
import { structOfKind } from '../api/schema.ts';
import { type Status, StatusError } from '../apimachinery/errors.ts';
import { apiVersionOf, type KubeList, type KubeObject } from '../apimachinery/meta.ts';
import { hideNulls } from '../apimachinery/nil.ts';
import type { Client, DeleteQuery, ListQuery, PatchType, ResourceClient, ResourceRef, WatchEvent, WriteQuery } from './client.ts';
import { resourcePath, withQuery } from './paths.ts';
import { requestDurations, requestSizes, requestsTotal } from './restmetrics.ts';
import { requestWithRetry } from './retrying.ts';
import { readBody, type Transport, type TransportRequest, type TransportResponse } from './transport.ts';
import { decodeLines, textWithoutManagedFields } from './watchstream.ts';

export interface ClientOptions {
  /** `User-Agent`; the server derives the field manager from its first part when none is given. */
  userAgent?: string;
  /** `fieldManager` of every write that does not name one. */
  fieldManager?: string;
  /** Called with the text of each `Warning:` header. */
  onWarning?(text: string): void;
}

const patchContentTypes: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** Of transports that need no network. */
const inProcess = 'in-process';

/** A server that does not know the form answers with the whole object. */
const metadataForm = (form: string): string => `application/json;as=${form};g=meta.k8s.io;v=v1,application/json`;

type Method = TransportRequest['method'];

interface Call {
  method: Method;
  path: string;
  body?: unknown;
  contentType?: string;
  accept?: string;
  signal?: AbortSignal;
}

/** Makes a client. It owns the transport: `close` closes it. */
export function createClient(transport: Transport, options: ClientOptions = {}): Client {
  const userAgent = options.userAgent ?? `knarr/v1.36 (${process.platform}/${process.arch})`;

  async function send({ method, path, body, contentType, accept = 'application/json', signal }: Call): Promise<TransportResponse> {
    const headers: Record<string, string> = { accept, 'user-agent': userAgent };
    const request: TransportRequest = { method, path, headers, ...(signal ? { signal } : {}) };
    if (body !== undefined) {
      headers['content-type'] = contentType ?? 'application/json';
      request.body = Buffer.from(JSON.stringify(body), 'utf8');
    }
    const started = performance.now();
    const host = transport.host ?? inProcess;
    let code = '<error>';
    let response: TransportResponse;
    try {
      response = await requestWithRetry(transport, request);
      code = String(response.status);
    } finally {
      requestsTotal.add(1, code, host, method);
      requestDurations.observe((performance.now() - started) / 1000, host, method);
      requestSizes.observe(request.body?.byteLength ?? 0, host, method);
    }
    if (options.onWarning && response.headers['warning'] !== undefined) warningsOf(response.headers['warning']).forEach(options.onWarning);
    if (response.status >= 200 && response.status < 300) return response;
    throw await statusErrorOf(response, request);
  }

  async function call<R>(request: Call): Promise<R> {
    const text = (await readBody(await send(request))).toString('utf8');
    return (text === '' ? undefined : JSON.parse(text)) as R;
  }

  const manager = options.fieldManager;
  return {
    resource: (ref) => resourceClient(ref, { call, send, manager }),
    async raw(method, path, body) {
      const response = await send({ method, path, body });
      const text = (await readBody(response)).toString('utf8');
      return isJson(response) && text !== '' ? JSON.parse(text) : text;
    },
    close: () => transport.close(),
  };
}

interface Calls {
  call<R>(request: Call): Promise<R>;
  send(request: Call): Promise<TransportResponse>;
  manager: string | undefined;
}

function resourceClient<T extends KubeObject>(ref: ResourceRef<T>, { call, send, manager }: Calls): ResourceClient<T> {
  const typeMeta = { apiVersion: apiVersionOf(ref.group, ref.version), kind: ref.kind };
  const typed = (object: T): T => (object.apiVersion && object.kind ? object : { ...typeMeta, ...object, ...typeMeta });
  const one = ref.metadataOnly ? { accept: metadataForm('PartialObjectMetadata') } : {};
  const many = ref.metadataOnly ? { accept: metadataForm('PartialObjectMetadataList') } : {};
  const named = (namespace: string, name: string, subresource = ''): string => {
    if (name === '') throw new Error('resource name may not be empty');
    return resourcePath(ref, namespace, name, subresource);
  };
  const writeQuery = ({ dryRun, fieldManager = manager, fieldValidation }: WriteQuery = {}) => ({
    dryRun: dryRun ? 'All' : undefined,
    fieldManager,
    fieldValidation,
  });
  // Of custom resources nothing is known.
  const struct = ref.metadataOnly ? undefined : structOfKind(typeMeta.apiVersion, ref.kind);
  const read = <O extends KubeObject>(object: O): O => {
    if (struct && object) hideNulls(struct, object);
    return object;
  };
  const callOne = async (request: Call): Promise<T> => read(await call<T>(request));
  const put = async (object: T, query: WriteQuery | undefined, subresource: string): Promise<T> => {
    const { namespace = '', name } = object.metadata;
    return callOne({ method: 'PUT', path: withQuery(named(namespace, name, subresource), writeQuery(query)), body: typed(object) });
  };

  return {
    ref,
    get: async (namespace, name, query = {}) => callOne({ method: 'GET', path: withQuery(named(namespace, name), { ...query }), ...one }),
    async list(namespace, query = {}) {
      const list = await call<KubeList<T>>({ method: 'GET', path: withQuery(resourcePath(ref, namespace), listQuery(query)), ...many });
      // Upstream writes an empty list of metadata as null.
      return { ...list, items: list.items?.map(read) ?? [] };
    },
    create: (object, query) =>
      callOne({ method: 'POST', path: withQuery(resourcePath(ref, object.metadata.namespace ?? ''), writeQuery(query)), body: typed(object) }),
    update: (object, query) => put(object, query, ''),
    updateStatus: (object, query) => put(object, query, 'status'),
    patch: async (namespace, name, type, patch, query = {}) =>
      callOne({
        method: 'PATCH',
        path: withQuery(named(namespace, name, query.subresource), { ...writeQuery(query), force: query.force }),
        body: type === 'apply' ? { ...typeMeta, ...(patch as object) } : patch,
        contentType: patchContentTypes[type],
      }),
    delete: async (namespace, name, query) => call<KubeObject>({ method: 'DELETE', path: named(namespace, name), body: deleteOptions(query) }),
    deleteCollection: async (namespace, query = {}) => {
      await call({ method: 'DELETE', path: withQuery(resourcePath(ref, namespace), listQuery(query)), body: deleteOptions(query) });
    },
    watch: (namespace, query, signal) => {
      const { allowWatchBookmarks, sendInitialEvents, timeoutSeconds, withoutManagedFields } = query;
      const parameters = { watch: true, ...listQuery(query), allowWatchBookmarks, sendInitialEvents, timeoutSeconds };
      return watchEvents<T>(
        () => send({ method: 'GET', path: withQuery(resourcePath(ref, namespace), parameters), signal, ...one }),
        signal,
        read,
        withoutManagedFields,
      );
    },
    subresource: async (method, namespace, name, subresource, body, query) =>
      call({ method, path: withQuery(named(namespace, name, subresource), method === 'GET' ? {} : writeQuery(query)), body }),
  };
}

const listQuery = ({ labelSelector, fieldSelector, resourceVersion, resourceVersionMatch, limit, continue: token }: ListQuery) => ({
  labelSelector,
  fieldSelector,
  resourceVersion,
  resourceVersionMatch,
  limit,
  continue: token,
});

function deleteOptions({ gracePeriodSeconds, propagationPolicy, preconditions, dryRun }: DeleteQuery = {}): object {
  return { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, propagationPolicy, preconditions, ...(dryRun ? { dryRun: ['All'] } : {}) };
}

async function* watchEvents<T extends KubeObject>(
  open: () => Promise<TransportResponse>,
  signal: AbortSignal,
  read: (object: T) => T,
  withoutManagedFields = false,
): AsyncGenerator<WatchEvent<T>> {
  try {
    if (signal.aborted) return;
    const response = await open();
    for await (const event of decodeLines<WatchEvent<T>>(response.body, withoutManagedFields ? textWithoutManagedFields : undefined)) {
      if (event.type === 'ERROR') throw StatusError.from({ code: 500, ...(event.object as Partial<Status>) });
      read(event.object);
      yield event;
      if (signal.aborted) return;
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
}

const isJson = (response: TransportResponse): boolean => /\bjson\b/.test(response.headers['content-type'] ?? '');

/** What client-go makes of an answer without a `Status` in it. */
async function statusErrorOf(response: TransportResponse, { method, path }: TransportRequest): Promise<StatusError> {
  const text = (await readBody(response)).toString('utf8');
  if (isJson(response)) {
    const status = JSON.parse(text) as Partial<Status>;
    if (status.kind === 'Status') return StatusError.from({ ...status, code: status.code ?? response.status });
  }
  const reason = genericReasons[response.status] ?? '';
  const retryAfter = Number(response.headers['retry-after'] ?? '');
  const details = {
    causes: [{ reason: 'UnexpectedServerResponse', message: text.slice(0, 2_048) || 'unknown' }],
    ...(retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {}),
  };
  const message = text.trim() !== '' ? text.trim().slice(0, 2_048) : `the server responded with the status code ${response.status} (${method} ${path})`;
  return new StatusError(response.status, reason, message, details);
}

const genericReasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The quoted texts of a `Warning` header: `299 - "one", 299 - "two"` (RFC 7234, 5.5). */
function warningsOf(header: string): string[] {
  return [...header.matchAll(/\d{3} \S+ ("(?:[^"\\]|\\.)*")/g)].map(([, quoted]) => quoted!.slice(1, -1).replace(/\\(.)/g, '$1'));
}
