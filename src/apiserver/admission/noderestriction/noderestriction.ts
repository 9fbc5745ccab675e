/** Keeps kubelets to their own node and to the pods bound to it, where the node authorizer can't see what a request says. */
import { certificatesigningrequests } from '../../../api/certificates/v1/certificatesigningrequest.ts';
import { podcertificaterequests } from '../../../api/certificates/v1beta1/podcertificaterequest.ts';
import { leases } from '../../../api/coordination/v1/lease.ts';
import { nodes } from '../../../api/core/v1/node.ts';
import { persistentvolumeclaims } from '../../../api/core/v1/persistentvolumeclaim.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import { serviceaccounts } from '../../../api/core/v1/serviceaccount.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import { resourceslices } from '../../../api/resource/v1/resourceslice.ts';
import { csinodes } from '../../../api/storage/v1/csinode.ts';
import { nodeIdentity, nodeUserPrefix } from '../../authentication/identities.ts';
import type { AdmissionPlugin } from '../../contracts.ts';
import { refusal } from '../attributes.ts';
import { restrictNodes } from './nodes.ts';
import { restrictCertificateRequests, restrictClaims, restrictCsiNodes, restrictLeases, restrictResourceSlices } from './others.ts';
import { restrictPodCertificateRequests } from './podcertificates.ts';
import { restrictPods } from './pods.ts';
import { quote, type Restriction, type RestrictionContext } from './restriction.ts';
import { restrictServiceAccounts } from './tokens.ts';

const key = ({ group, plural }: KindDefinition): string => `${group}/${plural}`;

const restrictions: ReadonlyMap<string, Restriction> = new Map([
  [key(pods), restrictPods],
  [key(nodes), restrictNodes],
  [key(persistentvolumeclaims), restrictClaims],
  [key(serviceaccounts), restrictServiceAccounts],
  [key(podcertificaterequests), restrictPodCertificateRequests],
  [key(leases), restrictLeases],
  [key(csinodes), restrictCsiNodes],
  [key(resourceslices), restrictResourceSlices],
  [key(certificatesigningrequests), restrictCertificateRequests],
]);

export const nodeRestriction = (context: RestrictionContext): AdmissionPlugin => ({
  name: 'NodeRestriction',
  handles: ({ operation, user }) => operation !== 'CONNECT' && user.username.startsWith(nodeUserPrefix) && nodeIdentity(user).isNode,
  async admit(attributes) {
    const { name } = nodeIdentity(attributes.user);
    if (name === '') throw refusal(attributes, `could not determine node from user ${quote(attributes.user.username)}`);
    await restrictions.get(key(attributes.definition))?.(name, attributes, context);
  },
});
