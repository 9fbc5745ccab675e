/** Permissions on signers, virtual resources by which approving, signing and attesting are granted. */
import type { UserInfo } from '../../../api/kind.ts';
import type { AuthorizationAttributes, Authorizer } from '../../contracts.ts';

const group = 'certificates.k8s.io';

/** The permission may be given for the signer by name, or for its domain as `<domain>/*`. */
export async function mayUseSigner(authorize: Authorizer, user: UserInfo, verb: 'approve' | 'sign' | 'attest', signerName: string): Promise<boolean> {
  const holds = async (name: string): Promise<boolean> => {
    const attributes: AuthorizationAttributes = {
      user,
      verb,
      isResourceRequest: true,
      group,
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
      path: '',
    };
    return (await authorize(attributes)).decision === 'allow';
  };
  return (await holds(signerName)) || holds(`${signerName.split('/')[0]}/*`);
}
