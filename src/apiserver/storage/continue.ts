/** Continue tokens: where a list that was cut off goes on. Their form is upstream's. */
import { parseJson } from '../../apimachinery/codec/json.ts';
import { badRequest } from '../../apimachinery/errors.ts';

export interface ContinueToken {
  /** -1: not tied to a snapshot any more, the list goes on with what stands now. */
  revision: number;
  /** First key that belongs to the rest, relative to the resource's prefix. */
  startKey: string;
}

export const encodeContinue = ({ revision, startKey }: ContinueToken): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: startKey })).toString('base64url');

/** Fails with 400. */
export function decodeContinue(text: string): ContinueToken {
  let token: { v?: unknown; rv?: unknown; start?: unknown };
  const wrong = text.search(/[^A-Za-z0-9_-]/);
  if (wrong >= 0 || text.length % 4 === 1) throw invalid(`illegal base64 data at input byte ${wrong >= 0 ? wrong : text.length - 1}`);
  try {
    token = parseJson(Buffer.from(text, 'base64url')) as typeof token;
  } catch (error) {
    throw invalid((error as Error).message);
  }
  if (typeof token !== 'object' || token === null) throw invalid('not an object');
  if (token.v !== 'meta.k8s.io/v1') throw refused(`continue key is not valid: server does not recognize this encoded version ${String(token.v ?? '')}`);
  if (typeof token.rv !== 'number' || token.rv === 0) {
    throw refused('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (typeof token.start !== 'string' || token.start === '') {
    throw refused('continue key is not valid: encoded start key empty (version meta.k8s.io/v1)');
  }
  const start = token.start.startsWith('/') ? token.start.slice(1) : token.start;
  // A key can't climb out of the resource: segments are what they say.
  if (start.split('/').some((segment) => segment === '.' || segment === '..' || segment === '')) {
    throw refused(`continue key is not valid: ${token.start}`);
  }
  return { revision: token.rv, startKey: start };
}

const refused = (why: string): Error => badRequest(`invalid continue token: ${why}`);
const invalid = (why: string): Error => refused(`continue key is not valid: ${why}`);
