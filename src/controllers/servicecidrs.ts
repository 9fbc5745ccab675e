/** `service-cidr-controller`: a range of service addresses is ready, and is not deleted while services have addresses of it alone. */
import { ipaddresses } from '../api/networking/v1/ipaddress.ts';
import { servicecidrs } from '../api/networking/v1/servicecidr.ts';
import type { ServiceCIDR } from '../api/networking/v1/types.gen.ts';
import { isNotFound } from '../apimachinery/errors.ts';
import { type Cidr, cidrContains, parseCidr, parseIp } from '../apimachinery/ip.ts';
import { timeOf } from '../apimachinery/meta.ts';
import { defineController } from './controller.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
/** Until allocators have heard that the range goes, in milliseconds. */
const deletionGraceMs = 10_000;

const rangesOf = ({ spec }: ServiceCIDR): Cidr[] => (spec.cidrs ?? []).flatMap((one) => parseCidr(one) ?? []);
const covers = (outer: Cidr, inner: Cidr): boolean => outer.prefixLength <= inner.prefixLength && cidrContains(outer, inner.network);

/** Every address of the range has a home elsewhere, or there is none. Pure. */
export function isDeletable(range: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly string[]): boolean {
  const others = all.filter(({ metadata }) => metadata.name !== range.metadata.name && !metadata.deletionTimestamp).flatMap(rangesOf);
  const own = rangesOf(range);
  if (own.length > 0 && own.every((one) => others.some((other) => covers(other, one)))) return true;
  return addresses.every((text) => {
    const address = parseIp(text);
    return !address || !own.some((one) => cidrContains(one, address)) || others.some((other) => cidrContains(other, address));
  });
}

export const serviceCidrController = defineController({
  name: 'service-cidr-controller',
  identity: 'service-cidrs-controller',
  eventSource: 'service-cidrs-controller',
  setup({ client, informers, now }, enqueue) {
    const ranges = informers.informer(servicecidrs);
    const addresses = informers.informer(ipaddresses);
    const resource = client.resource(servicecidrs);
    const enqueueAll = (): void => {
      for (const { metadata } of ranges.list()) enqueue(metadata.name);
    };
    const enqueueLeaving = (): void => {
      for (const { metadata } of ranges.list()) if (metadata.deletionTimestamp) enqueue(metadata.name);
    };
    ranges.addHandlers({ added: enqueueAll, updated: ({ metadata }) => enqueue(metadata.name), deleted: enqueueAll });
    addresses.addHandlers({ added: enqueueLeaving, deleted: enqueueLeaving });

    async function setReady(range: ServiceCIDR, status: 'True' | 'False', reason: string, message: string): Promise<void> {
      const current = range.status?.conditions?.find(({ type }) => type === 'Ready');
      if (current?.status === status && current.reason === reason && current.message === message) return;
      const others = (range.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
      const lastTransitionTime = current?.status === status ? current.lastTransitionTime : timeOf(now());
      await resource.updateStatus({ ...range, status: { conditions: [...others, { type: 'Ready', status, reason, message, lastTransitionTime }] } });
    }

    return {
      async reconcile(name) {
        const range = ranges.get('', name);
        if (!range) return;
        const finalizers = range.metadata.finalizers ?? [];
        if (!range.metadata.deletionTimestamp) {
          if (!finalizers.includes(finalizer)) {
            await resource.patch('', name, 'merge', { metadata: { resourceVersion: range.metadata.resourceVersion, finalizers: [...finalizers, finalizer] } });
            return;
          }
          return setReady(range, 'True', 'ServiceCIDRReady', 'Kubernetes Service CIDR is ready');
        }
        if (!finalizers.includes(finalizer)) return;
        const used = addresses.list().map(({ metadata }) => metadata.name);
        if (!isDeletable(range, ranges.list(), used)) {
          return setReady(
            range,
            'False',
            'Terminating',
            'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
          );
        }
        const leftMs = deletionGraceMs - (now().getTime() - Date.parse(range.metadata.deletionTimestamp));
        if (leftMs > 0) return { requeueAfterMs: leftMs };
        const rest = finalizers.filter((one) => one !== finalizer);
        await resource
          .patch('', name, 'merge', { metadata: { resourceVersion: range.metadata.resourceVersion, finalizers: rest.length > 0 ? rest : null } })
          .catch((error: unknown) => {
            if (!isNotFound(error)) throw error;
          });
      },
    };
  },
});
