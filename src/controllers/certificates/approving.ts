/** `certificatesigningrequest-approving-controller`: approves what kubelets ask for when whoever asks has the permission. */
import { subjectaccessreviews } from '../../api/authorization/v1/subjectaccessreview.ts';
import { autoApprovals } from '../../api/certificates/v1/certificatesigningrequest/signers.ts';
import { certificatesigningrequests } from '../../api/certificates/v1/certificatesigningrequest.ts';
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.gen.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { defineController, enqueueSelf } from '../controller.ts';

export const isDecided = ({ status }: CertificateSigningRequest): boolean =>
  (status?.conditions ?? []).some(({ type }) => type === 'Approved' || type === 'Denied');

export const csrApprovingController = defineController({
  name: 'certificatesigningrequest-approving-controller',
  identity: 'certificate-controller',
  setup({ client, informers, log }, enqueue) {
    const requests = informers.informer(certificatesigningrequests);
    const resource = client.resource(certificatesigningrequests);
    const reviews = client.resource(subjectaccessreviews);
    enqueueSelf(requests, enqueue, keyOf);

    async function isAllowed({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
      const { username: user, uid, groups, extra } = spec;
      const review = await reviews.create({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: { name: '' },
        spec: {
          user,
          uid,
          groups,
          extra,
          resourceAttributes: { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', subresource, version: '*' },
        },
      });
      return review.status?.allowed === true;
    }

    return {
      async reconcile(key) {
        const csr = requests.getByKey(key);
        if (!csr || csr.status?.certificate || isDecided(csr)) return;
        let approvals: ReturnType<typeof autoApprovals>;
        try {
          approvals = autoApprovals(csr);
        } catch (error) {
          log.warn({ key, err: error }, 'a certificate signing request can not be read');
          return;
        }
        for (const { subresource, message } of approvals) {
          if (!(await isAllowed(csr, subresource))) continue;
          const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
          const approved = { ...csr, status: { ...csr.status, conditions: [...(csr.status?.conditions ?? []), condition] } };
          await resource.subresource('PUT', '', csr.metadata.name, 'approval', approved);
          return;
        }
      },
    };
  },
});
