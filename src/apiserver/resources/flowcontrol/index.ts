/** Configures flow control from the stored objects, keeps those that every cluster has, and says which schemas name no level. */
import { flowschemas } from '../../../api/flowcontrol/v1/flowschema.ts';
import { prioritylevelconfigurations } from '../../../api/flowcontrol/v1/prioritylevelconfiguration.ts';
import type { FlowSchema } from '../../../api/flowcontrol/v1/types.gen.ts';
import { isNotFound } from '../../../apimachinery/errors.ts';
import type { Client } from '../../../client/client.ts';
import type { ServerCore } from '../../core.ts';
import { configurationOf, danglingCondition, soundLevels } from './configuration.ts';
import { keepFlowControl } from './keep.ts';

export interface FlowControlConfiguration {
  /** Before the first request. */
  load(): Promise<void>;
  /** The objects that every cluster has; to be called now and then. */
  keep(): Promise<void>;
  /** From now on schemas are told whether their level exists. */
  start(): void;
  stop(): void;
}

const fieldManager = 'api-priority-and-fairness-config-consumer-v1';

/** Changes that come together are taken together, after so many milliseconds. */
const settleMs = 20;

/** Servers that do not agree would write against each other for ever: a schema is told so often at most, per minute. */
const mostUpdates = 6;
const updatesMs = 60_000;

/** Watches that select by these fields are found without looking at each. */
const indexedFields = { pods: 'spec.nodeName' };

export function createFlowControlConfiguration({ reader, registry, flowControl, log }: ServerCore, client: Client): FlowControlConfiguration {
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let busy = false;
  const updates = new Map<string, number[]>();
  flowControl.know({
    indexedFields,
    isSilent: ({ group, resource, subresource }) => group === '' && resource === 'serviceaccounts' && subresource === 'token',
  });

  /** Servers of a part of Kubernetes, as tests make them, may have neither kind. */
  const served = [flowschemas, prioritylevelconfigurations].every(({ group, version, plural }) => registry.find(group, version, plural));

  async function configure(): Promise<readonly FlowSchema[]> {
    const schemas = await reader.list<FlowSchema>(flowschemas);
    flowControl.configure(configurationOf(await reader.list(prioritylevelconfigurations), schemas));
    return schemas;
  }

  function mayUpdate(name: string, now: number): boolean {
    const recent = (updates.get(name) ?? []).filter((at) => now - at < updatesMs);
    if (recent.length < mostUpdates) recent.push(now);
    else return false;
    updates.set(name, recent);
    return true;
  }

  async function report(schemas: readonly FlowSchema[]): Promise<void> {
    const levels = soundLevels(await reader.list(prioritylevelconfigurations));
    const now = new Date();
    for (const schema of schemas) {
      const { name = '' } = schema.metadata;
      const condition = danglingCondition(schema, levels, now);
      if (!condition) continue;
      if (!mayUpdate(name, now.getTime())) {
        again(updatesMs / 2);
        continue;
      }
      const patch = { metadata: { name }, status: { conditions: [condition] } };
      await client
        .resource(flowschemas)
        .patch('', name, 'apply', patch, { fieldManager, force: true, subresource: 'status' })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
    }
  }

  async function sync(): Promise<void> {
    busy = true;
    try {
      const schemas = await configure();
      if (running) await report(schemas);
    } catch (error) {
      if (!running) return;
      log?.warn({ err: error }, 'the configuration of flow control could not be read, or told to its objects');
      again(1000);
    } finally {
      busy = false;
    }
  }

  function again(milliseconds: number): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (busy) again(settleMs);
      else void sync();
    }, milliseconds).unref();
  }

  if (served) for (const definition of [flowschemas, prioritylevelconfigurations]) reader.onChange(definition as typeof flowschemas, () => again(settleMs));

  return {
    async load() {
      if (served) await configure();
    },
    async keep() {
      if (served) await keepFlowControl(client);
    },
    start() {
      running = served;
      if (served) again(settleMs);
    },
    stop() {
      running = false;
      clearTimeout(timer);
    },
  };
}
