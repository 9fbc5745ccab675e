/** Runs the cases of a file against a server and gives its answers in the form that is kept. */
import { parse } from 'yaml';
import { changed, type Json, type JsonObject, type Plan, type RequestSpec, valueAt } from './format.ts';
import { Normaliser } from './normalise.ts';
import type { Received, Send } from './send.ts';

/** One answer as it is kept. Of a failure reason, message, details; of anything else the object. */
export interface Answer {
  code: number;
  reason?: string;
  message?: string;
  details?: JsonObject;
  warnings?: string[];
  /** When it isn't plain JSON. */
  type?: string;
  object?: Json;
  /** Causes came in another order when asked again. */
  anyOrder?: true;
}

export interface CaseAnswer {
  name: string;
  answers: Answer[];
}

const contentTypes: Record<string, string> = {
  json: 'application/json',
  yaml: 'application/yaml',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
  jsonpatch: 'application/json-patch+json',
  table: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  partial: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  partiallist: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
};

/** The same on every server, whoever the recorder or the test is there. */
const administrator = { user: 'corpus', groups: ['system:masters'] };

export interface RunOptions {
  send: Send;
  /** How long caches of the server take, milliseconds; 0 for one whose caches don't lag. */
  settle?: number;
}

export class Runner {
  private readonly send: Send;
  private readonly settle: number;
  private readonly kinds = new Map<string, Promise<Map<string, { name: string; namespaced: boolean }>>>();

  constructor({ send, settle = 0 }: RunOptions) {
    this.send = send;
    this.settle = settle;
  }

  /** In order; `done` hears of each case as it ends. Throws when a request of a setup fails. */
  async run(setup: readonly RequestSpec[], plans: readonly Plan[], done: (answer: CaseAnswer) => void, times = 1): Promise<void> {
    const namespace = await this.namespace();
    const made: string[] = [];
    const everywhere = new Scope(namespace);
    try {
      for (const request of setup) await this.prepare(request, everywhere, made, 'setup of the file');
      for (const plan of plans) for (let time = 0; time < times; time++) done(await this.runCase(plan, namespace));
    } finally {
      await this.clean(made);
      await this.deleteNamespace(namespace);
    }
  }

  private async runCase(plan: Plan, shared: string): Promise<CaseAnswer> {
    const namespace = plan.fresh ? await this.namespace() : shared;
    const scope = new Scope(namespace);
    if (plan.base) [scope.collection, scope.object] = await this.paths(plan.base, scope);
    const made: string[] = [];
    const answers: Answer[] = [];
    try {
      for (const request of plan.setup) await this.prepare(request, scope, made, plan.name);
      for (const request of plan.compared) answers.push(this.answerOf(await this.ask(request, scope, made), scope));
    } finally {
      await this.clean(made);
      if (plan.fresh) await this.deleteNamespace(namespace);
    }
    return { name: plan.name, answers };
  }

  private async prepare(request: RequestSpec, scope: Scope, made: string[], title: string): Promise<void> {
    const { status, text } = await this.ask(request, scope, made);
    // What is waited for may be a refusal.
    if (status >= 300 && !request.until)
      throw new Error(`${title}: ${request.method ?? 'POST'} ${request.path ?? ''} of the setup got ${status}: ${text.slice(0, 500)}`);
  }

  private async ask(spec: RequestSpec, scope: Scope, made: string[]): Promise<Received> {
    let path = spec.path ?? '';
    if (spec.create) path = (await this.paths(spec.create, scope))[0];
    if (spec.create && spec.sub) path += `/${(spec.create['metadata'] as JsonObject)['name']}/${spec.sub}`;
    if (spec.query) path += `?${spec.query}`;
    let body: Json | undefined = spec.create ?? spec.body;
    scope.normaliser.addSent(JSON.stringify([path, body ?? null, spec.with ?? null, spec.set ?? null]));
    if (spec.from !== undefined) body = changed(scope.answers[spec.from - 1] as JsonObject, scope.fillAll({ with: spec.with ?? {}, set: spec.set ?? {} }));
    const method = spec.method ?? 'POST';
    const as = spec.as ?? administrator;
    const groups = as.groups ?? [];
    const type = spec.contentType ?? (method === 'PATCH' ? 'strategic' : 'json');
    const text = body === undefined ? undefined : scope.fill(typeof body === 'string' ? body : JSON.stringify(body));
    const request = {
      method,
      path: scope.fill(path),
      headers: {
        'user-agent': 'corpus/1.0',
        'impersonate-user': as.user,
        ...(groups.length > 0 ? { 'impersonate-group': groups as unknown as string } : {}),
        accept: contentTypes[spec.accept ?? 'json'] ?? (spec.accept as string),
        ...(text === undefined ? {} : { 'content-type': contentTypes[type] ?? type }),
        ...spec.headers,
      },
      ...(text === undefined ? {} : { body: text }),
      ...(spec.events === undefined ? {} : { events: spec.events }),
    };
    let received = await this.send(request);
    for (let wait = 0; spec.until && wait < 200 && !matches(received.text, spec.until); wait++) {
      await pause(50);
      received = await this.send(request);
    }
    const answered = bodyOf(received) as JsonObject;
    scope.answers.push(answered);
    const metadata = (answered?.['metadata'] ?? {}) as JsonObject;
    if (received.status === 201 && metadata['uid'] && !request.path.includes('dryRun')) {
      const [place] = request.path.split('?') as [string];
      if (method === 'POST' && !isSubresource(place)) made.push(`${place}/${metadata['name']}`);
      else if (method !== 'POST') made.push(place);
    }
    if (spec.settle && this.settle > 0) await pause(this.settle);
    return received;
  }

