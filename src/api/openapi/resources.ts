/** The operations that a kind's resource serves, at the paths where it does. */
import { apiVersionOf } from '../../apimachinery/meta.ts';
import type { CustomSubresource, KindDefinition, Subresource } from '../kind.ts';
import { structOfKind } from '../schema.ts';
import { refNames } from './names.ts';
import { capitalized, groupId, groupTag, jsonTypes, type Method, mediaTypes, type Operation, type Path, pathOf } from './operations.ts';
import { nameParameter, namespaceParameter, optionsOf, type Parameter, parametersOf, pathParameter, prettyParameter } from './parameters.ts';
import { type Json, patchType } from './schemas.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const deleteOptions = { type: `${meta}.DeleteOptions`, optional: true };
const status = `${meta}.Status`;
const watchEvent = `${meta}.WatchEvent`;
const scaleType = 'io.k8s.api.autoscaling.v1.Scale';

const streamTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];
const anyType = ['*/*'];

/** What all operations at a path have in common. */
interface Target {
  definition: KindDefinition;
  custom: boolean;
  /** Of the item, or of its part. */
  path: string;
  parameters: readonly Parameter[];
  /** What operation ids end with. */
  id: string;
  gvk: Json;
  /** The name of the type. */
  object: string;
  /** `status of ` */
  part: string;
}

const article = (kind: string): string => (/^[AEIOU]/i.test(kind) ? 'an' : 'a');

/** An operation of the target; `verb` begins its id, and its group and version follow. */
function operationOf(target: Target, verb: string, action: string, description: string, rest: Partial<Operation>, idMiddle = ''): Operation {
  const { definition, custom, id, gvk, parameters, object } = target;
  const { group, version } = definition;
  return {
    id: `${verb}${groupId(group)}${capitalized(version)}${idMiddle}${id}`,
    tag: `${groupTag(group)}_${version}`,
    description,
    action,
    gvk,
    consumes: custom ? jsonTypes : anyType,
    produces: custom ? jsonTypes : mediaTypes,
    response: object,
    codes: [200],
    ...rest,
    parameters: [...parameters, prettyParameter, ...(rest.parameters ?? [])],
  };
}

const create = (target: Target): Operation =>
  operationOf(target, 'create', 'post', `create ${target.part}${article(target.definition.kind)} ${target.definition.kind}`, {
    parameters: optionsOf('Create'),
    body: { type: target.object },
    codes: [200, 201, 202],
  });

const listTypes = ({ custom }: Target): string[] => (custom ? jsonTypes : [...mediaTypes, ...streamTypes]);

function listing(target: Target): Operation {
  const { definition, custom } = target;
  const doing = definition.verbs.includes('watch') && !custom ? 'list or watch' : 'list';
  return operationOf(target, 'list', 'list', `${doing} objects of kind ${definition.kind}`, {
    parameters: optionsOf('List'),
    produces: listTypes(target),
    response: refNames(definition).list,
  });
}

function deleteCollection(target: Target): Operation {
  const selection = optionsOf('List');
  return operationOf(
    target,
    'delete',
    'deletecollection',
    `delete collection of ${target.definition.kind}`,
    target.custom
      ? { parameters: selection, response: status }
      : {
          parameters: [...optionsOf('Delete'), ...selection.filter(({ name }) => name !== 'watch' && name !== 'allowWatchBookmarks')],
          body: deleteOptions,
          response: status,
        },
    'Collection',
  );
}

function itemOperations(target: Target, can: (verb: string) => boolean): Path['operations'] {
  const { definition, custom, object, part } = target;
  const about = `${part}the specified ${definition.kind}`;
  const operations: Path['operations'] = {};
  if (can('get')) operations.get = operationOf(target, 'read', 'get', `read ${about}`, { parameters: custom ? optionsOf('Get') : [] });
  if (can('update')) {
    const body = { type: object };
    operations.put = operationOf(target, 'replace', 'put', `replace ${about}`, { parameters: optionsOf('Update'), body, codes: [200, 201] });
  }
  if (can('patch')) {
    operations.patch = operationOf(target, 'patch', 'patch', `partially update ${about}`, {
      parameters: optionsOf('Patch'),
      body: { type: patchType },
      consumes: custom ? patchTypes : [...patchTypes, 'application/strategic-merge-patch+json'],
      codes: custom ? [200] : [200, 201],
    });
  }
  if (can('delete')) {
    operations.delete = operationOf(target, 'delete', 'delete', `delete ${article(definition.kind)} ${definition.kind}`, {
      parameters: optionsOf('Delete'),
      body: deleteOptions,
      response: definition.returnsDeletedObject ? object : status,
      codes: [200, 202],
    });
  }
  return operations;
}

/** The deprecated paths below `watch/`. */
function watching(target: Target, ofList: boolean): Operation {
  const { kind } = target.definition;
  const instead = "deprecated: use the 'watch' parameter with a list operation instead";
  return operationOf(
    target,
    'watch',
    ofList ? 'watchlist' : 'watch',
    ofList
      ? `watch individual changes to a list of ${kind}. ${instead}.`
      : `watch changes to an object of kind ${kind}. ${instead}, filtered to a single item with the 'fieldSelector' parameter.`,
    { parameters: optionsOf('List'), produces: listTypes(target), response: watchEvent },
  );
}

const scaleVerbs = ['get', 'patch', 'update'];

