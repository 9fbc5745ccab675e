/** From what a request is about to the code that serves it: resources through the registry, everything else by path. */
import { methodNotSupported, noSuchPath, StatusError } from '../apimachinery/errors.ts';
import type { RequestContext } from './context.ts';
import type { RequestInfo } from './contracts.ts';
import type { Discovery } from './discovery/serve.ts';
import type { Reply } from './exchange.ts';
import { textReply } from './exchange.ts';
import { deprecatedApis } from './nonresource/requestmetrics.ts';
import type { Resource } from './registry.ts';
import { subresourceOf } from './registry.ts';
import type { Storage } from './storage/types.ts';
import type { TargetHandler } from './verbs/custom.ts';
import { serveCustom } from './verbs/custom.ts';
import { patchTarget } from './verbs/patch.ts';
import { getObject, listObjects } from './verbs/read.ts';
import { getScale, patchScale, putScale } from './verbs/scale.ts';
import type { ResourceHandler, VerbHandler } from './verbs/target.ts';
import { watchObjects } from './verbs/watch.ts';
import { postObject, putObject, removeCollection, removeObject } from './verbs/write.ts';

export interface Route {
  /** Takes no place among the requests in flight, and has no time limit. */
  longRunning: boolean;
  serve(context: RequestContext): Promise<Reply>;
}

/** Serves a path that is no resource; undefined when it is not its path. */
export type PathHandler = (context: RequestContext) => Promise<Reply> | Reply | undefined;

export interface Routes {
  route(info: RequestInfo): Route;
  addHandlers(handlers: readonly TargetHandler[]): void;
  addResourceHandlers(handlers: readonly ResourceHandler[]): void;
  addPaths(handlers: readonly PathHandler[]): void;
}

const verbHandlers: Readonly<Record<string, VerbHandler>> = {
  get: getObject,
  list: listObjects,
  watch: watchObjects,
  create: postObject,
  update: putObject,
  patch: patchTarget,
  delete: removeObject,
  deletecollection: removeCollection,
};

const methodNotAllowed = (): StatusError => new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

function deprecationOf({ apiVersion, definition }: Resource): string | undefined {
  if (definition.deprecationWarning !== undefined) return definition.deprecationWarning;
  return definition.deprecated && `${apiVersion} ${definition.kind} is deprecated ${definition.deprecated}`;
}

/** The version in which it is gone, where that is said. */
const removedRelease = (warning: string): string => /unavailable in v(\d+\.\d+)/.exec(warning)?.[1] ?? '';

const pageNotFound = (): Reply => textReply(404, '404 page not found\n');

