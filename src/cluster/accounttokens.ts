/** Tokens of the controllers' service accounts, for a controller manager that reaches the API server over the network. */
import type { TokenRequest } from '../api/authentication/v1/types.gen.ts';
import { serviceaccounts } from '../api/core/v1/serviceaccount.ts';
import { isAlreadyExists, isNotFound } from '../apimachinery/errors.ts';
import type { Client } from '../client/client.ts';

const namespace = 'kube-system';
const lifetimeSeconds = 3_600;
/** A token is replaced when this part of its life is over. */
const renewalShare = 0.8;

/** Gives a token for the account, a new one in time; the account is made where it is missing. `client` must be allowed to. */
export function accountToken(client: Client, account: string, now: () => number = Date.now): () => Promise<string> {
  let current: { token: string; renewAt: number } | undefined;
  let asking: Promise<string> | undefined;

  async function ask(): Promise<string> {
    const request = () =>
      client.resource(serviceaccounts).subresource<TokenRequest & { metadata: { name: string } }>('POST', namespace, account, 'token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [], expirationSeconds: lifetimeSeconds },
      });
    const { status } = await request().catch(async (error: unknown) => {
      if (!isNotFound(error)) throw error;
      await client
        .resource(serviceaccounts)
        .create({ metadata: { name: account, namespace } })
        .catch((failure: unknown) => {
          if (!isAlreadyExists(failure)) throw failure;
        });
      return request();
    });
    if (!status?.token) throw new Error(`the API server gave no token for the service account ${namespace}/${account}`);
    const begun = now();
    const expires = status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : begun + lifetimeSeconds * 1000;
    current = { token: status.token, renewAt: begun + (expires - begun) * renewalShare };
    return status.token;
  }

  return async () => {
    if (current && now() < current.renewAt) return current.token;
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}