function subresourcePaths(item: Target, name: string, subresource: Subresource<any>): (Path | undefined)[] {
  const target = { ...item, path: `${item.path}/${name}`, id: item.id + capitalized(name), part: `${name} of ` };
  if (subresource.type === 'object')
    return [
      pathOf(
        target.path,
        itemOperations(target, (verb) => (subresource.verbs as readonly string[]).includes(verb)),
      ),
    ];
  if (subresource.type === 'scale') {
    const { parameters } = target;
    const scale = { ...target, object: scaleType };
    // Of custom resources the operations on their scales name the kind itself.
    if (!item.custom) Object.assign(scale, { gvk: { group: 'autoscaling', kind: 'Scale', version: 'v1' }, parameters: renamed(parameters, 'Scale') });
    return [
      pathOf(
        target.path,
        itemOperations(scale, (verb) => scaleVerbs.includes(verb)),
      ),
    ];
  }
  return handledPaths(target, subresource);
}

const renamed = (parameters: readonly Parameter[], kind: string): Parameter[] => parameters.map((one) => (one.name === 'name' ? nameParameter(kind) : one));

/** Subresources that a handler serves: connections, whose kind is their options, and kinds that are posted. */
function handledPaths(target: Target, { verbs, responseKind, query, producesText }: CustomSubresource): (Path | undefined)[] {
  const { group, version, kind } = responseKind;
  const struct = structOfKind(apiVersionOf(group, version), kind);
  if (!struct) return [];
  const handled = { ...target, gvk: { group, kind, version }, parameters: renamed(target.parameters, kind), object: struct.name };
  if (kind.endsWith('Options')) return connectPaths(handled, verbs, struct.name);
  const operations = itemOperations(handled, (verb) => verbs.includes(verb));
  if (verbs.includes('create')) operations.post = create(handled);
  if (operations.get && query !== undefined) {
    operations.get.parameters = [...operations.get.parameters, ...parametersOf(query)];
    if (producesText) {
      operations.get.produces = ['text/plain', ...operations.get.produces];
      delete operations.get.response;
    }
  }
  return [pathOf(target.path, operations)];
}

const methodOf: Readonly<Record<string, Method>> = { create: 'post', get: 'get', update: 'put', patch: 'patch', delete: 'delete' };

/** Who takes a path hands requests of any method on. */
function connectPaths(target: Target, verbs: readonly string[], options: string): (Path | undefined)[] {
  const query = parametersOf(options);
  const hasPath = query.some(({ name }) => name === 'path');
  const methods = verbs.flatMap((verb) => methodOf[verb] ?? []).concat(hasPath ? ['options', 'head'] : []);
  return (hasPath ? ['', '/{path}'] : ['']).map((suffix) => {
    const operations: Path['operations'] = {};
    for (const method of methods) {
      const { response: _, ...operation } = operationOf(
        { ...target, id: `${capitalized(method)}${target.id}${suffix && 'WithPath'}` },
        'connect',
        'connect',
        `connect ${method.toUpperCase()} requests to ${target.part}${target.definition.kind}`,
        { consumes: anyType, produces: anyType },
      );
      operations[method] = { ...operation, parameters: [...target.parameters, ...query, ...(suffix ? [pathParameter] : [])] };
    }
    return pathOf(`${target.path}${suffix}`, operations);
  });
}

/** Every path of the kind's resource. `custom`: it is a custom resource, of which less is said. */
export function resourcePaths(definition: KindDefinition, custom: boolean): Path[] {
  const { group, version, kind, plural, namespaced, verbs, virtual, subresources = {} } = definition;
  const can = (verb: string): boolean => (verbs as readonly string[]).includes(verb);
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const below = `${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`;
  const scope = namespaced ? [namespaceParameter] : [];
  const collection: Target = {
    definition,
    custom,
    path: `${root}/${below}`,
    parameters: scope,
    id: `${namespaced ? 'Namespaced' : ''}${kind}`,
    gvk: { group, kind, version },
    object: refNames(definition).object,
    part: '',
  };
  const everywhere: Target = { ...collection, path: `${root}/${plural}`, parameters: [], id: `${kind}ForAllNamespaces` };
  const item: Target = { ...collection, path: `${collection.path}/{name}`, parameters: [...scope, nameParameter(kind)] };
  const paths = [
    pathOf(collection.path, {
      ...(can('list') ? { get: listing(collection) } : {}),
      ...(can('create') ? { post: create(collection) } : {}),
      ...(can('deletecollection') ? { delete: deleteCollection(collection) } : {}),
    }),
    namespaced && can('list') ? pathOf(everywhere.path, { get: listing(everywhere) }) : undefined,
  ];
  if (!virtual) paths.push(pathOf(item.path, itemOperations(item, can)));
  for (const [name, subresource] of Object.entries(subresources)) paths.push(...subresourcePaths(item, name, subresource));
  if (can('watch') && !custom) {
    const listId = `${collection.id}List`;
    paths.push(pathOf(`${root}/watch/${below}`, { get: watching({ ...collection, id: listId }, true) }));
    if (namespaced) paths.push(pathOf(`${root}/watch/${plural}`, { get: watching({ ...everywhere, id: `${kind}ListForAllNamespaces` }, true) }));
    paths.push(pathOf(`${root}/watch/${below}/{name}`, { get: watching(item, false) }));
  }
  return paths.filter((path) => path !== undefined);
}
