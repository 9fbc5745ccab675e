/**
 * The keys and certificates of a cluster, as values: made, checked and renewed without touching a disk (`files.ts` does that).
 * ECDSA P-256 throughout: a whole cluster's set takes a few milliseconds.
 * Names and usages follow kubeadm's, so that upstream's components accept them.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { type ExtendedKeyUsage, type Issuer, issueCertificate, subjectOf } from '../../apimachinery/x509/certificate.ts';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

export interface ServiceAccountKey {
  /** PEM, PKCS#8 or SEC 1. */
  privateKey: string;
  /** PEM, SPKI. */
  publicKey: string;
}

/** The leaf certificates that every cluster has. */
export const leafNames = ['apiserver', 'apiserver-kubelet-client', 'front-proxy-client', 'admin', 'controller-manager', 'scheduler'] as const;
export type LeafName = (typeof leafNames)[number];

export interface Pki {
  ca: KeyPair;
  frontProxyCa: KeyPair;
  leaves: Record<LeafName, KeyPair>;
  /** Signs service account tokens. */
  serviceAccount: ServiceAccountKey;
}

export interface PkiOptions {
  now?: Date;
  /** Further names and addresses under which clients reach the API server. */
  hosts?: readonly string[];
  /** The cluster IP of the `kubernetes` service. */
  serviceIps?: readonly string[];
  clusterDomain?: string;
}

const day = 24 * 60 * 60 * 1000;
const caDays = 3650;
const leafDays = 365;
/** A leaf is renewed when less than this part of its life is left. */
const renewalShare = 0.3;
/** Clocks of joining machines may be behind. */
const backdate = 5 * 60 * 1000;

interface LeafShape {
  commonName: string;
  organizations: string[];
  usages: ExtendedKeyUsage[];
  authority: 'ca' | 'frontProxyCa';
}