export function createRoutes(storage: Storage, discovery: Discovery): Routes {
  const custom = new Map<string, TargetHandler>();
  const resourceHandlers = new Map<string, ResourceHandler>();
  const paths: PathHandler[] = [];

  function find(info: RequestInfo): { resource: Resource; handler: VerbHandler; longRunning: boolean } | StatusError | undefined {
    const resource = storage.registry.find(info.group, info.version, info.resource);
    // Below `/api` upstream's router answers, which speaks of resources.
    if (!resource) return info.group === '' && info.version !== 'v1' ? noSuchPath() : undefined;
    const { definition } = resource;
    if (info.namespace !== '' && !definition.namespaced && info.resource !== 'namespaces') return noSuchPath();
    const everywhere = definition.namespaced && info.namespace === '';
    if (everywhere && info.verb !== 'list' && info.verb !== 'watch') return info.name === '' ? methodNotAllowed() : noSuchPath();
    const handler = handlerOf(resource, info);
    if (handler instanceof StatusError || handler === undefined) return handler;
    return { resource, ...handler };
  }

  function handlerOf(resource: Resource, info: RequestInfo): { handler: VerbHandler; longRunning: boolean } | StatusError {
    const { definition } = resource;
    const { subresource, verb } = info;
    const own = custom.get(`${info.group}/${info.version}/${info.resource}/${subresource}/${verb}`);
    if (own) return { handler: (target) => serveCustom(target, own), longRunning: false };
    if (subresource === '') {
      const whole = resourceHandlers.get(`${info.group}/${info.resource}/`);
      if (whole && (definition.verbs as readonly string[]).includes(verb)) return { handler: whole.handle, longRunning: false };
      const handler = verbHandlers[verb];
      if (!handler || definition.virtual || !(definition.verbs as readonly string[]).includes(verb)) return methodNotAllowed();
      // An object is posted to its collection, never to its own name; and put or patched at its name, never at the collection.
      if ((verb === 'create') === (info.name !== '') && ['create', 'update', 'patch'].includes(verb)) return methodNotAllowed();
      return { handler, longRunning: verb === 'watch' };
    }
    const declared = subresourceOf(resource, subresource);
    if (!declared) return noSuchPath();
    if (declared.type === 'custom') {
      const handler = resourceHandlers.get(`${info.group}/${info.resource}/${subresource}`);
      if (!handler) return declared.verbs.includes(verb) ? notServed(info) : methodNotAllowed();
      if (!declared.verbs.includes(verb) && !handler.anyMethod) return methodNotAllowed();
      return { handler: handler.handle, longRunning: handler.longRunning ?? false };
    }
    const handlers: Readonly<Record<string, VerbHandler>> =
      declared.type === 'scale'
        ? { get: (target) => getScale(target, declared), update: (target) => putScale(target, declared), patch: (target) => patchScale(target, declared) }
        : { get: getObject, update: putObject, patch: patchTarget };
    const handler = handlers[verb];
    if (!handler || (declared.type === 'object' && !(declared.verbs as readonly string[]).includes(verb))) return methodNotAllowed();
    return { handler, longRunning: false };
  }

  const notServed = (info: RequestInfo): StatusError => methodNotSupported({ group: info.group, resource: `${info.resource}/${info.subresource}` }, info.verb);

  async function servePath(context: RequestContext): Promise<Reply> {
    const found = discovery.serve(context);
    if (found) return found;
    for (const handler of paths) {
      const reply = handler(context);
      if (reply) return reply;
    }
    // Below `/api`, and below groups of its own, upstream's router answers.
    const [, prefix, group = ''] = context.info.path.split('/');
    if (prefix === 'api' || (prefix === 'apis' && isBuiltIn(group))) throw noSuchPath();
    return pageNotFound();
  }

  /** Of these, every path is answered as the API's; core's versions are none of a group. */
  const isBuiltIn = (group: string): boolean =>
    group !== '' && [...storage.registry.all()].some((resource) => !resource.custom && resource.definition.group === group);

  const byPath: Route = { longRunning: false, serve: servePath };

  return {
    route(info) {
      if (!info.isResourceRequest) return byPath;
      const found = find(info);
      if (!found) {
        // A group that is known, but not this version or resource of it; or a group that somebody else serves.
        const known = discovery.knows(info.group === '' ? info.version : `${info.group}/${info.version}`) || isBuiltIn(info.group);
        return known ? { longRunning: false, serve: () => Promise.reject(noSuchPath()) } : byPath;
      }
      if (found instanceof StatusError) return { longRunning: false, serve: () => Promise.reject(found) };
      const { resource, handler, longRunning } = found;
      const warning = deprecationOf(resource);
      return {
        longRunning,
        serve(context) {
          if (warning) {
            context.warn(warning);
            deprecatedApis.set(1, info.group, removedRelease(warning), info.resource, info.subresource, info.version);
          }
          return handler({ context, resource, storage });
        },
      };
    },
    addHandlers(handlers) {
      for (const handler of handlers) custom.set(`${handler.group}/${handler.version}/${handler.resource}/${handler.subresource}/${handler.verb}`, handler);
    },
    addResourceHandlers(handlers) {
      for (const handler of handlers) resourceHandlers.set(`${handler.group}/${handler.resource}/${handler.subresource}`, handler);
    },
    addPaths(handlers) {
      paths.push(...handlers);
    },
  };
}
