/** Arguments of knarr's own plugins: what holds where the file says nothing, and what must not stand there. */
import { validateNodeSelector } from '../../api/core/v1/podtemplate/validation/affinity.ts';
import type { NodeAffinity, TopologySpreadConstraint } from '../../api/core/v1/types.gen.ts';
import { parseDuration } from '../../apimachinery/duration.ts';
import { FieldError, type FieldPath, forbiddenField, invalidValue, notSupported, required } from '../../apimachinery/fieldpath.ts';
import { validateLabelKey } from '../../apimachinery/names.ts';
import type { PluginArgs, ResourceSpec, ShapePoint } from './types.ts';

type Given<K extends keyof PluginArgs> = Partial<PluginArgs[K]>;

const defaultResources = (): ResourceSpec[] => [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];
const weighted = (resources: readonly Partial<ResourceSpec>[] | undefined): ResourceSpec[] =>
  resources?.length ? resources.map(({ name = '', weight }) => ({ name, weight: weight || 1 })) : defaultResources();

/** Fills in defaults; by plugin. */
export const argsDefaults: { [K in keyof PluginArgs]: (given: Given<K>) => PluginArgs[K] } = {
  DefaultPreemption: (given) => ({ minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100, ...given }),
  InterPodAffinity: (given) => ({ hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false, ...given }),
  NodeAffinity: (given) => given,
  NodeResourcesBalancedAllocation: (given) => ({ ...given, resources: weighted(given.resources) }),
  NodeResourcesFit: (given) => {
    const strategy = given.scoringStrategy;
    return {
      ...given,
      scoringStrategy: strategy ? { ...strategy, resources: weighted(strategy.resources) } : { type: 'LeastAllocated', resources: defaultResources() },
    };
  },
  PodTopologySpread: (given) => ({ ...given, defaultingType: given.defaultingType || 'System' }),
  VolumeBinding: (given) => ({ bindTimeoutSeconds: 600, ...given }),
  DynamicResources: (given) => ({ filterTimeout: '10s', bindingTimeout: '10m0s', ...given }),
};

const outOfRange = (at: FieldPath, value: number, range: string): FieldError => invalidValue(at, value, `not in valid range ${range}`);

function labelName(at: FieldPath, value: string): FieldError[] {
  return validateLabelKey(value).map((message) => invalidValue(at, value, message));
}

function validateShape(shape: readonly ShapePoint[] | undefined, at: FieldPath): FieldError[] {
  if (!shape?.length) return [required(at, 'at least one point must be specified')];
  const errors: FieldError[] = [];
  const unsorted = shape.findIndex((point, index) => index > 0 && shape[index - 1]!.utilization >= point.utilization);
  if (unsorted > 0) {
    errors.push(invalidValue(at.index(unsorted).child('utilization'), shape[unsorted]!.utilization, 'values must be sorted in increasing order'));
  }
  for (const [index, { utilization = 0, score = 0 }] of shape.entries()) {
    if (utilization < 0 || utilization > 100) errors.push(outOfRange(at.index(index).child('utilization'), utilization, '[0, 100]'));
    if (score < 0 || score > 10) errors.push(outOfRange(at.index(index).child('score'), score, '[0, 10]'));
  }
  return errors;
}

function validateConstraint(constraints: readonly TopologySpreadConstraint[], index: number, all: FieldPath): FieldError[] {
  const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', labelSelector } = constraints[index]!;
  const at = all.index(index);
  const errors: FieldError[] = [];
  if (maxSkew <= 0) errors.push(outOfRange(at.child('maxSkew'), maxSkew, '(0, inf)'));
  if (topologyKey === '') errors.push(required(at.child('topologyKey'), 'can not be empty'));
  else errors.push(...labelName(at.child('topologyKey'), topologyKey));
  const actions = ['DoNotSchedule', 'ScheduleAnyway'];
  if (whenUnsatisfiable === '') errors.push(required(at.child('whenUnsatisfiable'), 'can not be empty'));
  else if (!actions.includes(whenUnsatisfiable)) errors.push(notSupported(at.child('whenUnsatisfiable'), whenUnsatisfiable, actions));
  if (labelSelector) errors.push(forbiddenField(at.child('labelSelector'), 'constraint must not define a selector, as they deduced for each pod'));
  if (constraints.slice(0, index).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)) {
    errors.push(new FieldError('FieldValueDuplicate', at, `{${topologyKey}, ${whenUnsatisfiable}}`, ''));
  }
  return errors;
}

