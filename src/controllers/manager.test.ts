import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { configmaps } from '../api/core/v1/configmap.ts';
import { createClient } from '../client/rest.ts';
import type { Transport } from '../client/transport.ts';
import type { ControllerDefinition } from './controller.ts';
import { runControllers } from './manager.ts';

test('a manager that is stopped before its informers have synced ends at once, with work queued and none done', { timeout: 5_000 }, async () => {
  // A server that never answers.
  const transport: Transport = {
    request: ({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
    close: async () => {},
  };
  const client = createClient(transport);
  const done: string[] = [];
  const definition: ControllerDefinition = {
    name: 'early',
    async setup({ informers }, enqueue) {
      informers.informer(configmaps);
      enqueue('default/first');
      return {
        async reconcile(key) {
          done.push(key);
          return undefined;
        },
      };
    },
  };
  const manager = runControllers({ definitions: [definition], client, clientFor: () => client, settings: {}, log: pino({ level: 'silent' }) });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await manager.stop();
  assert.deepEqual(done, []);
});
