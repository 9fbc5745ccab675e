/** Who comes in and who may do what in a control plane, by its PKI and by the flags of the API server. */
import type { Logger } from 'pino';
import { admissionPlugins } from '../../apiserver/admission/index.ts';
import type { SecurityParts, ServerParts } from '../../apiserver/apiserver.ts';
import type { Audit } from '../../apiserver/audit/backends.ts';
import { createAuthenticator } from '../../apiserver/authentication/index.ts';
import { createAuthorizer } from '../../apiserver/authorization/index.ts';
import type { Encryption } from '../../apiserver/storage/encryption/index.ts';
import type { Pki } from '../pki/pki.ts';
import type { Access } from './access.ts';

export interface SecurityOptions {
  pki: Pki;
  clusterDomain: string;
  access?: Access | undefined;
}

/** What service accounts' tokens are signed with, and in whose name. */
export const signingOf = ({ pki, clusterDomain, access }: SecurityOptions): { signingKey: string; issuers: readonly string[] } => ({
  signingKey: access?.serviceAccounts.signingKey ?? pki.serviceAccount.privateKey,
  issuers: access?.serviceAccounts.issuers ?? [`https://kubernetes.default.svc.${clusterDomain}`],
});

/** PEM of all whose client certificates TLS may accept. */
export const clientAuthorities = ({ pki, access }: SecurityOptions): string =>
  [pki.ca.certificate, pki.frontProxyCa.certificate, access?.clientCa ?? '', access?.authentication.requestHeader?.ca ?? ''].filter(Boolean).join('\n');

/** `closing` collects what must be ended with the server. */
export async function secure(parts: ServerParts, options: SecurityOptions, closing: (() => void)[]): Promise<SecurityParts> {
  const { reader, registry, handle, dial, log } = parts;
  const { pki, access } = options;
  const { signingKey, issuers } = signingOf(options);
  const authentication = await createAuthenticator({
    reader,
    log,
    clientCa: `${pki.ca.certificate}\n${access?.clientCa ?? ''}`,
    frontProxyCa: pki.frontProxyCa.certificate,
    ...access?.authentication,
    // Where nothing is said about keys, tokens of the cluster's own key stay good.
    serviceAccounts: { verificationKeys: [pki.serviceAccount.privateKey], ...access?.serviceAccounts, signingKey, issuers },
  });
  closing.push(authentication.close);
  const authorization = await createAuthorizer({ reader, log, ...access?.authorization });
  closing.push(authorization.close);
  await authorization.ready;
  return {
    authenticate: authentication.authenticate,
    authorize: authorization.authorize,
    admission: admissionPlugins({ reader, registry, handle, dial, authorize: authorization.authorize, guardEscalation: authorization.guardEscalation }),
    handlers: [...authentication.handlers, ...authorization.handlers],
    paths: authentication.paths,
  };
}

/** What most servers do without is loaded where it is configured. */
export async function openEncryption(access: Access | undefined, log: Logger): Promise<Encryption | undefined> {
  if (!access?.encryption) return undefined;
  return (await import('../../apiserver/storage/encryption/index.ts')).loadEncryption({ ...access.encryption, log });
}

export async function openAudit(access: Access | undefined, log: Logger): Promise<Audit | undefined> {
  if (access?.audit.policyFile === undefined) return undefined;
  return (await import('../../apiserver/audit/backends.ts')).createAudit(access.audit, log);
}