const leafShapes: Record<LeafName, LeafShape> = {
  apiserver: { commonName: 'kube-apiserver', organizations: [], usages: ['serverAuth'], authority: 'ca' },
  'apiserver-kubelet-client': { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'], usages: ['clientAuth'], authority: 'ca' },
  'front-proxy-client': { commonName: 'front-proxy-client', organizations: [], usages: ['clientAuth'], authority: 'frontProxyCa' },
  admin: { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['clientAuth'], authority: 'ca' },
  'controller-manager': { commonName: 'system:kube-controller-manager', organizations: [], usages: ['clientAuth'], authority: 'ca' },
  scheduler: { commonName: 'system:kube-scheduler', organizations: [], usages: ['clientAuth'], authority: 'ca' },
};

const newKey = (): { privateKey: KeyObject; publicKey: KeyObject } => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyPem = (key: KeyObject): string => key.export({ type: key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8', format: 'pem' }).toString();
const certificatePem = (der: Buffer): string => new X509Certificate(der).toString();

/** Every name and address by which the API server's serving certificate is valid. */
function serverHosts(options: PkiOptions = {}): string[] {
  const domain = options.clusterDomain ?? 'cluster.local';
  return [
    ...new Set([
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      `kubernetes.default.svc.${domain}`,
      'localhost',
      ...(options.serviceIps ?? ['10.96.0.1']),
      '127.0.0.1',
      '::1',
      ...(options.hosts ?? []),
    ]),
  ];
}

function createAuthority(commonName: string, now: Date): KeyPair {
  const { privateKey, publicKey } = newKey();
  const subject = { commonName, organizations: [] };
  const der = issueCertificate(
    {
      subject,
      hosts: [commonName],
      notBefore: new Date(now.getTime() - backdate),
      notAfter: new Date(now.getTime() + caDays * day),
      isCA: true,
      keyUsages: ['digitalSignature', 'keyEncipherment', 'keyCertSign'],
      publicKey,
    },
    { key: privateKey, publicKey, name: subject },
  );
  return { certificate: certificatePem(der), key: keyPem(privateKey) };
}

function issuerOf(authority: KeyPair): Issuer {
  const key = createPrivateKey(authority.key);
  return { key, publicKey: createPublicKey(key), name: subjectOf(new X509Certificate(authority.certificate).raw) };
}

export interface LeafRequest {
  commonName: string;
  organizations?: readonly string[];
  hosts?: readonly string[];
  usages: readonly ExtendedKeyUsage[];
  now?: Date;
  days?: number;
}

/** Issues a certificate with a new key, signed by that authority; it never outlives the authority. */
function issueLeaf(authority: KeyPair, request: LeafRequest): KeyPair {
  const now = (request.now ?? new Date()).getTime();
  const { privateKey, publicKey } = newKey();
  const end = Math.min(now + (request.days ?? leafDays) * day, new X509Certificate(authority.certificate).validToDate.getTime());
  const der = issueCertificate(
    {
      subject: { commonName: request.commonName, organizations: [...(request.organizations ?? [])] },
      hosts: request.hosts ?? [],
      notBefore: new Date(now - backdate),
      notAfter: new Date(end),
      keyUsages: ['digitalSignature', 'keyEncipherment'],
      extendedKeyUsages: request.usages,
      publicKey,
    },
    issuerOf(authority),
  );
  return { certificate: certificatePem(der), key: keyPem(privateKey) };
}

/** The client certificate of a node's kubelet: user `system:node:<name>`, group `system:nodes`. */
export const issueNodeClient = (pki: Pki, node: string, now?: Date): KeyPair =>
  issueLeaf(pki.ca, { commonName: `system:node:${node}`, organizations: ['system:nodes'], usages: ['clientAuth'], now });

/** The serving certificate of a node's kubelet. */
export const issueNodeServing = (pki: Pki, node: string, hosts: readonly string[], now?: Date): KeyPair =>
  issueLeaf(pki.ca, { commonName: `system:node:${node}`, organizations: ['system:nodes'], hosts: [node, ...hosts], usages: ['serverAuth'], now });

/** A client certificate for any user, for kubeconfigs. */
export const issueClient = (pki: Pki, commonName: string, organizations: readonly string[], now?: Date): KeyPair =>
  issueLeaf(pki.ca, { commonName, organizations, usages: ['clientAuth'], now });

function createServiceAccountKey(): ServiceAccountKey {
  const { privateKey, publicKey } = newKey();
  return { privateKey: keyPem(privateKey), publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

const needsHosts = (name: LeafName): boolean => name === 'apiserver';

function createLeaf(name: LeafName, authorities: Pick<Pki, 'ca' | 'frontProxyCa'>, options: PkiOptions): KeyPair {
  const { authority, ...shape } = leafShapes[name];
  return issueLeaf(authorities[authority], { ...shape, ...(needsHosts(name) ? { hosts: serverHosts(options) } : {}), now: options.now });
}

/** Makes everything anew. */
export const createPki = (options: PkiOptions = {}): Pki => completePki({}, options).pki;

/** Whether the pair belongs together, is signed by the authority, covers the hosts and has enough of its life left. */
export function isUsable(pair: KeyPair, authority: KeyPair, now: Date, hosts: readonly string[] = []): boolean {
  try {
    const certificate = new X509Certificate(pair.certificate);
    const ca = new X509Certificate(authority.certificate);
    const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
    // A leaf that ends with its authority can't be made to last longer by renewing it.
    const fresh = to - now.getTime() > Math.min((to - from) * renewalShare, leafDays * day * renewalShare) || to >= ca.validToDate.getTime();
    return (
      fresh &&
      now.getTime() < to &&
      certificate.checkPrivateKey(createPrivateKey(pair.key)) &&
      certificate.verify(ca.publicKey) &&
      hosts.every((host) => certificate.checkHost(host) !== undefined || certificate.checkIP(host) !== undefined)
    );
  } catch {
    // Not PEM, or not a key: as good as absent.
    return false;
  }
}

/** What may have been found on a disk. */
export type PartialPki = Partial<Omit<Pki, 'leaves'>> & { leaves?: Partial<Record<LeafName, KeyPair>> };

/**
 * Keeps what is usable and makes what is missing, damaged, near its end, or short of a host name.
 * An authority that exists is never replaced: everything that trusts it would be cut off.
 * `renewed` names the parts that are new (`ca`, `frontProxyCa`, `serviceAccount`, or a leaf's name).
 */
export function completePki(found: PartialPki, options: PkiOptions = {}): { pki: Pki; renewed: string[] } {
  const now = options.now ?? new Date();
  const renewed: string[] = [];
  const keep = <T>(name: string, present: T | undefined, create: () => T): T => {
    if (present !== undefined) return present;
    renewed.push(name);
    return create();
  };
  const ca = keep('ca', found.ca, () => createAuthority('kubernetes', now));
  const frontProxyCa = keep('frontProxyCa', found.frontProxyCa, () => createAuthority('front-proxy-ca', now));
  const authorities = { ca, frontProxyCa };
  const leaf = (name: LeafName): KeyPair => {
    const present = found.leaves?.[name];
    const hosts = needsHosts(name) ? serverHosts(options) : [];
    const usable = present !== undefined && isUsable(present, authorities[leafShapes[name].authority], now, hosts);
    return keep(name, usable ? present : undefined, () => createLeaf(name, authorities, { ...options, now }));
  };
  const leaves = Object.fromEntries(leafNames.map((name) => [name, leaf(name)])) as Record<LeafName, KeyPair>;
  return { pki: { ...authorities, leaves, serviceAccount: keep('serviceAccount', found.serviceAccount, createServiceAccountKey) }, renewed };
}
