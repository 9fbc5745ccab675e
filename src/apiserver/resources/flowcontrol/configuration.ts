/** What the stored levels and schemas say, as flow control takes it; and which schemas name a level that is not there. */
import type { FlowSchema, FlowSchemaCondition, PriorityLevelConfiguration } from '../../../api/flowcontrol/v1/types.gen.ts';
import type { FlowConfiguration, LevelConfig, SchemaConfig } from '../../flowcontrol/config.ts';
import { flowSchemas, mandatory, priorityLevels } from './defaults.ts';

const exemptName = 'exempt';
const fallback = 'catch-all';

/** Undefined when the parts of the spec contradict each other: it counts as absent. */
function levelOf({ metadata, spec }: PriorityLevelConfiguration): LevelConfig | undefined {
  const name = metadata.name ?? '';
  const { limited, exempt } = spec;
  if ((spec.type === 'Limited') !== (limited !== undefined) || (spec.type === 'Exempt') !== (exempt !== undefined)) return undefined;
  if ((spec.type === 'Exempt') !== (name === exemptName)) return undefined;
  const common = { name, uid: metadata.uid ?? '', lendablePercent: (limited ?? exempt)?.lendablePercent ?? 0 };
  if (!limited) return { ...common, exempt: true, shares: exempt?.nominalConcurrencyShares ?? 0 };
  const response = limited.limitResponse;
  if ((response?.type === 'Reject') !== (response?.queuing === undefined)) return undefined;
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = response?.queuing ?? {};
  return {
    ...common,
    exempt: false,
    shares: limited.nominalConcurrencyShares ?? 30,
    ...(limited.borrowingLimitPercent === undefined ? {} : { borrowingLimitPercent: limited.borrowingLimitPercent }),
    ...(response?.queuing ? { queuing: { queues, handSize, queueLengthLimit } } : {}),
  };
}

function schemaOf({ metadata, spec }: FlowSchema): SchemaConfig {
  const method = spec.distinguisherMethod?.type;
  return {
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    level: spec.priorityLevelConfiguration.name,
    distinguisher: method === 'ByUser' || method === 'ByNamespace' ? method : '',
    rules: spec.rules ?? [],
  };
}

const precedence = ({ metadata, spec }: FlowSchema): [number, string] => [spec.matchingPrecedence ?? 1000, metadata.name ?? ''];

/** Lower numbers first, then names. */
function byPrecedence(one: FlowSchema, other: FlowSchema): number {
  const [first, firstName] = precedence(one);
  const [second, secondName] = precedence(other);
  return first - second || (firstName < secondName ? -1 : firstName > secondName ? 1 : 0);
}

/** What is mandatory and missing is imagined. */
export function configurationOf(levels: readonly PriorityLevelConfiguration[], schemas: readonly FlowSchema[]): FlowConfiguration {
  const configs = levels.flatMap((level) => levelOf(level) ?? []);
  const names = new Set(configs.map(({ name }) => name));
  for (const level of priorityLevels()) {
    const { name = '' } = level.metadata;
    const config = mandatory.has(name) && !names.has(name) ? levelOf(level) : undefined;
    if (config) configs.push(config);
  }
  const known = new Set(configs.map(({ name }) => name));
  const tried = schemas.filter(({ spec }) => known.has(spec.priorityLevelConfiguration.name)).sort(byPrecedence);
  for (const schema of flowSchemas()) {
    const { name = '' } = schema.metadata;
    if (!mandatory.has(name) || tried.some(({ metadata }) => metadata.name === name)) continue;
    if (name === exemptName) tried.unshift(schema);
    else tried.push(schema);
  }
  return { levels: configs, schemas: tried.map(schemaOf), fallback };
}

/** What `status` should say of whether the level exists; undefined when it says so. */
export function danglingCondition(schema: FlowSchema, levels: ReadonlySet<string>, now: Date): FlowSchemaCondition | undefined {
  const level = schema.spec.priorityLevelConfiguration.name;
  const found = levels.has(level);
  const which = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
  const wanted = {
    type: 'Dangling',
    status: found ? 'False' : 'True',
    reason: found ? 'Found' : 'NotFound',
    message: found ? `${which} and it exists` : `${which} but there is no such object`,
  };
  const standing = schema.status?.conditions?.find(({ type }) => type === 'Dangling');
  if (standing?.status === wanted.status && standing.reason === wanted.reason && standing.message === wanted.message) return undefined;
  return { ...wanted, lastTransitionTime: now.toISOString().replace(/\.\d+Z$/, 'Z') };
}

/** The levels that are there and make sense. */
export const soundLevels = (levels: readonly PriorityLevelConfiguration[]): ReadonlySet<string> =>
  new Set(levels.flatMap((level) => levelOf(level)?.name ?? []));