  private answerOf(received: Received, scope: Scope): Answer {
    const { status: code, headers } = received;
    const type = headers['content-type'] ?? '';
    const warnings = warningsOf(headers['warning']).map((warning) => scope.normaliser.apply(warning) as string);
    const common = { ...(warnings.length > 0 ? { warnings } : {}), ...(type === 'application/json' ? {} : { type }) };
    const body = scope.normaliser.apply(bodyOf(received)) as JsonObject;
    if (body?.['kind'] !== 'Status' || body['status'] === 'Success') return { code, ...common, object: body };
    const { reason, message, details } = body as { reason?: string; message?: string; details?: JsonObject };
    return { code, ...(reason ? { reason } : {}), ...(message ? { message } : {}), ...(details ? { details } : {}), ...common };
  }

  /** Of the collection that an object belongs to, and of it, with placeholders. */
  private async paths(object: JsonObject, scope: Scope): Promise<[collection: string, object: string]> {
    const version = String(object['apiVersion']);
    const base = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
    const found = (await this.kindsOf(scope.fill(base))).get(String(object['kind']));
    if (!found) throw new Error(`the server has no ${version} ${object['kind']}`);
    const metadata = (object['metadata'] ?? {}) as JsonObject;
    const collection = found.namespaced ? `${base}/namespaces/${metadata['namespace'] ?? '{ns}'}/${found.name}` : `${base}/${found.name}`;
    return [collection, `${collection}/${metadata['name']}`];
  }

  private kindsOf(base: string): Promise<Map<string, { name: string; namespaced: boolean }>> {
    const known = this.kinds.get(base);
    if (known) return known;
    const asked = this.send({ method: 'GET', path: base, headers: { accept: 'application/json' } }).then(({ status, text }) => {
      // A group that a case itself brings in may be there later.
      if (status !== 200) this.kinds.delete(base);
      const resources = (status === 200 ? JSON.parse(text).resources : []) as { kind: string; name: string; namespaced: boolean }[];
      return new Map(resources.filter(({ name }) => !name.includes('/')).map((resource) => [resource.kind, resource]));
    });
    this.kinds.set(base, asked);
    return asked;
  }

  private async namespace(): Promise<string> {
    const name = `corpus-${Math.random().toString(36).slice(2, 10).padEnd(8, '0')}`;
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    await this.must('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await this.must('POST', `/api/v1/namespaces/${name}/serviceaccounts`, account);
    return name;
  }

  /** No controller empties namespaces here; what cases made is gone already. */
  private async deleteNamespace(name: string): Promise<void> {
    const path = `/api/v1/namespaces/${name}`;
    await this.plain('DELETE', path);
    await this.finalizeNamespace(path);
  }

  private finalizeNamespace(path: string): Promise<Received> {
    return this.plain('PUT', `${path}/finalize`, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: path.split('/').at(-1) }, spec: { finalizers: [] } });
  }

  private async clean(made: string[]): Promise<void> {
    for (const path of made.reverse()) {
      const { status, text } = await this.plain('DELETE', path, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds: 0,
        propagationPolicy: 'Background',
      });
      if (/^\/api\/v1\/namespaces\/[^/]+$/.test(path)) await this.finalizeNamespace(path);
      if (status === 404 || !text.includes('"finalizers"')) continue;
      await this.plain('PATCH', path, { metadata: { finalizers: null } });
    }
  }

  private plain(method: string, path: string, body?: object): Promise<Received> {
    const type = method === 'PATCH' ? contentTypes['merge'] : 'application/json';
    return this.send({
      method,
      path,
      headers: { accept: 'application/json', ...(body ? { 'content-type': type as string } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  }

  private async must(method: string, path: string, body: object): Promise<void> {
    const { status, text } = await this.plain(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 300)}`);
  }
}

/** What the requests of a case know of each other. */
class Scope {
  readonly answers: JsonObject[] = [];
  collection = '';
  object = '';
  readonly namespace: string;
  readonly normaliser: Normaliser;

  constructor(namespace: string) {
    this.namespace = namespace;
    this.normaliser = new Normaliser(namespace);
  }

  /** Placeholders replaced. Throws on one that names an answer without such a value. */
  fill(text: string): string {
    return text
      .replaceAll('{collection}', this.collection)
      .replaceAll('{object}', this.object)
      .replaceAll(/\{\$(\d+)\.([^}]+)\}/g, (whole, index, path) => {
        const value = valueAt(this.answers[Number(index) - 1], path);
        if (value === undefined || value === null) throw new Error(`${whole}: no such value`);
        return String(value);
      })
      .replaceAll('{ns}', this.namespace);
  }

  fillAll<T>(value: T): T {
    return JSON.parse(this.fill(JSON.stringify(value)));
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const subresources = /\/(status|scale|binding|bindings|eviction|token|resize|ephemeralcontainers|approval|finalize)$/;
const isSubresource = (path: string): boolean => subresources.test(path) && !path.endsWith('clusterrolebindings') && !path.endsWith('rolebindings');

function matches(text: string, wanted: JsonObject): boolean {
  // What is not there yet is answered with a text.
  if (!text.startsWith('{')) return false;
  const body = JSON.parse(text);
  return Object.entries(wanted).every(([path, value]) => JSON.stringify(valueAt(body, path)) === JSON.stringify(value));
}

/** JSON as it is, YAML read, a watch as a list of its events, anything else as text. */
function bodyOf({ headers, text }: Received): Json {
  const type = headers['content-type'] ?? '';
  if (type.startsWith('application/yaml')) return parse(text);
  if (!type.startsWith('application/json') || text === '') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }
}

function warningsOf(header: string | string[] | undefined): string[] {
  return [header ?? []].flat().flatMap((line) => [...line.matchAll(/299 - ("(?:[^"\\]|\\.)*")/g)].map((match) => JSON.parse(match[1] as string) as string));
}
