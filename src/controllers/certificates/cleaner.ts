/** `certificatesigningrequest-cleaner-controller`: removes requests that are done with, and those that nobody decides about. */
import { X509Certificate } from 'node:crypto';
import { certificatesigningrequests } from '../../api/certificates/v1/certificatesigningrequest.ts';
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { defineController, enqueueSelf } from '../controller.ts';

const hour = 60 * 60 * 1000;
const pendingFor = 24 * hour;
const decidedFor = hour;

function expiryOf(certificate: string | undefined): number {
  if (!certificate) return Number.POSITIVE_INFINITY;
  try {
    return new X509Certificate(Buffer.from(certificate, 'base64')).validToDate.getTime();
  } catch {
    // What a signer wrote that is no certificate expires by age alone.
    return Number.POSITIVE_INFINITY;
  }
}

/** When the request may go, in milliseconds since 1970. */
export function removableAt({ metadata, status = {} }: CertificateSigningRequest): number {
  const created = Date.parse(metadata.creationTimestamp ?? '') || 0;
  const conditions = status.conditions ?? [];
  const updated = (type: string): number | undefined => {
    const condition = conditions.find((one) => one.type === type);
    return condition && (Date.parse(condition.lastUpdateTime ?? '') || created);
  };
  const limits = [
    expiryOf(status.certificate),
    conditions.length === 0 ? created + pendingFor : Number.POSITIVE_INFINITY,
    (updated('Denied') ?? Number.POSITIVE_INFINITY) + decidedFor,
    (updated('Failed') ?? Number.POSITIVE_INFINITY) + decidedFor,
    // An approval that is not carried out waits as long as one that nobody gave.
    (updated('Approved') ?? Number.POSITIVE_INFINITY) + (status.certificate ? decidedFor : pendingFor),
  ];
  return Math.min(...limits);
}

export const csrCleanerController = defineController({
  name: 'certificatesigningrequest-cleaner-controller',
  identity: 'certificate-controller',
  concurrency: 1,
  setup({ client, informers, now }, enqueue) {
    const requests = informers.informer(certificatesigningrequests);
    const resource = client.resource(certificatesigningrequests);
    enqueueSelf(requests, enqueue, keyOf);
    return {
      async reconcile(key) {
        const csr = requests.getByKey(key);
        if (!csr) return;
        const leftMs = removableAt(csr) - now().getTime();
        if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, hour) };
        await resource.delete('', csr.metadata.name).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      },
    };
  },
});
