import type { KubeObject } from '../../apimachinery/meta.ts';
import type { RequestContext } from '../context.ts';
import type { Reply } from '../exchange.ts';
import type { Resource } from '../registry.ts';
import type { Storage } from '../storage/types.ts';

/** What a verb's handler gets: the request, and the resource that it names. */
export interface Target {
  context: RequestContext;
  resource: Resource;
  storage: Storage;
}

export type VerbHandler = (target: Target) => Promise<Reply>;

/** Serves a subresource of type `custom`, or a whole virtual kind (subresource `''`). Registered by group, resource and subresource. */
export interface ResourceHandler {
  group: string;
  resource: string;
  subresource: string;
  /** Streams: takes no place among the requests in flight, and has no time limit. */
  longRunning?: boolean;
  /** Takes methods that stand for no verb too, such as OPTIONS: what is behind it decides. */
  anyMethod?: boolean;
  /** Reads the body by itself (through `target`), and answers. */
  handle: VerbHandler;
}

export type { KubeObject };
