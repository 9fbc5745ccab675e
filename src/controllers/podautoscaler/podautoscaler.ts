/** `horizontal-pod-autoscaler-controller`: scales what has a scale so that its metrics meet their targets. */
import { horizontalpodautoscalers } from '../../api/autoscaling/v2/horizontalpodautoscaler.ts';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  MetricStatus,
} from '../../api/autoscaling/v2/types.gen.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { isConflict } from '../../apimachinery/errors.ts';
import { type KubeObject, keyOf, parseApiVersion, timeOf } from '../../apimachinery/meta.ts';
import { milliValue } from '../../apimachinery/quantity.ts';
import { type LabelMatcher, parseLabelSelector } from '../../apimachinery/selectors.ts';
import type { ResourceClient } from '../../client/client.ts';
import { retryOnConflict } from '../../client/retry.ts';
import { discover } from '../common/discovery.ts';
import { type ControllerContext, defineController, type Enqueue, type ReconcileResult, type RunningController } from '../controller.ts';
import { decide, type History, newHistory, noteScale } from './behavior.ts';
import type { Tolerances } from './calculator.ts';
import { askMetric, MetricError, type MetricQuestion } from './metrics.ts';
import { createMetricsClient } from './metricsclient.ts';

export const horizontalPodAutoscalerController = defineController({
  name: 'horizontal-pod-autoscaler-controller',
  identity: 'horizontal-pod-autoscaler',
  eventSource: 'horizontal-pod-autoscaler',
  setup,
});

const periodMs = 15_000;
const defaultTolerance = 0.1;

interface Scale extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas?: number; selector?: string };
}

interface Target {
  resource: ResourceClient<KubeObject>;
  scale: Scale;
}

/** The status as it will be written. */
interface Draft {
  autoscaler: HorizontalPodAutoscaler;
  conditions: HorizontalPodAutoscalerCondition[];
}

/** What was found; `error` is what some of the metrics failed with. */
interface Computed {
  replicas: number;
  name: string;
  statuses: MetricStatus[];
  error?: Error;
}

function tolerancesOf({ spec }: HorizontalPodAutoscaler): Tolerances {
  const of = (tolerance: string | number | undefined): number => (tolerance === undefined ? defaultTolerance : milliValue(tolerance) / 1_000);
  return { down: of(spec.behavior?.scaleDown?.tolerance), up: of(spec.behavior?.scaleUp?.tolerance) };
}

