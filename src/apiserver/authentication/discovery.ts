/** Issuer discovery: where and with which keys others can verify service account tokens. */
import { textReply } from '../exchange.ts';
import type { PathHandler } from '../route.ts';

/** Clients may keep the documents for so long, in seconds. */
const maxAge = 3600;

function document(path: string, contentType: string, value: object): PathHandler {
  const body = Buffer.from(JSON.stringify(value));
  const headers = { 'content-type': contentType, 'cache-control': `public, max-age=${maxAge}` };
  return ({ info }) => {
    if (info.path !== path && info.path !== `${path}/`) return undefined;
    return info.verb === 'get' ? { status: 200, headers: { ...headers }, body } : textReply(405, '405: Method Not Allowed');
  };
}

export const discoveryPaths = (metadata: object, jwks: object): PathHandler[] => [
  document('/.well-known/openid-configuration', 'application/json', metadata),
  document('/openid/v1/jwks', 'application/jwk-set+json', jwks),
];
