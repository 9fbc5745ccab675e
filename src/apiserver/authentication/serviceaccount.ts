/**
 * Service account tokens: those of TokenRequest, bound to an object, and the older ones that live in a Secret.
 * A signature is checked once and remembered; whether account and bound object still exist is asked every time.
 */
import { timingSafeEqual } from 'node:crypto';
import { nodes } from '../../api/core/v1/node.ts';
import { pods } from '../../api/core/v1/pod.ts';
import { secrets } from '../../api/core/v1/secret.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import type { Secret } from '../../api/core/v1/types.gen.ts';
import type { UserInfo } from '../../api/kind.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import { decodeToken, type KeySet, verifyToken } from '../../apimachinery/tokenkeys.ts';
import type { ObjectReader } from '../contracts.ts';
import {
  credentialIdKey,
  nodeNameKey,
  nodeUidKey,
  podNameKey,
  podUidKey,
  serviceAccountGroups,
  serviceAccountUser,
  splitServiceAccountUser,
} from './identities.ts';
import type { TokenAuthenticator } from './token.ts';

/** The issuer of tokens that live in Secrets. */
export const legacyIssuer = 'kubernetes/serviceaccount';

export interface ServiceAccountTokenOptions {
  /** The first signs new tokens, all are accepted. */
  issuers: readonly string[];
  keys: KeySet;
  /** What a token without audiences is good for. */
  apiAudiences: readonly string[];
  reader: ObjectReader;
  now?(): Date;
}

interface Reference {
  name?: string;
  uid?: string;
}

/** The `kubernetes.io` claim. */
interface PrivateClaims {
  namespace?: string;
  serviceaccount?: Reference;
  pod?: Reference;
  secret?: Reference;
  node?: Reference;
  warnafter?: number;
}

type Claims = Record<string, unknown>;

/** Seconds by which clocks may differ. */
const leeway = 60;
const cacheSize = 8192;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : typeof value === 'string' ? [value] : []);

function checkTime(claims: Claims, now: number): void {
  const at = (name: string): number | undefined => (typeof claims[name] === 'number' ? claims[name] : undefined);
  const [notBefore, expiry, issuedAt] = [at('nbf'), at('exp'), at('iat')];
  if (notBefore !== undefined && now + leeway < notBefore) throw new Error('service account token is not valid yet');
  if (expiry !== undefined && now - leeway > expiry) throw new Error('service account token has expired');
  if (issuedAt !== undefined && now + leeway < issuedAt) throw new Error('service account token is issued in the future');
}

const deletedBefore = (object: KubeObject, now: number): boolean =>
  object.metadata.deletionTimestamp !== undefined && Date.parse(object.metadata.deletionTimestamp) / 1000 < now - leeway;

/** Throws unless the object that a token is bound to still is the one it was. */
function checkBound(kind: string, object: KubeObject | undefined, reference: Reference, now: number): void {
  if (!object) throw new Error('service account token has been invalidated');
  if (object.metadata.uid !== reference.uid)
    throw new Error(`${kind} UID (${object.metadata.uid}) does not match service account ${kind === 'secret' ? 'secret' : kind} ref claim (${reference.uid})`);
  if (deletedBefore(object, now)) throw new Error('service account token has been invalidated');
}

