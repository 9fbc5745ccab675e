/** Writes that hold through a server that is killed: repeated until the API server has said that they stand. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlreadyExists, isNotFound, StatusError } from '../../../src/apimachinery/errors.ts';
import type { KubeObject } from '../../../src/apimachinery/meta.ts';
import type { Client, DeleteQuery, ResourceRef } from '../../../src/client/client.ts';

const pauseMs = 50;
/** What is on its way out waits for a garbage collector that is killed every few seconds, before it knows all objects where the machine is loaded. */
const patienceMs = 300_000;

export interface Insistence {
  create<T extends KubeObject>(kind: ResourceRef<T>, object: T): Promise<T>;
  patch<T extends KubeObject>(kind: ResourceRef<T>, namespace: string, name: string, patch: object): Promise<void>;
  remove(kind: ResourceRef, namespace: string, name: string, query?: DeleteQuery): Promise<void>;
}

/** A server that is away or starts, and a quota that nobody has counted yet. */
const passes = (error: unknown): boolean =>
  !(error instanceof StatusError) || error.code >= 500 || error.code === 429 || error.code === 409 || /status unknown for quota/.test(error.message);

function orGone(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

export async function untilAnswered<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (!passes(error)) throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      if (Date.now() > deadline) throw new Error(`${what}: not within ${patienceMs / 1000} s; ${(error as Error).message}`, { cause: error });
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${patienceMs / 1000} s`);
    await sleep(pauseMs);
  }
}

export function insist(client: Client): Insistence {
  return {
    create: (kind, object) => {
      const { namespace = '', name } = object.metadata;
      return untilAnswered(`create ${kind.plural} ${namespace}/${name}`, async () => {
        try {
          return await client.resource(kind).create(object);
        } catch (error) {
          if (!isAlreadyExists(error)) throw error;
          // Either the answer to our own request was lost, or one from before is on its way out.
          const there = await client.resource(kind).get(namespace, name).catch(orGone);
          return there?.metadata.deletionTimestamp ? undefined : there;
        }
      });
    },
    patch: async (kind, namespace, name, patch) => {
      await untilAnswered(`patch ${kind.plural} ${namespace}/${name}`, () => client.resource(kind).patch(namespace, name, 'merge', patch));
    },
    remove: async (kind, namespace, name, query) => {
      await untilAnswered(`delete ${kind.plural} ${namespace}/${name}`, async () => {
        try {
          await client.resource(kind).delete(namespace, name, query);
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return true;
      });
    },
  };
}