function validateResourcesFit(
  { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy }: PluginArgs['NodeResourcesFit'],
  at: FieldPath,
): FieldError[] {
  const errors = ignoredResources.flatMap((name, index) => labelName(at.child('ignoredResources').index(index), name));
  for (const [index, group] of ignoredResourceGroups.entries()) {
    const path = at.child('ignoredResourceGroups').index(index);
    if (group.includes('/')) errors.push(invalidValue(path, group, "resource group name can't contain '/'"));
    errors.push(...labelName(path, group));
  }
  const { type, resources, requestedToCapacityRatio } = scoringStrategy;
  const path = at.child('scoringStrategy');
  const types = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];
  if (!types.includes(type)) errors.push(notSupported(path.child('type'), type ?? '', types));
  for (const [index, { name, weight }] of resources.entries()) {
    if (weight > 0 && weight <= 100) continue;
    errors.push(invalidValue(path.child('resources').index(index).child('weight'), weight, `resource weight of ${name} not in valid range (0, 100]`));
  }
  const ratio = path.child('requestedToCapacityRatio');
  if (type === 'RequestedToCapacityRatio') {
    if (!requestedToCapacityRatio) errors.push(required(ratio, 'must be specified when type is RequestedToCapacityRatio'));
    else errors.push(...validateShape(requestedToCapacityRatio.shape, ratio.child('shape')));
  } else if (requestedToCapacityRatio) errors.push(forbiddenField(ratio, 'must be nil when type is not RequestedToCapacityRatio'));
  return errors;
}

function validateAffinity(affinity: NodeAffinity, at: FieldPath): FieldError[] {
  const { requiredDuringSchedulingIgnoredDuringExecution: needed, preferredDuringSchedulingIgnoredDuringExecution: wanted = [] } = affinity;
  const preferred = at.child('preferredDuringSchedulingIgnoredDuringExecution');
  return [
    ...(needed ? validateNodeSelector(needed, at.child('requiredDuringSchedulingIgnoredDuringExecution')) : []),
    ...wanted.flatMap(({ preference }, index) => validateNodeSelector({ nodeSelectorTerms: [preference] }, preferred.index(index))),
  ];
}

/** What is wrong with arguments that have their defaults; by plugin. */
export const argsValidation: { [K in keyof PluginArgs]: (args: PluginArgs[K], at: FieldPath) => FieldError[] } = {
  DefaultPreemption({ minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute }, at) {
    const errors: FieldError[] = [];
    const [first, second] = [at.child('minCandidateNodesPercentage'), at.child('minCandidateNodesAbsolute')];
    if (percentage < 0 || percentage > 100) errors.push(outOfRange(first, percentage, '[0, 100]'));
    if (absolute < 0) errors.push(outOfRange(second, absolute, '[0, inf)'));
    if (percentage === 0 && absolute === 0) {
      errors.push(invalidValue(first, 0, 'cannot be zero at the same time as minCandidateNodesAbsolute'));
      errors.push(invalidValue(second, 0, 'cannot be zero at the same time as minCandidateNodesPercentage'));
    }
    return errors;
  },
  InterPodAffinity: ({ hardPodAffinityWeight: weight }, at) =>
    weight < 0 || weight > 100 ? [outOfRange(at.child('hardPodAffinityWeight'), weight, '[0, 100]')] : [],
  NodeAffinity: ({ addedAffinity }, at) => (addedAffinity ? validateAffinity(addedAffinity, at.child('addedAffinity')) : []),
  NodeResourcesBalancedAllocation({ resources }, at) {
    const errors: FieldError[] = [];
    const seen = new Set<string>();
    for (const [index, { name, weight }] of resources.entries()) {
      const path = at.child('resources').index(index);
      if (seen.has(name)) errors.push(new FieldError('FieldValueDuplicate', path.child('name'), name, ''));
      seen.add(name);
      if (weight !== 1) errors.push(invalidValue(path.child('weight'), weight, 'must be 1'));
    }
    return errors;
  },
  NodeResourcesFit: validateResourcesFit,
  PodTopologySpread({ defaultConstraints = [], defaultingType }, at) {
    const errors: FieldError[] = [];
    const path = at.child('defaultingType');
    if (defaultingType !== 'System' && defaultingType !== 'List') errors.push(notSupported(path, defaultingType, ['System', 'List']));
    else if (defaultingType === 'System' && defaultConstraints.length > 0)
      errors.push(invalidValue(path, defaultingType, 'when .defaultConstraints are not empty'));
    const all = at.child('defaultConstraints');
    return [...errors, ...defaultConstraints.flatMap((_, index) => validateConstraint(defaultConstraints, index, all))];
  },
  VolumeBinding(args, at) {
    const { bindTimeoutSeconds: seconds, shape } = args as PluginArgs['VolumeBinding'] & { shape?: unknown };
    const errors = seconds < 0 ? [invalidValue(at.child('bindTimeoutSeconds'), seconds, 'invalid BindTimeoutSeconds, should not be a negative value')] : [];
    const off = 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring';
    return shape === undefined ? errors : [...errors, invalidValue(at.child('shape'), shape, off)];
  },
  DynamicResources({ filterTimeout, bindingTimeout }, at) {
    const errors: FieldError[] = [];
    if (parseDuration(filterTimeout) < 0) errors.push(invalidValue(at.child('filterTimeout'), filterTimeout, 'must be zero or positive'));
    if (parseDuration(bindingTimeout) < 1_000) errors.push(invalidValue(at.child('bindingTimeout'), bindingTimeout, 'must be at least 1 second'));
    return errors;
  },
};

export const isOwnArgs = (name: string): name is keyof PluginArgs => Object.hasOwn(argsDefaults, name);