async function validateBound(claims: Claims, reader: ObjectReader, now: number): Promise<UserInfo> {
  checkTime(claims, now);
  const bound = (claims['kubernetes.io'] ?? {}) as PrivateClaims;
  const namespace = text(bound.namespace);
  const name = text(bound.serviceaccount?.name);
  const account = await reader.get(serviceaccounts, namespace, name);
  if (!account) throw new Error(`serviceaccounts "${name}" not found`);
  if (account.metadata.uid !== bound.serviceaccount?.uid)
    throw new Error(`service account UID (${account.metadata.uid}) does not match claim (${bound.serviceaccount?.uid})`);
  if (deletedBefore(account, now)) throw new Error(`service account ${namespace}/${name} has been deleted`);

  const extra: Record<string, string[]> = {};
  if (typeof claims['jti'] === 'string' && claims['jti'] !== '') extra[credentialIdKey] = [`JTI=${claims['jti']}`];
  if (bound.secret) checkBound('secret', await reader.get(secrets, namespace, text(bound.secret.name)), bound.secret, now);
  if (bound.pod) {
    checkBound('pod', await reader.get(pods, namespace, text(bound.pod.name)), bound.pod, now);
    extra[podNameKey] = [text(bound.pod.name)];
    extra[podUidKey] = [text(bound.pod.uid)];
  }
  if (bound.node) {
    // For a pod's token the node is information; alone it is what the token is bound to.
    if (!bound.pod) checkBound('node', await reader.get(nodes, '', text(bound.node.name)), bound.node, now);
    if (bound.node.name) extra[nodeNameKey] = [bound.node.name];
    if (bound.node.name && bound.node.uid) extra[nodeUidKey] = [bound.node.uid];
  }
  return {
    username: serviceAccountUser(namespace, name),
    uid: text(bound.serviceaccount?.uid),
    groups: serviceAccountGroups(namespace),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

function sameText(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

const secretValue = (secret: Secret, key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');

async function validateLegacy(claims: Claims, token: string, reader: ObjectReader): Promise<UserInfo> {
  const claim = (name: string): string => text(claims[`kubernetes.io/serviceaccount/${name}`]);
  const [namespace, secretName, name, uid] = [claim('namespace'), claim('secret.name'), claim('service-account.name'), claim('service-account.uid')];
  if (text(claims['sub']) === '') throw new Error('sub claim is missing');
  if (namespace === '') throw new Error('namespace claim is missing');
  if (secretName === '') throw new Error('secretName claim is missing');
  if (name === '') throw new Error('serviceAccountName claim is missing');
  if (uid === '') throw new Error('serviceAccountUID claim is missing');
  const subject = splitServiceAccountUser(text(claims['sub']));
  if (subject?.namespace !== namespace || subject.name !== name) throw new Error('sub claim is invalid');

  const secret = await reader.get<Secret>(secrets, namespace, secretName);
  if (!secret || secret.metadata.deletionTimestamp !== undefined) throw new Error('Token has been invalidated');
  if (!sameText(secretValue(secret, 'token'), token)) throw new Error("Token does not match server's copy");
  const account = await reader.get(serviceaccounts, namespace, name);
  if (!account) throw new Error(`serviceaccounts "${name}" not found`);
  if (account.metadata.deletionTimestamp !== undefined) throw new Error(`ServiceAccount ${namespace}/${name} has been deleted`);
  if (account.metadata.uid !== uid) throw new Error(`ServiceAccount UID (${account.metadata.uid}) does not match claim (${uid})`);
  const invalidSince = 'kubernetes.io/legacy-token-invalid-since';
  if (secret.metadata.labels?.[invalidSince])
    throw new Error(
      `the token in secret ${namespace}/${secretName} for service account ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSince}' label from the secret to temporarily allow use of this token`,
    );
  return { username: serviceAccountUser(namespace, name), uid, groups: serviceAccountGroups(namespace) };
}

const quoted = (values: readonly string[]): string => `[${values.map((one) => JSON.stringify(one)).join(' ')}]`;

/** Authenticates tokens of the given issuers, and legacy ones; other tokens are none of its business. */
export function createServiceAccountAuthenticator(options: ServiceAccountTokenOptions): TokenAuthenticator {
  const now = options.now ?? (() => new Date());
  const issuers = new Set(options.issuers);
  const verified = new Map<string, Claims>();

  function claimsOf(token: string): Claims | undefined {
    const known = verified.get(token);
    if (known) return known;
    const decoded = decodeToken(token);
    if (!decoded) return undefined;
    const issuer = text(decoded.claims['iss']);
    if (issuer !== legacyIssuer && !issuers.has(issuer)) return undefined;
    const keys = options.keys.find(text(decoded.header['kid']));
    if (keys.length === 0) throw new Error('invalid signature, no keys found');
    if (!verifyToken(token, keys, decoded.header['alg'])) throw new Error('invalid signature');
    if (verified.size >= cacheSize) verified.delete(verified.keys().next().value ?? '');
    verified.set(token, decoded.claims);
    return decoded.claims;
  }

  return async (token, audiences) => {
    const claims = claimsOf(token);
    if (!claims) return undefined;
    const named = list(claims['aud']);
    const own = named.length > 0 ? named : options.apiAudiences;
    const shared = own.filter((audience) => audiences.includes(audience));
    if (shared.length === 0 && options.apiAudiences.length > 0)
      throw new Error(`token audiences ${quoted(own)} is invalid for the target audiences ${quoted(audiences)}`);
    const user =
      claims['iss'] === legacyIssuer
        ? await validateLegacy(claims, token, options.reader)
        : await validateBound(claims, options.reader, now().getTime() / 1000);
    return { user, audiences: shared };
  };
}
