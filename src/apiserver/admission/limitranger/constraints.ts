/** What a limit range forbids, as the sentences that clients get. */
import { podLimits, podRequests, type Quantities } from '../../../api/core/v1/pod/helpers.ts';
import type { LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../../api/core/v1/types.gen.ts';
import { own } from '../../../apimachinery/own.ts';
import { compareQuantities, formatQuantity, parseQuantity, type QuantityLike, quantitySign } from '../../../apimachinery/quantity.ts';

type Amounts = Readonly<Record<string, QuantityLike>>;
type Check = (
  enforced: QuantityLike,
  request: QuantityLike | undefined,
  limit: QuantityLike | undefined,
  of: { type: string; name: string },
) => string | undefined;

const show = (of: QuantityLike): string => formatQuantity(typeof of === 'object' ? of : parseQuantity(of));

const minimum: Check = (enforced, request, limit, { type, name }) => {
  const head = `minimum ${name} usage per ${type} is ${show(enforced)}`;
  if (request === undefined) return `${head}.  No request is specified`;
  if (compareQuantities(request, enforced) < 0) return `${head}, but request is ${show(request)}`;
  if (limit !== undefined && compareQuantities(limit, enforced) < 0) return `${head}, but limit is ${show(limit)}`;
  return undefined;
};

const maximum: Check = (enforced, request, limit, { type, name }) => {
  const head = `maximum ${name} usage per ${type} is ${show(enforced)}`;
  if (limit === undefined) return `${head}.  No limit is specified`;
  if (compareQuantities(limit, enforced) > 0) return `${head}, but limit is ${show(limit)}`;
  if (request !== undefined && compareQuantities(request, enforced) > 0) return `${head}, but request is ${show(request)}`;
  return undefined;
};

/** For what knows requests alone. */
const maximumRequest: Check = (enforced, request, _limit, { type, name }) => {
  const head = `maximum ${name} usage per ${type} is ${show(enforced)}`;
  if (request === undefined) return `${head}.  No request is specified`;
  return compareQuantities(request, enforced) > 0 ? `${head}, but request is ${show(request)}` : undefined;
};

const numberOf = (of: QuantityLike): number => {
  const { unscaled, exponent } = typeof of === 'object' ? of : parseQuantity(of);
  return Number(unscaled) * 10 ** exponent;
};

const ratio: Check = (enforced, request, limit, { type, name }) => {
  const head = `${name} max limit to request ratio per ${type} is ${show(enforced)}`;
  const isZero = (of: QuantityLike): boolean => quantitySign(of) === 0;
  if (request === undefined || isZero(request)) return `${head}, but no request is specified or request is 0`;
  if (limit === undefined || isZero(limit)) return `${head}, but no limit is specified or limit is 0`;
  const observed = numberOf(limit) / numberOf(request);
  return observed > numberOf(enforced) ? `${head}, but provided ratio is ${observed.toFixed(6)}` : undefined;
};

function violations(check: Check, bounds: Amounts | undefined, requests: Amounts, limits: Amounts, type: string): string[] {
  return Object.entries(bounds ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, enforced]) => check(enforced, own(requests, name), own(limits, name), { type, name }) ?? []);
}

const ofLimit = (item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] => [
  ...violations(minimum, item.min, requests, limits, item.type),
  ...violations(maximum, item.max, requests, limits, item.type),
  ...violations(ratio, item.maxLimitRequestRatio, requests, limits, item.type),
];

/** Everything in which the pod violates the range. */
export function podViolations({ spec }: LimitRange, pod: Pod): string[] {
  let whole: { requests: Quantities; limits: Quantities } | undefined;
  return (spec?.limits ?? []).flatMap((item) => {
    if (item.type === 'Container')
      return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ resources }) =>
        ofLimit(item, resources?.requests ?? {}, resources?.limits ?? {}),
      );
    if (item.type !== 'Pod') return [];
    whole ??= { requests: podRequests(pod, { excludeOverhead: true }), limits: podLimits(pod, { excludeOverhead: true }) };
    return ofLimit(item, whole.requests, whole.limits);
  });
}

export function claimViolations({ spec }: LimitRange, claim: PersistentVolumeClaim): string[] {
  const requests = claim.spec.resources?.requests ?? {};
  return (spec?.limits ?? []).flatMap((item) =>
    item.type === 'PersistentVolumeClaim'
      ? [...violations(minimum, item.min, requests, {}, item.type), ...violations(maximumRequest, item.max, requests, {}, item.type)]
      : [],
  );
}
