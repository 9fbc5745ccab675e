/** `certificatesigningrequest-signing-controller`: issues what was approved, for the signers that are part of Kubernetes. */

import { isBuiltinSigner, signerProblem } from '../../api/certificates/v1/certificatesigningrequest/signers.ts';
import { signRequest } from '../../api/certificates/v1/certificatesigningrequest/signing.ts';
import { certificatesigningrequests } from '../../api/certificates/v1/certificatesigningrequest.ts';
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.gen.ts';
import { keyOf, timeOf } from '../../apimachinery/meta.ts';
import { settingsOf } from '../common/settings.ts';
import { defineController, enqueueSelf } from '../controller.ts';

const year = 365 * 24 * 60 * 60 * 1000;

const has = ({ status }: CertificateSigningRequest, wanted: string): boolean =>
  (status?.conditions ?? []).some(({ type, status: state }) => type === wanted && state === 'True');

/** A denial outweighs an approval. */
const isApproved = (csr: CertificateSigningRequest): boolean => has(csr, 'Approved') && !has(csr, 'Denied') && !has(csr, 'Failed');

export const csrSigningController = defineController({
  name: 'certificatesigningrequest-signing-controller',
  identity: 'certificate-controller',
  setup(context, enqueue) {
    const { client, informers, now } = context;
    const { signingCa } = settingsOf(context);
    if (!signingCa) return { reconcile: async () => {} };
    const requests = informers.informer(certificatesigningrequests);
    const resource = client.resource(certificatesigningrequests);
    enqueueSelf(requests, enqueue, keyOf);
    return {
      async reconcile(key) {
        const csr = requests.getByKey(key);
        if (!csr || csr.status?.certificate || !isApproved(csr) || !isBuiltinSigner(csr.spec.signerName)) return;
        const problem = signerProblem(csr);
        if (problem !== undefined) {
          const condition = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: problem, lastUpdateTime: timeOf(now()) };
          await resource.updateStatus({ ...csr, status: { ...csr.status, conditions: [...(csr.status?.conditions ?? []), condition] } });
          return;
        }
        const pem = signRequest(csr, signingCa, now(), year);
        await resource.updateStatus({ ...csr, status: { ...csr.status, certificate: Buffer.from(pem).toString('base64') } });
      },
    };
  },
});