function setup({ client, informers, events, now }: ControllerContext, enqueue: Enqueue): RunningController {
  const autoscalers = informers.informer(horizontalpodautoscalers);
  const pods = informers.informer(podKind);
  const autoscalerClient = client.resource(horizontalpodautoscalers);
  const metricsClient = createMetricsClient(client);
  const histories = new Map<string, History>();
  /** What each one scales, to see that no two scale the same pods. */
  const selectors = new Map<string, LabelMatcher>();

  autoscalers.addHandlers({
    added: (autoscaler) => enqueue(keyOf(autoscaler)),
    updated(autoscaler, old) {
      if (!semanticEqual(autoscaler.spec, old.spec)) enqueue(keyOf(autoscaler));
    },
    deleted(autoscaler) {
      histories.delete(keyOf(autoscaler));
      selectors.delete(keyOf(autoscaler));
    },
  });

  function set({ conditions }: Draft, type: string, status: 'True' | 'False', reason: string, message: string): void {
    const known = conditions.find((condition) => condition.type === type);
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : timeOf(now());
    const next = { type, status, reason, message, lastTransitionTime };
    if (known) conditions[conditions.indexOf(known)] = next;
    else conditions.push(next);
  }

  async function write(
    { autoscaler, conditions }: Draft,
    rest: Omit<HorizontalPodAutoscalerStatus, 'conditions' | 'desiredReplicas'> & { desiredReplicas?: number },
  ): Promise<void> {
    const status = { desiredReplicas: 0, ...autoscaler.status, ...rest, conditions };
    if (semanticEqual(status, autoscaler.status)) return;
    try {
      await autoscalerClient.updateStatus({ ...autoscaler, status });
    } catch (error) {
      events.event(autoscaler, 'Warning', 'FailedUpdateStatus', (error as Error).message);
      throw error;
    }
  }

  /** Reads the scale; any served version of the kind will do. */
  async function findTarget(autoscaler: HorizontalPodAutoscaler): Promise<Target> {
    const { apiVersion = 'v1', kind, name } = autoscaler.spec.scaleTargetRef;
    const { group } = parseApiVersion(apiVersion);
    const { resources } = await discover(client, group);
    const refs = resources.filter(({ ref }) => ref.group === group && ref.kind === kind).map(({ ref }) => ref);
    if (refs.length === 0) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    let first: unknown;
    for (const ref of refs) {
      const resource = client.resource(ref);
      try {
        return { resource, scale: await resource.subresource<Scale>('GET', autoscaler.metadata.namespace ?? '', name, 'scale') };
      } catch (error) {
        first ??= error;
      }
    }
    throw first;
  }

  /** The selector, when it is one, and selects pods that nobody else scales. */
  function ownPods(draft: Draft, key: string, text: string): Pod[] {
    const { autoscaler } = draft;
    const refuse = (event: string, reason: string, message: string, condition = message): never => {
      events.event(autoscaler, 'Warning', event, message);
      set(draft, 'ScalingActive', 'False', reason, condition);
      throw new Error(message);
    };
    if (text === '') refuse('SelectorRequired', 'InvalidSelector', 'selector is required', "the HPA target's scale is missing a selector");
    let selector: LabelMatcher;
    try {
      selector = parseLabelSelector(text);
    } catch (error) {
      return refuse(
        'InvalidSelector',
        'InvalidSelector',
        `couldn't convert selector into a corresponding internal selector object: ${(error as Error).message}`,
      );
    }
    selectors.set(key, selector);
    const { namespace } = autoscaler.metadata;
    const own = pods.list(namespace).filter((pod) => selector.matches(pod.metadata.labels));
    const rivals = [...selectors].filter(([other, matcher]) => other.startsWith(`${namespace}/`) && own.some((pod) => matcher.matches(pod.metadata.labels)));
    if (rivals.length > 1) {
      const message = `pods by selector ${text} are controlled by multiple HPAs: [${rivals.map(([other]) => other).join(' ')}]`;
      refuse('AmbiguousSelector', 'AmbiguousSelector', message);
    }
    return own;
  }

  /** The highest proposal. Undefined when there is none to follow; the draft says why. */
  async function compute(draft: Draft, key: string, scale: Scale): Promise<Computed | { statuses: MetricStatus[]; error: Error }> {
    const { autoscaler } = draft;
    const specs = autoscaler.spec.metrics ?? [];
    const selector = scale.status?.selector ?? '';
    const statuses: MetricStatus[] = [];
    let question: MetricQuestion;
    try {
      question = {
        namespace: autoscaler.metadata.namespace ?? '',
        selector,
        pods: ownPods(draft, key, selector),
        specReplicas: scale.spec?.replicas ?? 0,
        statusReplicas: scale.status?.replicas ?? 0,
        tolerances: tolerancesOf(autoscaler),
        now: now().getTime(),
      };
    } catch (error) {
      return { statuses, error: error as Error };
    }
    let best: { replicas: number; name: string } | undefined;
    const failures: MetricError[] = [];
    for (const [index, spec] of specs.entries()) {
      // One that fails has its place too.
      statuses[index] = { type: '' };
      try {
        const answer = await askMetric(metricsClient, spec, question);
        statuses[index] = answer.status;
        if (!best || answer.replicas > best.replicas) best = answer;
      } catch (error) {
        if (!(error instanceof MetricError)) throw error;
        events.event(autoscaler, 'Warning', error.reason, error.detail);
        failures.push(error);
      }
    }
    const [first] = failures;
    const error = first && new Error(`invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: ${first.message}`);
    // Where a metric is missing, going up is safe and going down is not.
    if (first && (!best || best.replicas < question.specReplicas)) {
      set(draft, 'ScalingActive', 'False', first.reason, `the HPA was unable to compute the replica count: ${first.detail}`);
      return { statuses, error: error! };
    }
    if (!best) return { statuses, error: new Error('no metrics') };
    set(draft, 'ScalingActive', 'True', 'ValidMetricFound', `the HPA was able to successfully calculate a replica count from ${best.name}`);
    return { ...best, statuses, ...(error ? { error } : {}) };
  }

  async function rescale(draft: Draft, { resource, scale }: Target, replicas: number, why: string): Promise<void> {
    const { namespace = '' } = draft.autoscaler.metadata;
    const { name } = draft.autoscaler.spec.scaleTargetRef;
    let latest = scale;
    try {
      await retryOnConflict(async () => {
        try {
          await resource.subresource('PUT', namespace, name, 'scale', { ...latest, spec: { ...latest.spec, replicas } });
        } catch (error) {
          if (isConflict(error)) latest = await resource.subresource<Scale>('GET', namespace, name, 'scale');
          throw error;
        }
      });
    } catch (error) {
      const text = (error as Error).message;
      events.event(draft.autoscaler, 'Warning', 'FailedRescale', `New size: ${replicas}; reason: ${why}; error: ${text}`);
      set(draft, 'AbleToScale', 'False', 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${text}`);
      throw error;
    }
    set(draft, 'AbleToScale', 'True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${replicas}`);
    events.event(draft.autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${why}`);
  }

  async function sync(key: string, autoscaler: HorizontalPodAutoscaler): Promise<void> {
    const draft: Draft = { autoscaler, conditions: [...(autoscaler.status?.conditions ?? [])] };
    let target: Target;
    try {
      target = await findTarget(autoscaler);
    } catch (error) {
      const text = (error as Error).message;
      events.event(autoscaler, 'Warning', 'FailedGetScale', text);
      set(draft, 'AbleToScale', 'False', 'FailedGetScale', `the HPA controller was unable to get the target's current scale: ${text}`);
      await write(draft, {});
      return;
    }
    set(draft, 'AbleToScale', 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
    const { minReplicas = 1, maxReplicas, behavior } = autoscaler.spec;
    const current = target.scale.spec?.replicas ?? 0;
    const time = performance.now();
    const history = histories.get(key) ?? { ...newHistory(), recommendations: [{ value: current, time }] };
    histories.set(key, history);

    let desired = current;
    let why = '';
    let statuses: MetricStatus[] | undefined;
    if (current === 0) set(draft, 'ScalingActive', 'False', 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero');
    else if (current > maxReplicas) [desired, why] = [maxReplicas, 'Current number of replicas above Spec.MaxReplicas'];
    else if (current < minReplicas) [desired, why] = [minReplicas, 'Current number of replicas below Spec.MinReplicas'];
    else {
      const computed = await compute(draft, key, target.scale);
      statuses = computed.statuses;
      if (!('replicas' in computed)) {
        events.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', computed.error.message);
        await write(draft, { currentReplicas: current, currentMetrics: statuses });
        return;
      }
      why = computed.replicas > current ? `${computed.name} above target` : computed.replicas < current ? 'All metrics below target' : '';
      const verdict = decide(history, { current, proposed: computed.replicas, min: minReplicas, max: maxReplicas, behavior, now: time });
      set(draft, 'AbleToScale', 'True', verdict.stabilized.reason, verdict.stabilized.message);
      set(draft, 'ScalingLimited', verdict.limited.limited ? 'True' : 'False', verdict.limited.reason, verdict.limited.message);
      desired = verdict.replicas;
    }
    if (desired !== current) {
      try {
        await rescale(draft, target, desired, why);
      } catch (error) {
        await write(draft, { currentReplicas: current, ...(statuses ? { currentMetrics: statuses } : {}) });
        throw error;
      }
      noteScale(history, current, desired, time);
    }
    await write(draft, {
      currentReplicas: current,
      desiredReplicas: desired,
      currentMetrics: statuses,
      ...(desired === current ? {} : { lastScaleTime: timeOf(now()) }),
    });
  }

  return {
    async reconcile(key): Promise<ReconcileResult> {
      const autoscaler = autoscalers.getByKey(key);
      if (!autoscaler) return undefined;
      try {
        await sync(key, autoscaler);
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      return { requeueAfterMs: periodMs };
    },
  };
}
