/** A trust bundle in the name of a signer needs the permission to attest for it. */
import { clustertrustbundles } from '../../../api/certificates/v1beta1/clustertrustbundle.ts';
import type { ClusterTrustBundle } from '../../../api/certificates/v1beta1/types.gen.ts';
import { semanticEqual } from '../../../apimachinery/equality.ts';
import type { AdmissionPlugin, Authorizer } from '../../contracts.ts';
import { handlesKind, objectOf, oldObjectOf, refusal } from '../attributes.ts';
import { mayUseSigner } from './signers.ts';

/** Without what the garbage collector changes. */
function substance({ metadata, ...body }: ClusterTrustBundle): unknown {
  const { ownerReferences, finalizers, managedFields, resourceVersion, ...rest } = metadata;
  return { ...body, metadata: rest };
}

export const clusterTrustBundleAttest = (authorize: Authorizer): AdmissionPlugin => ({
  name: 'ClusterTrustBundleAttest',
  handles: handlesKind(clustertrustbundles, 'CREATE', 'UPDATE'),
  async validate(attributes) {
    const bundle = objectOf<ClusterTrustBundle>(attributes);
    const signerName = bundle.spec.signerName ?? '';
    if (signerName === '') return;
    if (attributes.operation === 'UPDATE' && semanticEqual(substance(bundle), substance(oldObjectOf<ClusterTrustBundle>(attributes)))) return;
    if (!(await mayUseSigner(authorize, attributes.user, 'attest', signerName)))
      throw refusal(attributes, `user not permitted to attest for signerName ${JSON.stringify(signerName)}`);
  },
});
