/** `serviceaccounts/token`: issues a token for a service account, for some audiences and some time, bound to an object if asked. */
import { randomUUID } from 'node:crypto';
import type { TokenRequest } from '../../api/authentication/v1/types.gen.ts';
import { nodes } from '../../api/core/v1/node.ts';
import { pods } from '../../api/core/v1/pod.ts';
import { secrets } from '../../api/core/v1/secret.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import { badRequest, conflict, invalid, notFound } from '../../apimachinery/errors.ts';
import { type FieldError, invalidValue } from '../../apimachinery/fieldpath.ts';
import { type KubeObject, parseApiVersion, timeOf } from '../../apimachinery/meta.ts';
import type { TokenSigner } from '../../apimachinery/tokenkeys.ts';
import type { CustomHandler, CustomRequest, ObjectReader } from '../contracts.ts';
import { serviceAccountUser } from './identities.ts';

export interface TokenRequestOptions {
  reader: ObjectReader;
  issuer: string;
  sign: TokenSigner;
  /** What a token is good for when the request names no audience. */
  apiAudiences: readonly string[];
  /** 0 or absent: no limit but the API's own. Seconds. */
  maxExpirationSeconds?: number;
  /** Pods' tokens that were asked for with the kubelet's default life keep working for a year, with a warning mark. Default true. */
  extendExpiration?: boolean;
}

const kind = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
const minSeconds = 600;
const maxSeconds = 2 ** 32;
/** What the kubelet asks for when a projected volume says nothing: an hour and seven seconds. */
const projectedSeconds = 3607;
const extendedSeconds = 365 * 24 * 60 * 60;

interface Reference {
  name: string;
  uid?: string;
}

interface Bound {
  pod?: Reference;
  secret?: Reference;
  node?: Reference;
}

const referenceTo = ({ metadata }: KubeObject): Reference => ({ name: metadata.name, uid: metadata.uid ?? '' });

function checkNames(request: TokenRequest, namespace: string, name: string): void {
  const wrong: FieldError[] = [];
  if (request.metadata.name && request.metadata.name !== name)
    wrong.push(invalidValue('metadata.name', request.metadata.name, 'must match the service account name if specified'));
  else if (request.metadata.namespace && request.metadata.namespace !== namespace)
    wrong.push(invalidValue('metadata.namespace', request.metadata.namespace, 'must match the service account namespace if specified'));
  if (wrong.length > 0) throw invalid(kind, name, wrong);
}

function checkExpiration(seconds: number): void {
  const field = 'spec.expirationSeconds';
  if (seconds < minSeconds) throw invalid(kind, '', [invalidValue(field, seconds, 'may not specify a duration less than 10 minutes')]);
  if (seconds > maxSeconds) throw invalid(kind, '', [invalidValue(field, seconds, 'may not specify a duration larger than 2^32 seconds')]);
}

/** Looks up what the token shall be bound to; throws NotFound, or Conflict when it is another object of that name. */
async function resolveBound(request: TokenRequest, namespace: string, account: string, reader: ObjectReader): Promise<Bound> {
  const reference = request.spec.boundObjectRef;
  if (!reference) return {};
  const { group, version } = parseApiVersion(reference.apiVersion ?? '');
  const name = reference.name ?? '';
  const checkUid = (object: KubeObject | undefined, resource: string): KubeObject => {
    if (!object) throw notFound({ group: '', resource }, name);
    if (reference.uid && reference.uid !== object.metadata.uid)
      throw conflict(
        { group, resource: reference.kind ?? '' },
        name,
        `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    return object;
  };
  if (group === '' && reference.kind === 'Pod') {
    const pod = await reader.get(pods, namespace, name);
    if (pod && pod.spec?.serviceAccountName !== account)
      throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`);
    const bound: Bound = { pod: referenceTo(checkUid(pod, 'pods')) };
    const nodeName = pod?.spec?.nodeName;
    if (nodeName) {
      const node = await reader.get(nodes, '', nodeName);
      bound.node = node ? referenceTo(node) : { name: nodeName };
    }
    return bound;
  }
  if (group === '' && reference.kind === 'Node') return { node: referenceTo(checkUid(await reader.get(nodes, '', name), 'nodes')) };
  if (group === '' && reference.kind === 'Secret') return { secret: referenceTo(checkUid(await reader.get(secrets, namespace, name), 'secrets')) };
  throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${reference.kind ?? ''}`);
}

/** Answers with the token in `status`. @throws 404, 409, 422 or 400 as upstream does. */
export async function requestToken(
  options: TokenRequestOptions,
  { body, namespace, name, now, warn, annotate }: CustomRequest<TokenRequest>,
): Promise<TokenRequest> {
  checkNames(body, namespace, name);
  const account = await options.reader.get(serviceaccounts, namespace, name);
  if (!account) throw notFound({ group: '', resource: 'serviceaccounts' }, name);
  const { uid = '' } = account.metadata;
  if (body.metadata.uid && body.metadata.uid !== uid)
    throw conflict(
      { group: kind.group, resource: kind.kind },
      name,
      `the UID in the token request (${body.metadata.uid}) does not match the UID of the service account (${uid})`,
    );
  const audiences = body.spec.audiences?.length ? body.spec.audiences : [...options.apiAudiences];
  let seconds = body.spec.expirationSeconds ?? 3600;
  checkExpiration(seconds);
  const bound = await resolveBound(body, namespace, name, options.reader);
  const limit = options.maxExpirationSeconds ?? 0;
  if (limit > 0 && seconds > limit) {
    warn(`requested expiration of ${seconds} seconds shortened to ${limit} seconds`);
    seconds = limit;
  }

  const issuedAt = Math.floor(now.getTime() / 1000);
  const forServer = audiences.every((one) => options.apiAudiences.includes(one));
  const extended = (options.extendExpiration ?? true) && bound.pod !== undefined && seconds === projectedSeconds && forServer;
  const id = randomUUID();
  const token = options.sign({
    aud: audiences,
    exp: issuedAt + (extended ? extendedSeconds : seconds),
    iat: issuedAt,
    iss: options.issuer,
    jti: id,
    'kubernetes.io': {
      namespace,
      ...(bound.node ? { node: bound.node } : {}),
      ...(bound.pod ? { pod: bound.pod } : {}),
      ...(bound.secret ? { secret: bound.secret } : {}),
      serviceaccount: { name, uid },
      ...(extended ? { warnafter: issuedAt + seconds } : {}),
    },
    nbf: issuedAt,
    sub: serviceAccountUser(namespace, name),
  });
  annotate('authentication.kubernetes.io/issued-credential-id', `JTI=${id}`);
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: kind.kind,
    metadata: { ...body.metadata, name, namespace, uid, creationTimestamp: timeOf(now) },
    spec: { ...body.spec, audiences, expirationSeconds: seconds },
    status: { token, expirationTimestamp: timeOf(new Date((issuedAt + seconds) * 1000)) },
  };
}

export const tokenRequestHandler = (options: TokenRequestOptions): CustomHandler => ({
  group: '',
  version: 'v1',
  resource: 'serviceaccounts',
  subresource: 'token',
  verb: 'create',
  handle: (request) => requestToken(options, request),
});
