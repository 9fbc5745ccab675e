/** Who may approve and sign certificate requests, and whom none may name. */
import { certificatesigningrequests } from '../../../api/certificates/v1/certificatesigningrequest.ts';
import type { CertificateSigningRequest } from '../../../api/certificates/v1/types.gen.ts';
import { semanticEqual } from '../../../apimachinery/equality.ts';
import { parseCertificateRequest } from '../../../apimachinery/x509/request.ts';
import type { AdmissionPlugin, Authorizer } from '../../contracts.ts';
import { handlesKind, isAbout, objectOf, oldObjectOf, refusal } from '../attributes.ts';
import { mayUseSigner } from './signers.ts';

export const certificateApproval = (authorize: Authorizer): AdmissionPlugin => ({
  name: 'CertificateApproval',
  handles: (attributes) => attributes.operation === 'UPDATE' && isAbout(attributes, certificatesigningrequests, 'approval'),
  async validate(attributes) {
    const { signerName } = oldObjectOf<CertificateSigningRequest>(attributes).spec;
    if (!(await mayUseSigner(authorize, attributes.user, 'approve', signerName)))
      throw refusal(attributes, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
  },
});

export const certificateSigning = (authorize: Authorizer): AdmissionPlugin => ({
  name: 'CertificateSigning',
  handles: (attributes) => attributes.operation === 'UPDATE' && isAbout(attributes, certificatesigningrequests, 'status'),
  async validate(attributes) {
    const { spec, status: before } = oldObjectOf<CertificateSigningRequest>(attributes);
    const { status } = objectOf<CertificateSigningRequest>(attributes);
    if (before?.certificate === status?.certificate && semanticEqual(before?.conditions, status?.conditions)) return;
    if (!(await mayUseSigner(authorize, attributes.user, 'sign', spec.signerName)))
      throw refusal(attributes, `user not permitted to sign requests with signerName ${JSON.stringify(spec.signerName)}`);
  },
});

const clientSigner = 'kubernetes.io/kube-apiserver-client';

function organizationsOf(request: string): string[] {
  return parseCertificateRequest(Buffer.from(request, 'base64').toString('utf8')).subject.organizations;
}

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: handlesKind(certificatesigningrequests, 'CREATE'),
  validate(attributes) {
    const { signerName, request } = objectOf<CertificateSigningRequest>(attributes).spec;
    if (signerName !== clientSigner) return;
    let organizations: string[];
    try {
      organizations = organizationsOf(request);
    } catch (error) {
      throw refusal(attributes, `failed to parse CSR: ${(error as Error).message}`);
    }
    if (organizations.includes('system:masters')) throw refusal(attributes, `use of ${clientSigner} signer with system:masters group is not allowed`);
  },
};
