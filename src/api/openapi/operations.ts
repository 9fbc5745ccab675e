/** Which operations a kind's resource serves, at which paths: neutral between the two versions of OpenAPI. */
import type { KindDefinition } from '../kind.ts';
import { structOfKind } from '../schema.ts';
import { refNames } from './names.ts';
import type { Json } from './schemas.ts';

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  type: 'string' | 'integer' | 'boolean';
  description: string;
}

export type Method = 'get' | 'put' | 'post' | 'patch' | 'delete';

export interface Operation {
  id: string;
  action: string;
  description: string;
  gvk: Json;
  parameters: readonly Parameter[];
  /** Names of types in the document. */
  body?: string;
  isPatch?: boolean;
  response?: string;
  codes: readonly number[];
}

export interface Path {
  path: string;
  parameters: readonly Parameter[];
  operations: Partial<Record<Method, Operation>>;
}

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({ name, in: 'query', type, description });
const inPath = (name: string, description: string): Parameter => ({ name, in: 'path', type: 'string', description });

const pretty = query('pretty', 'string', 'If true, the answer is indented.');
const dryRun = query('dryRun', 'string', 'With All, everything is done but storing the result.');
const fieldManager = query('fieldManager', 'string', 'Who sets the fields of this request. Required when applying.');
const fieldValidation = query('fieldValidation', 'string', 'What unknown and duplicate fields mean: Ignore, Warn or Strict.');
const force = query('force', 'boolean', 'When applying, takes fields that others own.');
const writeParameters = [dryRun, fieldManager, fieldValidation];
const deleteParameters = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'Seconds until the object is removed; 0 removes it at once.'),
  query('ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean', 'Removes an object that can not be read.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'What becomes of dependents: Orphan, Background or Foreground.'),
];
const selectionParameters = [
  query('continue', 'string', 'Where the previous page of the list ended.'),
  query('fieldSelector', 'string', 'Restricts the list to objects with these fields.'),
  query('labelSelector', 'string', 'Restricts the list to objects with these labels.'),
  query('limit', 'integer', 'The most objects of one page.'),
  query('resourceVersion', 'string', 'The state to answer from.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('sendInitialEvents', 'boolean', 'With watch, begins with an event for each object that exists.'),
  query('timeoutSeconds', 'integer', 'Ends the call after that time.'),
];
const listParameters = [
  query('allowWatchBookmarks', 'boolean', 'With watch, events of type BOOKMARK may be sent.'),
  ...selectionParameters,
  query('watch', 'boolean', 'Answers with changes as they happen.'),
];

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `rbac.authorization.k8s.io` + `v1` → `RbacAuthorizationV1` */
function groupId({ group, version }: KindDefinition): string {
  const name = group === '' ? 'core' : group.replace(/\.k8s\.io$/, '');
  return name.split(/[.-]/).map(capitalized).join('') + capitalized(version);
}

const basePath = ({ group, version }: KindDefinition): string => (group === '' ? `/api/${version}` : `/apis/${group}/${version}`);

/** Every path of the kind. */
export function pathsOf(definition: KindDefinition): Path[] {
  const { kind, plural, namespaced, verbs, virtual } = definition;
  const { object, list } = refNames(definition);
  const gvk = { group: definition.group, kind, version: definition.version };
  const id = groupId(definition);
  const scope = namespaced ? 'Namespaced' : '';
  const namespace = namespaced ? [inPath('namespace', 'The namespace of the object.')] : [];
  const base = basePath(definition);
  const collection = `${base}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
  const can = (verb: string): boolean => (verbs as readonly string[]).includes(verb);
  const common = { gvk };
  const listing = (suffix: string): Operation => ({
    ...common,
    id: `list${id}${suffix}`,
    action: 'list',
    description: `list or watch objects of kind ${kind}`,
    parameters: listParameters,
    response: list,
    codes: [200],
  });

  const whole: Path = { path: collection, parameters: [...namespace, pretty], operations: {} };
  if (can('list')) whole.operations.get = listing(`${scope}${kind}`);
  if (can('create')) {
    whole.operations.post = {
      ...common,
      id: `create${id}${scope}${kind}`,
      action: 'post',
      description: `create a ${kind}`,
      parameters: writeParameters,
      body: object,
      response: object,
      codes: [200, 201, 202],
    };
  }
  if (can('deletecollection')) {
    whole.operations.delete = {
      ...common,
      id: `delete${id}Collection${scope}${kind}`,
      action: 'deletecollection',
      description: `delete collection of ${kind}`,
      parameters: [...deleteParameters, ...selectionParameters],
      body: deleteOptions,
      response: status,
      codes: [200],
    };
  }
  const paths = [whole];
  if (namespaced && can('list')) {
    paths.push({ path: `${base}/${plural}`, parameters: [pretty], operations: { get: listing(`${kind}ForAllNamespaces`) } });
  }
  if (virtual) return paths;
  const itemParameters = [inPath('name', `The name of the ${kind}.`), ...namespace, pretty];
  const item = itemPath(`${collection}/{name}`, itemParameters, { ...common, id: `${id}${scope}${kind}`, kind, object, can });
  if (Object.keys(item.operations).length > 0) paths.push(item);
  return [...paths, ...subresourcePaths(definition, `${collection}/{name}`, itemParameters, `${id}${scope}${kind}`, gvk, object)];
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const deleteOptions = `${meta}.DeleteOptions`;
const status = `${meta}.Status`;

interface Item {
  gvk: Json;
  /** What operation ids end with. */
  id: string;
  kind: string;
  object: string;
  can(verb: string): boolean;
  /** `status of the` */
  part?: string;
}

function itemPath(path: string, parameters: readonly Parameter[], { gvk, id, kind, object, can, part = '' }: Item): Path {
  const operations: Path['operations'] = {};
  const about = `${part}the specified ${kind}`;
  if (can('get')) operations.get = { gvk, id: `read${id}`, action: 'get', description: `read ${about}`, parameters: [], response: object, codes: [200] };
  if (can('update')) {
    operations.put = {
      gvk,
      id: `replace${id}`,
      action: 'put',
      description: `replace ${about}`,
      parameters: writeParameters,
      body: object,
      response: object,
      codes: [200, 201],
    };
  }
  if (can('patch')) {
    operations.patch = {
      gvk,
      id: `patch${id}`,
      action: 'patch',
      description: `partially update ${about}`,
      parameters: [...writeParameters, force],
      isPatch: true,
      response: object,
      codes: [200, 201],
    };
  }
  if (can('delete')) {
    operations.delete = {
      gvk,
      id: `delete${id}`,
      action: 'delete',
      description: `delete a ${kind}`,
      parameters: deleteParameters,
      body: deleteOptions,
      response: status,
      codes: [200, 202],
    };
  }
  return { path, parameters, operations };
}

function subresourcePaths(
  { kind, subresources = {} }: KindDefinition,
  itemAt: string,
  parameters: readonly Parameter[],
  id: string,
  gvk: Json,
  object: string,
): Path[] {
  return Object.entries(subresources).map(([name, subresource]) => {
    const path = `${itemAt}/${name}`;
    const part = `${name} of `;
    const ownId = `${id}${capitalized(name)}`;
    if (subresource.type === 'object') {
      return itemPath(path, parameters, { gvk, id: ownId, kind, object, part, can: (verb) => (subresource.verbs as readonly string[]).includes(verb) });
    }
    if (subresource.type === 'scale') {
      const scale = { group: 'autoscaling', kind: 'Scale', version: 'v1' };
      return itemPath(path, parameters, {
        gvk: scale,
        id: ownId,
        kind,
        object: 'io.k8s.api.autoscaling.v1.Scale',
        part,
        can: (verb) => ['get', 'patch', 'update'].includes(verb),
      });
    }
    return customPath(path, parameters, ownId, name, subresource.verbs, subresource.responseKind);
  });
}

const verbIds: Readonly<Record<string, string>> = { get: 'read', update: 'replace' };
const methodOf: Readonly<Record<string, Method>> = { create: 'post', get: 'get', update: 'put', patch: 'patch', delete: 'delete' };

function customPath(
  path: string,
  parameters: readonly Parameter[],
  id: string,
  name: string,
  verbs: readonly string[],
  { group, version, kind }: { group: string; version: string; kind: string },
): Path {
  const struct = structOfKind(group === '' ? version : `${group}/${version}`, kind);
  const gvk = { group, kind, version };
  // `CoreV1NamespacedPodExec`: the method of a connection stands after the version.
  const [, prefix = '', rest = id] = /^(.*?V\d+(?:[A-Z]?[a-z]+\d+)?)(.*)$/.exec(id) ?? [];
  const operations: Path['operations'] = {};
  for (const verb of verbs) {
    const method = methodOf[verb];
    if (method === undefined) continue;
    const connects = struct === undefined || kind.endsWith('Options');
    const operation: Operation = {
      id: connects ? `connect${prefix}${capitalized(method)}${rest}` : `${verbIds[verb] ?? verb}${id}`,
      action: connects ? 'connect' : method,
      description: `${verb} ${name}`,
      gvk,
      parameters: connects || verb === 'get' ? [] : verb === 'patch' ? [...writeParameters, force] : writeParameters,
      codes: verb === 'create' ? [200, 201, 202] : [200],
    };
    if (!connects && struct) {
      operation.response = struct.name;
      if (verb === 'patch') operation.isPatch = true;
      else if (verb !== 'get') operation.body = struct.name;
    }
    operations[method] = operation;
  }
  return { path, parameters, operations };
}
