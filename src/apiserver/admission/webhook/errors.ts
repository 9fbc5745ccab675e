/** How failures of webhooks, and their refusals, reach the client. */
import { badRequest, internalError, type Status, StatusError } from '../../../apimachinery/errors.ts';

/** The webhook could not be asked; its failure policy says what follows. */
export class WebhookCallError extends Error {
  constructor(webhook: string, reason: string, options?: ErrorOptions) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${reason}`, options);
  }
}

/** What the client gets when a webhook that must be asked can't be. */
export const failedClosed = (error: WebhookCallError): StatusError => internalError(error);

export const dryRunUnsupported = (webhook: string): StatusError => badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);

/** A refusal keeps what the webhook said of code, reason and details. */
export function denied(webhook: string, result: Partial<Status> | undefined): StatusError {
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const message = result?.message ? `${by}: ${result.message}` : result?.reason ? `${by}: ${result.reason}` : `${by} without explanation`;
  const code = result?.code !== undefined && result.code >= 400 ? result.code : 400;
  return new StatusError(code, result?.reason ?? '', message, result?.details);
}

const tlsFailures: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'x509: certificate signed by unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'x509: certificate signed by unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'x509: certificate signed by unknown authority',
  CERT_SIGNATURE_FAILURE: 'x509: certificate signed by unknown authority',
  CERT_HAS_EXPIRED: 'x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'x509: certificate has expired or is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'x509: certificate is not valid for the name that was called',
};

/** A transport's failure in the words that people look for. */
export function transportText(error: unknown): string {
  const { code = '', name, message, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (name === 'TimeoutError' || name === 'AbortError') return 'context deadline exceeded';
  const tls = tlsFailures[code];
  if (tls !== undefined) return `tls: failed to verify certificate: ${tls}`;
  if (code === 'ECONNREFUSED') return `dial tcp ${address}:${port}: connect: connection refused`;
  return message;
}
