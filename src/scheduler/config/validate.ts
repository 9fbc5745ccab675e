/** What must not stand in a scheduler's configuration. Messages as upstream's. */
import { isDeepStrictEqual } from 'node:util';
import { FieldError, type FieldPath, invalidValue, path, required } from '../../apimachinery/fieldpath.ts';
import { validateQualifiedName } from '../../apimachinery/names.ts';
import { argsValidation, isOwnArgs } from './args.ts';
import { type ExtenderConfiguration, extensionPoints, type ProfileConfiguration, type SchedulerConfiguration } from './types.ts';

/** Went when in-tree volumes did. */
const removedPlugins = ['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits'];
const version = 'kubescheduler.config.k8s.io/v1';
const wasRemoved = (at: FieldPath, name: string): FieldError =>
  invalidValue(at, name, `was invalid in version "${version}" (KubeSchedulerConfiguration is version "${version}")`);

const duplicateOf = (at: FieldPath, value: unknown): FieldError => new FieldError('FieldValueDuplicate', at, value, '');

export function validateConfiguration(configuration: SchedulerConfiguration, election?: { leaderElect?: boolean; resourceLock?: string }): FieldError[] {
  const { parallelism, profiles, podInitialBackoffSeconds: first, podMaxBackoffSeconds: longest } = configuration;
  const errors: FieldError[] = [];
  if (election?.leaderElect !== false && election?.resourceLock && election.resourceLock !== 'leases') {
    errors.push(invalidValue(path('leaderElection', 'resourceLock'), election.resourceLock, 'resourceLock value must be "leases"'));
  }
  if (parallelism <= 0) errors.push(invalidValue(path('parallelism'), parallelism, 'should be an integer value greater than zero'));
  const seen = new Map<string, number>();
  for (const [index, profile] of profiles.entries()) {
    const at = path('profiles').index(index);
    errors.push(...validateProfile(profile, at));
    const earlier = seen.get(profile.schedulerName);
    if (earlier !== undefined) errors.push(duplicateOf(at.child('schedulerName'), `profiles[${earlier}].schedulerName`));
    seen.set(profile.schedulerName, index);
  }
  errors.push(...validateQueueSort(profiles), ...validatePercentage(configuration.percentageOfNodesToScore, path('percentageOfNodesToScore')));
  if (first <= 0) errors.push(invalidValue(path('podInitialBackoffSeconds'), first, 'must be greater than 0'));
  if (longest < first) errors.push(invalidValue(path('podMaxBackoffSeconds'), longest, 'must be greater than or equal to PodInitialBackoffSeconds'));
  return [...errors, ...validateExtenders(configuration.extenders)];
}

const validatePercentage = (value: number | undefined, at: FieldPath): FieldError[] =>
  value !== undefined && (value < 0 || value > 100) ? [invalidValue(at, value, 'not in valid range [0-100]')] : [];

function validateProfile({ schedulerName, percentageOfNodesToScore, plugins, pluginConfig }: ProfileConfiguration, at: FieldPath): FieldError[] {
  const errors = schedulerName === '' ? [required(at.child('schedulerName'))] : [];
  errors.push(...validatePercentage(percentageOfNodesToScore, at.child('percentageOfNodesToScore')));
  for (const point of extensionPoints) {
    for (const [index, { name }] of plugins[point].enabled.entries()) {
      if (removedPlugins.includes(name)) errors.push(wasRemoved(at.child('plugins', point, 'enabled').index(index), name));
    }
  }
  const seen = new Set<string>();
  for (const [index, { name, args }] of pluginConfig.entries()) {
    const path = at.child('pluginConfig').index(index);
    if (seen.has(name)) errors.push(duplicateOf(path, name));
    seen.add(name);
    if (removedPlugins.includes(name)) errors.push(wasRemoved(path, name));
    else if (isOwnArgs(name)) errors.push(...(argsValidation[name] as (args: unknown, at: FieldPath) => FieldError[])(args, path.child('args')));
  }
  return errors;
}

/** There is one queue, whatever the number of profiles. */
function validateQueueSort(profiles: readonly ProfileConfiguration[]): FieldError[] {
  const [first, ...others] = profiles.map(({ plugins }) => plugins.queueSort);
  const errors: FieldError[] = [];
  const count = first?.enabled.length ?? 0;
  if (count > 1)
    errors.push(invalidValue(path('profiles').index(0).child('plugins', 'queueSort', 'Enabled'), count, 'only one queue sort plugin can be enabled'));
  for (const [index, other] of others.entries()) {
    if (isDeepStrictEqual(first, other)) continue;
    errors.push(
      invalidValue(
        path('profiles')
          .index(index + 1)
          .child('plugins', 'queueSort'),
        other,
        'must be the same for all profiles',
      ),
    );
  }
  return errors;
}

const isExtendedResource = (name: string): boolean => {
  const domain = name.split('/')[0]!;
  return name.includes('/') && domain !== 'kubernetes.io' && !domain.endsWith('.kubernetes.io') && !name.startsWith('requests.');
};

function validateExtenders(extenders: readonly ExtenderConfiguration[]): FieldError[] {
  const errors: FieldError[] = [];
  const managed = new Set<string>();
  for (const [index, { prioritizeVerb, weight = 0, managedResources = [] }] of extenders.entries()) {
    const at = path('extenders').index(index);
    if (prioritizeVerb && weight <= 0) errors.push(invalidValue(at.child('weight'), weight, 'must have a positive weight applied to it'));
    for (const [number, { name }] of managedResources.entries()) {
      const field = at.child('managedResources').index(number).child('name');
      const problems = validateQualifiedName(name);
      if (problems.length > 0) errors.push(...problems.map((message) => invalidValue(field, name, message)));
      else if (!isExtendedResource(name)) errors.push(invalidValue(field, name, 'is an invalid extended resource name'));
      if (managed.has(name)) errors.push(invalidValue(field, name, 'duplicate extender managed resource name'));
      managed.add(name);
    }
  }
  const binders = extenders.filter(({ bindVerb }) => bindVerb).length;
  if (binders > 1) errors.push(invalidValue(path('extenders'), `found ${binders} extenders implementing bind`, 'only one extender can implement bind'));
  return errors;
}
