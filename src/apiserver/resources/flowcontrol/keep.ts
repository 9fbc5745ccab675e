/** Keeps the objects that configure flow control: makes what is missing, mends what is mandatory, leaves alone what an administrator made his own. */
import { isDeepStrictEqual } from 'node:util';
import { flowschemas } from '../../../api/flowcontrol/v1/flowschema.ts';
import { prioritylevelconfigurations } from '../../../api/flowcontrol/v1/prioritylevelconfiguration.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../../../api/flowcontrol/v1/types.gen.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../../apimachinery/errors.ts';
import type { ObjectMeta } from '../../../apimachinery/meta.ts';
import type { Client } from '../../../client/client.ts';
import { autoUpdateSpec, flowSchemas, mandatory, priorityLevels } from './defaults.ts';

/** As Go reads a boolean. */
const booleans: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};
const autoUpdated = ({ annotations }: ObjectMeta): boolean | undefined => booleans[annotations?.[autoUpdateSpec] ?? ''];

type Config = FlowSchema | PriorityLevelConfiguration;

/** The shares of the exempt level are the administrator's, though it is mandatory. */
function wantedSpec<T extends Config>(standing: T, expected: T): T['spec'] {
  const own = 'exempt' in standing.spec ? standing.spec.exempt : undefined;
  return own && 'exempt' in expected.spec ? { ...expected.spec, exempt: { ...expected.spec.exempt, ...own } } : expected.spec;
}

/** What it should be instead; undefined when it may stay. */
function revised<T extends Config>(standing: T, expected: T): T | undefined {
  const { metadata } = standing;
  // Without a word from anybody: the server's, as long as nobody changed it.
  const ours = mandatory.has(metadata.name ?? '') || (autoUpdated(metadata) ?? metadata.generation === 1);
  const spec = ours ? wantedSpec(standing, expected) : standing.spec;
  if (autoUpdated(metadata) === ours && isDeepStrictEqual(spec, standing.spec)) return undefined;
  return { ...standing, metadata: { ...metadata, annotations: { ...metadata.annotations, [autoUpdateSpec]: String(ours) } }, spec };
}

/** Another server of the same cluster may do the same at the same time. */
const tolerate = (error: unknown): void => {
  if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error;
};

async function keep<T extends Config>(
  standing: readonly T[],
  expected: readonly T[],
  { create, update, remove }: { create(object: T): Promise<unknown>; update(object: T): Promise<unknown>; remove(object: T): Promise<unknown> },
): Promise<void> {
  const byName = new Map(standing.map((object) => [object.metadata.name, object]));
  await Promise.all(
    expected.map(async (object) => {
      const existing = byName.get(object.metadata.name);
      const change = existing && revised(existing, object);
      if (!existing) await create(object).catch(tolerate);
      else if (change) await update(change).catch(tolerate);
    }),
  );
  const wanted = new Set(expected.map(({ metadata }) => metadata.name));
  // Suggestions of another version that nobody changed.
  const left = standing.filter(({ metadata }) => autoUpdated(metadata) === true && !wanted.has(metadata.name));
  await Promise.all(left.map((object) => remove(object).catch(tolerate)));
}

/** Who owns the fields, as upstream names him. */
const fieldManager = 'api-priority-and-fairness-config-producer-v1';

/** Levels first: schemas refer to them. */
export async function keepFlowControl(client: Client): Promise<void> {
  const levels = client.resource(prioritylevelconfigurations);
  const schemas = client.resource(flowschemas);
  const precisely = ({ metadata: { uid = '', resourceVersion = '' } }: Config) => ({ preconditions: { uid, resourceVersion } });
  await keep((await levels.list('')).items, defaulted(priorityLevels(), prioritylevelconfigurations.setDefaults), {
    create: (object) => levels.create(object, { fieldManager }),
    update: (object) => levels.update(object, { fieldManager }),
    remove: (object) => levels.delete('', object.metadata.name ?? '', precisely(object)),
  });
  await keep((await schemas.list('')).items, defaulted(flowSchemas(), flowschemas.setDefaults), {
    create: (object) => schemas.create(object, { fieldManager }),
    update: (object) => schemas.update(object, { fieldManager }),
    remove: (object) => schemas.delete('', object.metadata.name ?? '', precisely(object)),
  });
}

function defaulted<T>(objects: T[], setDefaults: ((object: T) => void) | undefined): T[] {
  for (const object of objects) setDefaults?.(object);
  return objects;
}
